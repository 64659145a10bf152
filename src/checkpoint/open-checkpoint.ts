import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type ByteBudget, withBudget } from "../bytes/byte-budget.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { fileError } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { readSafetensorsHeader } from "../formats/safetensors/header.ts";
import { MAX_TENSORS } from "../formats/safetensors/limits.ts";
import type { Checkpoint, CheckpointFile, CheckpointTensor } from "./checkpoint.ts";
import { contradictions, readConfig } from "./config.ts";
import { listDirectory } from "./directory.ts";
import { type Root, resolveInside, resolveRoot } from "./inside-root.ts";
import { chooseLayout, unlistedNote } from "./layout.ts";
import { MAX_SHARDS } from "./limits.ts";
import { readShardIndex, type ShardIndex } from "./shard-index.ts";

export interface OpenOptions {
  /** Bytes of weight files that may be read, headers included. @default no limit */
  readonly budget?: ByteBudget | undefined;
}

const INDEX_SUFFIX = ".safetensors.index.json";

/** Files and tensors of a model while its files are opened one after the other. */
interface Assembly {
  readonly files: CheckpointFile[];
  readonly tensors: Map<string, CheckpointTensor>;
  readonly notes: string[];
}

async function addFile(to: Assembly, real: string, shown: string, path: string, options: OpenOptions): Promise<void> {
  const opened = await openFileSource(real, shown);
  const source = options.budget === undefined ? opened : withBudget(opened, options.budget);
  const file = to.files.length;
  // Before the header is read, so that a refusal closes it with the others.
  to.files.push({ path, absolutePath: real, source });
  const header = await readSafetensorsHeader(source);
  for (const note of header.notes) to.notes.push(`${path}: ${note}`);
  for (const tensor of header.tensors.values()) {
    const elsewhere = to.tensors.get(tensor.name);
    if (elsewhere !== undefined) {
      throw new WeightmarkError("DUPLICATE_TENSOR", `the tensor stands in ${to.files[elsewhere.file].path} as well`, {
        file: shown,
        tensor: tensor.name,
        detail: "If these are two models, name one of the files.",
      });
    }
    if (to.tensors.size === MAX_TENSORS) {
      throw new WeightmarkError("ST_TENSOR_LIMIT", `more than ${MAX_TENSORS} tensors in one model`, { file: shown });
    }
    // Spelled out: a spread takes three times as long and twice the memory, which a million tensors show.
    const { name, dtype, shape, begin, end } = tensor;
    to.tensors.set(name, { name, dtype, shape, begin, end, file });
  }
}

async function addInside(to: Assembly, root: Root, path: string, options: OpenOptions): Promise<void> {
  await addFile(to, await resolveInside(root, path), join(root.path, path), path, options);
}

async function addShards(
  to: Assembly,
  root: Root,
  index: ShardIndex,
  file: string,
  options: OpenOptions,
): Promise<void> {
  for (const shard of index.shards) {
    await addInside(to, root, shard, options).catch((error) => {
      if (!(error instanceof WeightmarkError) || error.code !== "FILE_NOT_FOUND") throw error;
      throw new WeightmarkError("SHARD_MISSING", `the index names ${shard}, which is not there`, {
        file,
        detail: "Complete the download.",
        cause: error,
      });
    });
  }
}

/** Holds the index against the headers: a tensor must stand in the shard named for it; the rest is worth a note. */
function checkIndex(to: Assembly, index: ShardIndex, file: string): void {
  for (const [name, shard] of index.shardOf) {
    const tensor = to.tensors.get(name);
    if (tensor?.file === shard) continue;
    const where = tensor === undefined ? "no shard does" : `${to.files[tensor.file].path} does`;
    throw new WeightmarkError("INDEX_TENSOR_MISSING", `${index.shards[shard]} does not hold the tensor, ${where}`, {
      file,
      tensor: name,
    });
  }
  const unnamed = to.tensors.size - index.shardOf.size;
  if (unnamed > 0) to.notes.push(`the shards hold ${unnamed} tensors that the index does not name; they were read`);
  let bytes = 0;
  for (const { begin, end } of to.tensors.values()) bytes += end - begin;
  if (index.totalSize !== null && index.totalSize !== bytes) {
    to.notes.push(`the index says total_size ${index.totalSize}, the tensors have ${bytes} bytes`);
  }
}

async function addIndexed(to: Assembly, root: Root, name: string, options: OpenOptions): Promise<void> {
  const shown = join(root.path, name);
  const source = await openFileSource(await resolveInside(root, name), shown);
  const index = await readShardIndex(source).finally(() => source.close());
  await addShards(to, root, index, shown, options);
  checkIndex(to, index, shown);
  const { safetensors } = await listDirectory(root.path);
  to.notes.push(...unlistedNote(safetensors, index.shards));
}

async function addDirectory(to: Assembly, root: Root, options: OpenOptions): Promise<void> {
  const layout = chooseLayout(root.path, await listDirectory(root.path));
  to.notes.push(...layout.notes);
  if (layout.index !== null) return addIndexed(to, root, layout.index, options);
  if (layout.files.length > MAX_SHARDS) {
    throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_SHARDS} .safetensors files`, { file: root.path });
  }
  for (const file of layout.files) await addInside(to, root, file, options);
}

/**
 * Opens a model: a .safetensors file, a shard index, or a directory that holds either (a snapshot in a Hugging Face
 * cache included). Reads every header and no weights. A file named directly is read on its own, without config.
 *
 * @throws the codes of `readSafetensorsHeader`, `readShardIndex` and `chooseLayout`; SHARD_MISSING, INDEX_TENSOR_MISSING,
 *   DUPLICATE_TENSOR, PATH_ESCAPES_ROOT, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE; every file is closed then
 */
export async function openCheckpoint(location: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const stats = await stat(location).catch((error) => {
    throw fileError(error, location);
  });
  const isIndex = stats.isFile() && location.endsWith(INDEX_SUFFIX);
  const root = stats.isDirectory() || isIndex ? await resolveRoot(isIndex ? dirname(location) : location) : null;
  const model: Assembly = { files: [], tensors: new Map(), notes: [] };
  const close = async () => {
    await Promise.all(model.files.map(({ source }) => source.close()));
  };
  try {
    if (root === null) await addFile(model, resolve(location), location, basename(location), options);
    else if (isIndex) await addIndexed(model, root, basename(location), options);
    else await addDirectory(model, root, options);
    const { config, notes } = root === null ? { config: null, notes: [] } : await readConfig(root);
    model.notes.push(...notes, ...contradictions(config, model.tensors.values()));
    const { files, tensors } = model;
    return {
      location,
      container: "safetensors",
      files,
      tensors,
      config,
      notes: model.notes,
      close,
      async verifyUnchanged() {
        for (const { source } of files) await source.verifyUnchanged();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
