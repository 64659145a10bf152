import { WeightmarkError } from "../errors.ts";
import { kindByName } from "../formats/foreign/file-name.ts";
import { shownNames } from "../formats/shown-names.ts";
import { isOnnxName, type WeightNames, weightNamesOf } from "./array-names.ts";
import type { DirectoryListing } from "./directory-listing.ts";
import { type FolderModel, modelsOf, preferredOf, type WeightSet, weightNames } from "./folder-models.ts";
import { describeForeign, onlyForeign } from "./foreign-weights.ts";
import { isLeftTo, onlyGguf } from "./gguf/gguf-files.ts";
import { unfinishedNote } from "./unfinished.ts";

/** Which files of a directory make up the model. */
export interface Layout {
  /** Whether the files are of GGUF; else each of them says what it is. */
  readonly isGguf: boolean;
  /** Name of the shard index, or null. */
  readonly index: string | null;
  /** Names of the files to read when there is no index. */
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

function noWeights(path: string, listing: DirectoryListing): WeightmarkError {
  if (listing.foreign.length > 0) return onlyForeign(path, listing);
  return new WeightmarkError("NO_WEIGHTS", "no weights in this directory", {
    file: path,
    detail: listing.isPipeline ? "This is a pipeline of several models: name one of its subdirectories." : undefined,
  });
}

/** @throws SHARD_MISSING when a numbered set is not whole: what is there would pass for a pruned copy of the model */
export function requireWhole({ files, missing }: Pick<WeightSet, "files" | "missing">, path: string): void {
  if (missing.first === null) return;
  const count = files.length + missing.count;
  const first = JSON.stringify(missing.first);
  throw new WeightmarkError("SHARD_MISSING", `${files.length} of ${count} shards are here; ${first} is not`, {
    file: path,
    detail: "Complete the download; to look at one shard alone, give it a name without the number.",
  });
}

/** What of the folder is not read with the model, each kind in a note of its own. */
function unreadNotes({ set }: FolderModel, listing: WeightNames): string[] {
  const notes: string[] = [];
  const own = new Set(set.kind === "indexed" ? [set.name] : set.files);
  // Of the files beside an index it is told when it was read: it may name any of them.
  const beside = set.kind === "indexed" ? listing.indexes : [...listing.indexes, ...weightNames(listing.safetensors)];
  const unread = beside.filter((name) => !own.has(name));
  if (unread.length > 0) notes.push(`${set.name} was read and these were not: ${shownNames(unread)}`);
  if (weightNames(listing.safetensors).length < listing.safetensors.length) {
    notes.push("fingerprint files beside the weights were not read as weights");
  }
  if (set.kind === "numbered")
    notes.push(`no shard index: ${set.files.length} shards taken by the numbers in their names`);
  return notes;
}

/**
 * Decides what to read of a directory, as loaders do: model.safetensors, else its index, else the only index, else the only
 * model there is. Files that are left out are noted.
 *
 * @throws NO_WEIGHTS, UNSUPPORTED_CONTAINER, AMBIGUOUS_CHECKPOINT, SHARD_MISSING
 */
export function chooseLayout(path: string, listing: DirectoryListing): Layout {
  const gguf = isLeftTo(listing) ? onlyGguf(path, listing) : null;
  if (gguf !== null) return ggufLayout(path, listing, gguf);
  const names = weightNamesOf(listing);
  if (names.safetensors.length === 0 && names.indexes.length === 0) throw noWeights(path, listing);
  const models = modelsOf(names);
  const model = preferredOf(models);
  if (model === null) {
    throw new WeightmarkError(
      "AMBIGUOUS_CHECKPOINT",
      `several models here: ${shownNames(models.map(({ set }) => set.name))}`,
      {
        file: path,
        detail: "Name one of these files: nothing says that they are shards of one model.",
      },
    );
  }
  const { set } = model;
  requireWhole(set, path);
  const own = new Set(names.safetensors);
  const isRead = (name: string) => own.has(name) || (isOnnxName(set.name) && kindByName(name) === "onnxData");
  const foreign = listing.foreign.filter((name) => !isRead(name));
  const notes =
    foreign.length === 0
      ? []
      : [`weights in other containers stand beside and were not read: ${describeForeign({ ...listing, foreign })}`];
  notes.push(...unreadNotes(model, names), ...unfinishedNote(listing.unfinished));
  const isIndexed = set.kind === "indexed";
  return { isGguf: false, index: isIndexed ? set.name : null, files: isIndexed ? [] : set.files, notes };
}

/** What is read of a directory whose model is stored as GGUF. */
function ggufLayout(path: string, listing: DirectoryListing, gguf: WeightSet): Layout {
  requireWhole(gguf, path);
  const own = new Set(gguf.files);
  const beside = listing.foreign.filter((name) => !own.has(name));
  const notes = [`no .safetensors file here: the GGUF model ${JSON.stringify(gguf.name)} was read`];
  if (beside.length > 0) notes.push(`these were not read: ${describeForeign({ ...listing, foreign: beside })}`);
  return { isGguf: true, index: null, files: gguf.files, notes };
}

/** A note on .safetensors files that the index does not name, or none. */
export function unlistedNote(safetensors: readonly string[], shards: readonly string[]): string[] {
  const listed = new Set(shards);
  const unlisted = weightNames(safetensors).filter((name) => !listed.has(name));
  return unlisted.length === 0 ? [] : [`shards that the index does not name were not read: ${shownNames(unlisted)}`];
}
