import { WeightmarkError } from "../../errors.ts";
import type { DirectoryListing } from "../directory-listing.ts";
import { MAX_LISTED } from "../foreign-weights.ts";
import { namesOfSet, numberedSets, numberedShard } from "../numbered-shards.ts";

const ENDING = /\.gguf$/i;
/** Beside models lie encoders of images, and what quantisation was steered by. */
const NO_MODEL = /(?:^|[-_.])(?:mmproj|imatrix)(?:[-_.]|$)/i;

/** Files that are one model. */
export interface GgufSet {
  /** In order. */
  readonly files: readonly string[];
  /** Name of a part that is not there, or null. */
  readonly missing: string | null;
}

export function isGgufName(name: string): boolean {
  return ENDING.test(name);
}

/** The GGUF models of a folder, parts of one together, in order of name. */
export function ggufSets({ foreign }: Pick<DirectoryListing, "foreign">): GgufSet[] {
  const names = foreign.filter(isGgufName);
  const models = names.filter((name) => !NO_MODEL.test(name));
  const kept = models.length > 0 ? models : names;
  const numbered = numberedSets(kept).map(({ files, missing }): GgufSet => ({ files, missing: missing.first }));
  const counted = new Set(numbered.flatMap(({ files }) => files));
  const single = kept.filter((name) => !counted.has(name)).map((name): GgufSet => ({ files: [name], missing: null }));
  return [...numbered, ...single].sort((a, b) => (a.files[0]! < b.files[0]! ? -1 : 1));
}

/** @throws SHARD_MISSING */
export function requireWholeSet({ files, missing }: GgufSet, path: string): void {
  if (missing === null) return;
  throw new WeightmarkError(
    "SHARD_MISSING",
    `${files.length} parts of the model are here; ${JSON.stringify(missing)} is not`,
    {
      file: path,
      detail: "Complete the download.",
    },
  );
}

/** The files of the model that a file named itself is part of, as the names tell. Null listing: nobody can say what is there. */
export function filesOfNamed(name: string, listing: DirectoryListing | null): GgufSet {
  const shard = numberedShard(name);
  if (shard === null) return { files: [name], missing: null };
  if (listing === null) return { files: namesOfSet(shard), missing: null };
  return (
    ggufSets({ foreign: listing.foreign }).find(({ files }) => files.includes(name)) ?? { files: [name], missing: null }
  );
}

/**
 * The one GGUF model of a folder that holds no safetensors; null where there is none.
 *
 * @throws AMBIGUOUS_CHECKPOINT, SHARD_MISSING
 */
export function onlyGguf(path: string, listing: DirectoryListing): GgufSet | null {
  const sets = ggufSets(listing);
  const [only] = sets;
  if (only === undefined) return null;
  if (sets.length > 1) {
    const shown = sets.slice(0, MAX_LISTED).map(({ files }) => JSON.stringify(files[0]));
    if (sets.length > MAX_LISTED) shown.push(`${sets.length - MAX_LISTED} more`);
    throw new WeightmarkError("AMBIGUOUS_CHECKPOINT", `several GGUF models here: ${shown.join(", ")}`, {
      file: path,
      detail: "Name one of these files.",
    });
  }
  requireWholeSet(only, path);
  return only;
}
