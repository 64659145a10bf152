import { join } from "node:path";
import { type Entry, entriesIn } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { isCompanion, isForeignWeights } from "../formats/foreign/file-name.ts";
import { isGgufName } from "../formats/gguf/file-name.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { isOnnxName } from "./array-names.ts";
import type { DirectoryListing } from "./directory-listing.ts";
import { isForeignIndex, isShardIndex } from "./index-name.ts";
import { MAX_DIRECTORY_ENTRIES } from "./limits.ts";
import { isPieceName, splitFiles } from "./split/part-names.ts";
import { isPointerName, isUnfinishedName } from "./unfinished.ts";

/** Sorts names into what matters; `names` may have an end or not. */
export async function classifyNames(
  names: Iterable<string> | AsyncIterable<string>,
  location: string,
): Promise<DirectoryListing> {
  const safetensors: string[] = [];
  const indexes: string[] = [];
  const foreignIndexes: string[] = [];
  const foreign: string[] = [];
  const companions = new Set<string>();
  const unfinished: string[] = [];
  const pointers: string[] = [];
  let isPipeline = false;
  let entries = 0;
  const pieces: string[] = [];
  const seen = new Set<string>();
  const sort = (name: string): void => {
    seen.add(name);
    if (isCompanion(name)) companions.add(name);
    if (name === "model_index.json") isPipeline = true;
    else if (isWeightName(name)) safetensors.push(name);
    else if (isShardIndex(name)) (isForeignIndex(name) ? foreignIndexes : indexes).push(name);
    else if (isUnfinishedName(name)) unfinished.push(name);
    else if (isPointerName(name)) pointers.push(name);
    else if (isForeignWeights(name)) foreign.push(name);
  };
  for await (const name of names) {
    if (++entries > MAX_DIRECTORY_ENTRIES) {
      throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_DIRECTORY_ENTRIES} entries`, {
        file: location,
      });
    }
    if (isPieceName(name)) pieces.push(name);
    else sort(name);
  }
  // What stands there whole is read, and its pieces beside it are not.
  const isOther = (name: string, file: { readonly name: string } | undefined) => file?.name !== name;
  const files = splitFiles(pieces).filter(
    ({ name }, i, all) => !seen.has(name) && isOther(name, all[i - 1]) && isOther(name, all[i + 1]),
  );
  const split = new Map(files.map((file) => [file.name, file]));
  const joined = new Set(files.flatMap(({ parts }) => parts));
  for (const name of pieces) if (!joined.has(name)) sort(name);
  for (const name of split.keys()) sort(name);
  // Where nothing else is, they are why: beside weights they are how these were fetched, or were to be.
  if (safetensors.length + indexes.length === 0) foreign.push(...unfinished.filter(isForeignWeights), ...pointers);
  for (const names of [safetensors, indexes, foreignIndexes, foreign, unfinished]) names.sort();
  return { safetensors, indexes, foreignIndexes, foreign, unfinished, companions, isPipeline, split };
}

async function* namesIn(path: string): AsyncGenerator<string> {
  for await (const { name } of entriesIn(path)) yield name;
}

/** Subdirectories and entries of each that are looked at to tell where weights lie. */
const MAX_LOOKED_AT = 200;
/** Names that are listed: as many as a message shows. */
const MAX_FOLDERS = 5;

/** Some of the subdirectories that weights lie in, in order of name; none where it cannot be said. */
export async function foldersWithWeights(path: string): Promise<string[]> {
  const found: string[] = [];
  const folders = (await first(path, MAX_DIRECTORY_ENTRIES)).filter(({ kind }) => kind.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  for (const name of names.slice(0, MAX_LOOKED_AT)) {
    if (found.length === MAX_FOLDERS) break;
    const inside = await first(join(path, name), MAX_LOOKED_AT);
    if (inside.some((entry) => isWeightName(entry.name) || isGgufName(entry.name) || isOnnxName(entry.name)))
      found.push(name);
  }
  return found;
}

/** Some entries of a directory, `most` of them; none of what cannot be looked into. */
async function first(path: string, most: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of entriesIn(path)) {
      if (entries.push(entry) === most) break;
    }
  } catch {
    return [];
  }
  return entries;
}

/** Lists a directory. Throws FILE_NOT_FOUND, FILE_UNREADABLE, DIRECTORY_TOO_LARGE. */
export async function listDirectory(path: string): Promise<DirectoryListing> {
  return classifyNames(namesIn(path), path).catch((error) => {
    throw fileError(error, path);
  });
}
