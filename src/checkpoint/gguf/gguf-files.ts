import { WeightmarkError } from "../../errors.ts";
import { kindByName } from "../../formats/foreign/file-name.ts";
import { isGgufName } from "../../formats/gguf/file-name.ts";
import { shownNames } from "../../formats/shown-names.ts";
import { isArrayName } from "../array-names.ts";
import type { DirectoryListing } from "../directory-listing.ts";
import type { WeightSet } from "../folder-models.ts";
import { type Missing, namesOfSet, numberedSets, numberedShard } from "../numbered-shards.ts";

/** Beside models lie encoders of images, and what quantisation was steered by. */
const NOTHING: Missing = { count: 0, first: null };
const NO_MODEL = /(?:^|[-_.])(?:mmproj|imatrix)(?:[-_.]|$)/i;

/** The GGUF models of a folder, parts of one together, in order of name. */
export function ggufSets({ foreign }: Pick<DirectoryListing, "foreign">): WeightSet[] {
  const names = foreign.filter(isGgufName);
  const models = names.filter((name) => !NO_MODEL.test(name));
  const kept = models.length > 0 ? models : names;
  const numbered = numberedSets(kept).map(({ files, missing }) => setOf("numbered", files, missing));
  const counted = new Set(numbered.flatMap(({ files }) => files));
  const single = kept.filter((name) => !counted.has(name)).map((name) => setOf("file", [name]));
  return [...numbered, ...single].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function setOf(kind: "numbered" | "file", files: readonly string[], missing: Missing = NOTHING): WeightSet {
  const name = files[0]!;
  return { kind, name, files, missing, component: name, variant: [] };
}

/** The files of the model that a file named itself is part of, as the names tell. Null listing: nobody can say what is there. */
export function ggufSetOf(name: string, listing: Pick<DirectoryListing, "foreign"> | null): WeightSet {
  const shard = numberedShard(name);
  if (shard === null) return setOf("file", [name]);
  if (listing === null) return setOf("numbered", namesOfSet(shard));
  return ggufSets(listing).find(({ files }) => files.includes(name)) ?? setOf("file", [name]);
}

/** Whether a folder is read for GGUF: where it has neither safetensors nor files that are surely PyTorch's. */
export function isLeftTo(listing: DirectoryListing): boolean {
  const { safetensors, indexes, foreign, foreignIndexes, companions } = listing;
  if (safetensors.length + indexes.length + foreignIndexes.length > 0) return false;
  return !foreign.some((name) => isArrayName(name) && kindByName(name, companions) === "pytorch");
}

/**
 * The one GGUF model of a folder that holds no safetensors; null where there is none.
 *
 * @throws AMBIGUOUS_CHECKPOINT
 */
export function onlyGguf(path: string, listing: DirectoryListing): WeightSet | null {
  const sets = ggufSets(listing);
  const [only] = sets;
  if (only === undefined) return null;
  if (sets.length > 1) {
    const shown = shownNames(sets.map(({ name }) => name));
    throw new WeightmarkError("AMBIGUOUS_CHECKPOINT", `several GGUF models here: ${shown}`, {
      file: path,
      detail: "Name one of these files.",
    });
  }
  return only;
}
