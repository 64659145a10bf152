import type { ByteBudget } from "../bytes/byte-budget.ts";
import { WeightmarkError } from "../errors.ts";
import { type Assembly, addFiles } from "./assembly.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { contradictions, readConfig } from "./config.ts";
import { addIndexed } from "./indexed.ts";
import { chooseLayout, isShardIndex, withoutIndex } from "./layout.ts";
import { MAX_SHARDS } from "./limits.ts";
import { findLocalModel } from "./local-folder.ts";
import type { FoundModel, ModelFolder } from "./model-folder.ts";

export interface OpenOptions {
  /** Bytes of weight files that may be read, headers included. @default no limit */
  readonly budget?: ByteBudget | undefined;
  /** Whether config.json is read, which explains a model and decides nothing. @default true */
  readonly config?: boolean | undefined;
}

async function addFolder(to: Assembly, folder: ModelFolder, budget: ByteBudget | undefined): Promise<void> {
  const listing = await folder.list();
  if (listing === null) throw new Error(`${folder.location} cannot be listed`);
  const chosen = chooseLayout(folder.location, listing);
  const { index, files, notes } = folder.remote ? withoutIndex(chosen, listing) : chosen;
  to.notes.push(...notes);
  if (index !== null) return addIndexed(to, folder, index, budget);
  if (files.length > MAX_SHARDS) {
    throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_SHARDS} .safetensors files`, {
      file: folder.location,
    });
  }
  await addFiles(to, folder, files, budget);
}

async function addModel(
  to: Assembly,
  { folder, file }: FoundModel,
  options: OpenOptions,
): Promise<Checkpoint["config"]> {
  if (file === null) await addFolder(to, folder, options.budget);
  else if (isShardIndex(file)) await addIndexed(to, folder, file, options.budget);
  else await addFiles(to, folder, [file], options.budget);
  // A file that was named itself stands alone.
  if (options.config === false || (file !== null && !isShardIndex(file))) return null;
  const { config, notes } = await readConfig(folder);
  to.notes.push(...notes, ...contradictions(config, to.tensors.values()));
  return config;
}

/**
 * Opens a model: a .safetensors file, a shard index, or a directory that holds either (a snapshot in a Hugging Face
 * cache included). Reads every header and no weights. A file named directly is read on its own, without config.
 *
 * @throws the codes of `readSafetensorsHeader`, `readShardIndex` and `chooseLayout`; SHARD_MISSING, INDEX_TENSOR_MISSING,
 *   DUPLICATE_TENSOR, PATH_ESCAPES_ROOT, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE; every file is closed then
 */
export async function openCheckpoint(location: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const found = await findLocalModel(location);
  const model: Assembly = { files: [], tensors: new Map(), notes: [] };
  const close = async () => {
    await Promise.all(model.files.map(({ source }) => source.close()));
    await found.close();
  };
  try {
    const config = await addModel(model, found, options);
    const { files, tensors, notes } = model;
    return {
      location: found.location,
      revision: found.revision,
      container: "safetensors",
      files,
      tensors,
      config,
      notes,
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
