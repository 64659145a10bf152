import { WeightmarkError } from "../errors.ts";
import { ABSENT } from "./absent.ts";
import { namesBeside, type WeightNames } from "./array-names.ts";
import { type Assembly, addFiles, type Reading } from "./assembly.ts";
import { indexOfShards } from "./index-name.ts";
import { addIndexed, openIndex } from "./indexed.ts";
import { requireWhole } from "./layout.ts";
import type { ModelFolder } from "./model-folder.ts";
import { type NumberedShard, namesOfSet, numberedSets, numberedShard } from "./numbered-shards.ts";
import type { ShardIndex } from "./shard-index.ts";

/** What storages answer for what is not there to somebody who may not list. */
const NOT_SHOWN = new Set(["HTTP_FORBIDDEN", "HTTP_UNAUTHORIZED"]);
/** What a web server may send instead of a file that it does not have. */
const NO_INDEX = new Set(["INDEX_INVALID", "HTTP_STATUS"]);

function isAbsent(error: unknown): error is WeightmarkError {
  return error instanceof WeightmarkError && (ABSENT.has(error.code) || NOT_SHOWN.has(error.code));
}

/** The index beside a shard and what it is called, or null. Where nothing can be listed, it is asked for. */
async function indexBeside(
  folder: ModelFolder,
  { stem, ending }: NumberedShard,
  listing: WeightNames | null,
): Promise<{ readonly name: string; readonly index: ShardIndex } | null> {
  if (listing !== null) {
    const name = indexOfShards(listing.indexes, stem, ending);
    return name === null ? null : { name, index: await openIndex(folder, name) };
  }
  const name = `${stem}${ending}.index.json`;
  const index = await openIndex(folder, name).catch((error): ShardIndex | null => {
    if (isAbsent(error) || (error instanceof WeightmarkError && NO_INDEX.has(error.code))) return null;
    throw error;
  });
  return index === null ? null : { name, index };
}

/**
 * Adds the model that a numbered shard is part of: a shard alone would pass for a pruned copy of it. The index beside it
 * decides where it names the shard, else the numbers.
 *
 * @throws SHARD_MISSING, the codes of `addIndexed`
 */
export async function addNamedShard(to: Assembly, folder: ModelFolder, name: string, reading: Reading): Promise<void> {
  const shard = numberedShard(name)!;
  const all = await folder.list();
  const listing = all === null ? null : namesBeside(all, name);
  const beside = await indexBeside(folder, shard, listing);
  if (beside?.index.shards.includes(name)) return addIndexed(to, folder, beside.name, beside.index, reading);
  if (listing === null) return addUnlisted(to, folder, name, reading);
  const set = numberedSets(listing.safetensors).find(({ files }) => files.includes(name));
  if (set === undefined) return addFiles(to, folder, [name], reading);
  requireWhole(set, folder.shown(name));
  to.notes.push(...setNote(set.files));
  await addFiles(to, folder, set.files, reading);
}

/** The set of a shard as its name tells it. */
async function addUnlisted(to: Assembly, folder: ModelFolder, name: string, reading: Reading): Promise<void> {
  const names = namesOfSet(numberedShard(name)!);
  to.notes.push(...setNote(names));
  await addFiles(to, folder, names, reading).catch((error) => {
    const missing = names[to.files.length];
    if (!isAbsent(error) || missing === undefined || missing === name) throw error;
    throw new WeightmarkError("SHARD_MISSING", `${JSON.stringify(missing)} is not there, or not shown`, {
      file: folder.shown(name),
      detail: "Name an address whose other shards can be read as well, or download all of them.",
      cause: error,
    });
  });
}

function setNote(names: readonly string[]): string[] {
  return names.length === 1 ? [] : [`the shard that was named is one of ${names.length}; all were read`];
}
