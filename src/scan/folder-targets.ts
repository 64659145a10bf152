import { arrayNames, isOnnxName } from "../checkpoint/array-names.ts";
import type { DirectoryListing } from "../checkpoint/directory-listing.ts";
import { type FolderModel, modelsOf, preferredOf, type WeightSet } from "../checkpoint/folder-models.ts";
import { ggufSets, isLeftTo } from "../checkpoint/gguf/gguf-files.ts";
import { openIndex } from "../checkpoint/indexed.ts";
import type { ModelFolder } from "../checkpoint/model-folder.ts";
import { numberedSets } from "../checkpoint/numbered-shards.ts";
import { WeightmarkError } from "../errors.ts";
import { shownNames } from "../formats/shown-names.ts";

/** A model of a folder as a scan names it. */
export interface FolderTarget {
  /** The file that it is named by, or null when it is what the folder is taken for. */
  readonly file: string | null;
  readonly set: WeightSet;
  /** What lies beside it and is not looked at. */
  readonly notes: readonly string[];
}

/**
 * Whether models of safetensors lie in a folder itself, models of GGUF that it is read for, or several of other containers
 * that no loader would choose from.
 */
export function holdsModels(listing: DirectoryListing): boolean {
  if (listing.safetensors.length + listing.indexes.length > 0) return true;
  return (isLeftTo(listing) && ggufSets(listing).length > 0) || isCollection(listing);
}

/** Whether a folder without safetensors holds several models, of which none is what it is taken for. */
function isCollection(listing: DirectoryListing): boolean {
  const models = modelsOf(arrayNames(listing));
  return models.length > 1 && preferredOf(models) === null;
}

/**
 * The models of a folder: the one that loaders would take of it goes by the name of the folder, others by their files. Where no
 * safetensors are, those of GGUF. A folder that nobody would take for one model is a collection, and each file of it a model
 * whatever its container.
 */
export function targetsIn(listing: DirectoryListing, shardsOf: ReadonlyMap<string, readonly string[]>): FolderTarget[] {
  if (listing.safetensors.length + listing.indexes.length === 0) {
    const sets = isLeftTo(listing) ? ggufSets(listing) : [];
    if (sets.length === 0) return isCollection(listing) ? othersIn(listing) : [];
    return sets.map((set) => ({ file: sets.length === 1 ? null : set.name, set, notes: [] }));
  }
  const models = modelsOf(listing, shardsOf);
  const preferred = preferredOf(models);
  const own = models.map((model) => ({
    file: model === preferred ? null : model.set.name,
    set: model.set,
    notes: notesOf(model, model === preferred ? listing.foreign : []),
  }));
  const others = preferred === null ? othersIn(listing) : [];
  const [first] = own;
  // Where there are models beside it, those tell what is left.
  if (preferred !== null || others.length > 0 || first === undefined) return [...own, ...others];
  return [{ ...first, notes: [...first.notes, ...foreignNotes(listing.foreign)] }, ...own.slice(1)];
}

/** Models of other containers, each by its file; of what is left the first one tells. */
function othersIn(listing: DirectoryListing): FolderTarget[] {
  const onnx = { ...listing, foreign: listing.foreign.filter(isOnnxName), foreignIndexes: [] };
  const arrays = [arrayNames(listing), arrayNames(onnx)].flatMap((names) => modelsOf(names));
  const models = [...ggufSets(listing).map((set): FolderModel => ({ set, variants: [] })), ...arrays];
  // Where nothing but ONNX is there, it is among the arrays.
  const own = [...new Map(models.map((model) => [model.set.name, model])).values()];
  const read = new Set(own.flatMap(({ set, variants }) => [set, ...variants].flatMap(({ files }) => files)));
  const isIndexed = own.some(({ set }) => set.kind === "indexed");
  const left = isIndexed ? [] : listing.foreign.filter((name) => !read.has(name));
  return own.map((model, i) => ({
    file: model.set.name,
    set: model.set,
    notes: notesOf(model, i === 0 ? left : []),
  }));
}

function notesOf({ set, variants }: FolderModel, foreign: readonly string[]): string[] {
  // Shards of its own set that an index leaves out are no variant.
  const isRest = (one: WeightSet) => set.kind === "indexed" && one.kind === "numbered" && one.missing.count > 0;
  const unread = variants.filter((one) => !isRest(one)).map(({ name }) => name);
  return [
    ...(unread.length === 0 ? [] : [`${set.name} was read; variants of it were not: ${shownNames(unread)}`]),
    ...foreignNotes(foreign),
  ];
}

function foreignNotes(foreign: readonly string[]): string[] {
  return foreign.length === 0 ? [] : [`weights in other containers beside it were not read: ${shownNames(foreign)}`];
}

/**
 * Whether the indexes of a folder have to be read to say which files they name: not where these are one set of shards each.
 *
 * @param hasBelow whether folders below it hold weights, which an index may name as well
 */
export function needsIndexes(listing: DirectoryListing, hasBelow: boolean): boolean {
  const { indexes, safetensors } = listing;
  if (indexes.length === 0) return false;
  if (hasBelow) return true;
  const models = modelsOf(listing);
  const whole = numberedSets(safetensors).filter(({ missing }) => missing.count === 0);
  const sets = new Set(whole.map(({ files }) => JSON.stringify(files)));
  const isPlain = ({ set }: FolderModel) => set.kind === "indexed" && sets.has(JSON.stringify(set.files));
  return !models.every((model) => isPlain(model) && model.variants.every((set) => isPlain({ set, variants: [] })));
}

/**
 * The files that the indexes of a folder name. One that cannot be read names none: anyone who opens its model is told why.
 *
 * @throws what may pass: the network, the machine
 */
export async function shardsIn(
  folder: ModelFolder,
  { indexes }: Pick<DirectoryListing, "indexes">,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const shardsOf = new Map<string, readonly string[]>();
  for (const name of indexes) {
    const index = await openIndex(folder, name).catch((error) => {
      if (error instanceof WeightmarkError && error.kind === "refused") return null;
      throw error;
    });
    if (index !== null) shardsOf.set(name, index.shards);
  }
  return shardsOf;
}
