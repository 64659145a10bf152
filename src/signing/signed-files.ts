import { WeightmarkError } from "../errors.ts";
import type { Manifest, Resource } from "./manifest.ts";
import { rangesOf } from "./resources.ts";

/** What was signed of one file. */
export interface SignedFile {
  /** Bytes, or null where whole files were hashed: their signature does not say. */
  readonly size: number | null;
  /** By where they start. */
  readonly resources: readonly Resource[];
}

/**
 * What was signed, by path.
 *
 * @param signature what messages call it
 * @throws SIGNATURE_MALFORMED where the pieces of a file leave a gap or overlap
 */
export function signedFiles({ resources, serialization }: Manifest, signature: string): Map<string, SignedFile> {
  const pieces = new Map<string, Resource[]>();
  for (const resource of resources) {
    const before = pieces.get(resource.path);
    if (before === undefined) pieces.set(resource.path, [resource]);
    else before.push(resource);
  }
  const files = new Map<string, SignedFile>();
  for (const [path, all] of pieces) {
    const size = sizeOf(all, serialization.shardSize);
    if (size !== undefined) files.set(path, { size, resources: all });
    else {
      throw new WeightmarkError(
        "SIGNATURE_MALFORMED",
        "what was signed is wrong: the pieces of a file are not all of it",
        {
          file: signature,
        },
      );
    }
  }
  return files;
}

/** Undefined where the pieces are not all those of a file. */
function sizeOf(resources: Resource[], shardSize: number | null): number | null | undefined {
  if (shardSize === null) return null;
  resources.sort((a, b) => a.range![0] - b.range![0]);
  const size = resources.at(-1)!.range![1];
  if (Math.ceil(size / shardSize) !== resources.length) return undefined;
  const isWhole = rangesOf(size, shardSize).every(([start, end], i) => {
    const range = resources[i]!.range!;
    return range[0] === start && range[1] === end;
  });
  return isWhole ? size : undefined;
}

/** The digest that was signed of one of the ranges that a file of the right size has. */
export function signedDigest(
  { resources }: SignedFile,
  range: readonly [number, number] | null,
  shardSize: number | null,
): string {
  return resources[range === null || shardSize === null ? 0 : range[0] / shardSize]!.digest;
}
