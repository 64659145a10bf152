import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openFileSource } from "../bytes/file-source.ts";
import { fsPath } from "../bytes/path-text.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { resolveInside, resolveRoot } from "./inside-root.ts";
import { isRemoteLocation } from "./location.ts";

/** The largest vocabularies known (262,144 names) need 35 MB. */
export const MAX_TOKENIZER_BYTES = 64 << 20;

/** A tokenizer.json as it is; null when the file is absent, too large or cannot be read. */
export async function tokenizerBytes(path: string): Promise<Uint8Array | null> {
  try {
    const source = await openFileSource(path);
    try {
      return source.size > MAX_TOKENIZER_BYTES ? null : await source.read(0, source.size);
    } finally {
      await source.close();
    }
  } catch {
    return null;
  }
}

/**
 * The tokenizer.json beside the weights of a model, or null. Beside is where the model was found, not where links of it
 * lead: a store of blobs has none, or another's. Where the file of the weights has a vocabulary, that is meant.
 */
export async function tokenizerBeside(checkpoint: Checkpoint): Promise<Uint8Array | null> {
  const { location, files, allowLinks } = checkpoint;
  if (checkpoint.ownTokenizer !== undefined) return checkpoint.ownTokenizer();
  const path = files[0]?.absolutePath ?? null;
  // A model out of the Hub's cache has an address, and what lies beside it was not asked for.
  if (path === null || isRemoteLocation(location)) return null;
  try {
    const isDirectory = (await stat(fsPath(location))).isDirectory();
    const root = await resolveRoot(isDirectory ? location : dirname(location), allowLinks);
    return await tokenizerBytes(await resolveInside(root, "tokenizer.json"));
  } catch {
    return null;
  }
}
