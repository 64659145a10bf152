import { isBrokenLink } from "../bytes/absence.ts";
import { WeightmarkError } from "../errors.ts";
import { ABSENT } from "./absent.ts";
import { namesBeside } from "./array-names.ts";
import { type Assembly, addFiles, type Reading } from "./assembly.ts";
import { unlistedNote } from "./layout.ts";
import type { ModelFolder } from "./model-folder.ts";
import { readShardIndex, type ShardIndex } from "./shard-index.ts";

/** Holds the index against the headers: a tensor must stand in the shard named for it; the rest is worth a note. */
function checkIndex(to: Assembly, index: ShardIndex, file: string): void {
  for (const [name, shard] of index.shardOf) {
    if (to.tensors.get(name)?.file === shard) continue;
    const elsewhere = to.passedOver.get(name);
    const where = elsewhere === undefined ? "no shard does" : `${to.files[elsewhere]!.path} does`;
    throw new WeightmarkError("INDEX_TENSOR_MISSING", `${index.shards[shard]} does not hold the tensor, ${where}`, {
      file,
      tensor: name,
    });
  }
  const unnamed = to.tensors.size - index.shardOf.size;
  if (unnamed > 0) to.notes.push(`the shards hold ${unnamed} tensors that the index does not name; they were read`);
  if (to.passedOver.size > 0) {
    to.notes.push(`${to.passedOver.size} tensors stand in several shards; each was read where the index says`);
  }
  let bytes = 0;
  for (const { begin, end } of to.tensors.values()) bytes += end - begin;
  if (index.totalSize !== null && index.totalSize !== bytes) {
    to.notes.push(`the index says total_size ${index.totalSize}, the tensors have ${bytes} bytes`);
  }
}

/** @throws the codes of `readShardIndex`, what `folder.open` throws */
export async function openIndex(folder: ModelFolder, name: string): Promise<ShardIndex> {
  const { source } = await folder.open(name);
  return readShardIndex(source).finally(() => source.close());
}

/**
 * Adds the model that a shard index lists. The index alone decides which file a tensor is read from.
 *
 * @throws the codes of `addFiles`; SHARD_MISSING, INDEX_TENSOR_MISSING
 */
export async function addIndexed(
  to: Assembly,
  folder: ModelFolder,
  name: string,
  index: ShardIndex,
  reading: Reading,
): Promise<void> {
  const file = folder.shown(name);
  const fileOf = (tensor: string) => index.shardOf.get(tensor);
  await addFiles(to, folder, index.shards, reading, fileOf).catch((error) => {
    const shard = index.shards[to.files.length];
    if (!(error instanceof WeightmarkError) || !ABSENT.has(error.code) || shard === undefined) throw error;
    const isBroken = isBrokenLink(error);
    const how = isBroken ? `: ${error.message}` : ", which is not there";
    throw new WeightmarkError("SHARD_MISSING", `the index names ${shard}${how}`, {
      file,
      detail: isBroken ? error.detail : "Complete the download.",
      cause: error,
    });
  });
  checkIndex(to, index, file);
  const listing = await folder.list();
  if (listing !== null) to.notes.push(...unlistedNote(namesBeside(listing, name).safetensors, index.shards));
}
