import { type HashOptions, hashFiles } from "./hash-files.ts";
import type { ListedFile, Listing } from "./listing.ts";
import type { Manifest } from "./manifest.ts";
import { planResources } from "./resources.ts";
import { signedDigest, signedFiles } from "./signed-files.ts";

/** A file that is not what was signed. */
export interface ChangedFile {
  readonly path: string;
  readonly why: string;
}

/** How a model differs from what was signed. Every list is in the order of code units; paths are hostile. */
export interface Difference {
  /** Files whose content is what was signed. */
  readonly verified: number;
  /** Of those that were hashed. */
  readonly bytes: number;
  readonly changed: readonly ChangedFile[];
  /** Signed, and not there. */
  readonly missing: readonly string[];
  /** There, and not signed: files, links that are not followed, sockets and devices. */
  readonly unsigned: readonly string[];
  /** There, and left out by the signature or by the one who verifies. */
  readonly ignored: readonly string[];
  /** Files of no bytes, which a signature of pieces does not cover. */
  readonly uncovered: readonly string[];
}

/**
 * Holds the files that are there against those that were signed. Only files that were signed are hashed, and none of another
 * size.
 *
 * @param signature what messages call the signature
 * @throws SIGNATURE_MALFORMED, what `hashFiles` throws
 */
export async function diffModel(
  listing: Listing,
  manifest: Manifest,
  signature: string,
  options: HashOptions,
): Promise<Difference> {
  const { hash, shardSize } = manifest.serialization;
  const signed = signedFiles(manifest, signature);
  const changed: ChangedFile[] = [];
  const unsigned: string[] = [];
  const uncovered: string[] = [];
  const hashed: ListedFile[] = [];
  for (const file of listing.files) {
    const about = signed.get(file.path);
    if (about === undefined) (shardSize !== null && file.size === 0 ? uncovered : unsigned).push(file.path);
    else if (about.size === null || about.size === file.size) hashed.push(file);
    else changed.push({ path: file.path, why: `it has ${file.size} bytes, and ${about.size} were signed` });
  }
  for (const [kind, paths] of [
    ["a symbolic link", listing.links],
    ["neither a file nor a directory", listing.special],
  ] as const) {
    for (const path of paths) {
      if (signed.has(path)) changed.push({ path, why: `${kind} stands there now` });
      else unsigned.push(path);
    }
  }
  const planned = planResources(listing, hashed, shardSize);
  const digests = await hashFiles(
    planned.map(({ task }) => task),
    hash,
    options,
  );
  const wrong = new Map<string, string[]>();
  for (const [i, { resource }] of planned.entries()) {
    if (signedDigest(signed.get(resource.path)!, resource.range, shardSize) === digests[i]) continue;
    const { path, range } = resource;
    wrong.set(path, [...(wrong.get(path) ?? []), range === null ? "" : `${range[0]}-${range[1]}`]);
  }
  for (const [path, ranges] of wrong) changed.push({ path, why: whyChanged(ranges) });
  const there = new Set([...listing.files.map(({ path }) => path), ...listing.links, ...listing.special]);
  return {
    verified: hashed.length - wrong.size,
    bytes: planned.reduce((sum, { task }) => sum + task.end - task.start, 0),
    changed: changed.sort((a, b) => (a.path < b.path ? -1 : 1)),
    missing: [...signed.keys()].filter((path) => !there.has(path)).sort(),
    unsigned: unsigned.sort(),
    ignored: listing.ignored,
    uncovered,
  };
}

function whyChanged(ranges: readonly string[]): string {
  if (ranges[0] === "") return "its content is another";
  const more = ranges.length > 3 ? ` and ${ranges.length - 3} more` : "";
  return `its content is another at bytes ${ranges.slice(0, 3).join(", ")}${more}`;
}
