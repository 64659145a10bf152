import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openFileSource } from "../../bytes/file-source.ts";
import { fsPath } from "../../bytes/path-text.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { resolveInside, resolveRoot } from "../../checkpoint/inside-root.ts";
import { isRemoteLocation } from "../../checkpoint/location.ts";

/** Larger than any published tokenizer; read whole only below this. */
const MAX_TOKENIZER_BYTES = 64 << 20;
const MAX_TOKENS = 1 << 21;

/**
 * First 8 bytes of SHA-256 of every token's text, by id, from the tokenizer.json beside the weights; null when there is
 * none that can be read. Explains where rows of the embedding went; a wrong one costs an alignment, never a verdict.
 */
export async function tokenHashes(
  checkpoint: Checkpoint,
): Promise<ReadonlyMap<number, readonly [number, number]> | null> {
  const [file] = checkpoint.files;
  // A model out of the Hub's cache has an address, and what lies beside it was not asked for.
  if (file === undefined || file.absolutePath === null || isRemoteLocation(checkpoint.location)) return null;
  // The snapshot's own directory, not the blob store that its links lead to.
  const directory = (await isDirectory(checkpoint.location)) ? checkpoint.location : dirname(checkpoint.location);
  const text = await readText(directory, "tokenizer.json", checkpoint.allowLinks);
  const vocabulary = text === null ? null : vocabularyOf(text);
  if (vocabulary === null) return null;
  const hashes = new Map<number, readonly [number, number]>();
  for (const [token, id] of vocabulary) {
    if (!Number.isSafeInteger(id) || id < 0 || hashes.size >= MAX_TOKENS) continue;
    const digest = createHash("sha256").update(token, "utf8").digest();
    hashes.set(id, [digest.readUInt32LE(0), digest.readUInt32LE(4)]);
  }
  return hashes.size === 0 ? null : hashes;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(fsPath(path)).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function readText(
  directory: string,
  name: string,
  allowLinks: readonly string[] | undefined,
): Promise<string | null> {
  try {
    const path = await resolveInside(await resolveRoot(directory, allowLinks), name);
    const source = await openFileSource(path);
    try {
      if (source.size > MAX_TOKENIZER_BYTES) return null;
      return new TextDecoder("utf-8", { fatal: true }).decode(await source.read(0, source.size));
    } finally {
      await source.close();
    }
  } catch {
    return null;
  }
}

/** Pairs of token and id: a map of BPE or WordPiece, or the list of a Unigram model; added tokens behind them. */
function vocabularyOf(text: string): readonly (readonly [string, number])[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(parsed)) return null;
  const { model, added_tokens: added } = parsed;
  const pairs: (readonly [string, number])[] = [];
  const vocabulary = isRecord(model) ? model.vocab : null;
  if (Array.isArray(vocabulary)) {
    vocabulary.forEach((entry, id) => {
      if (Array.isArray(entry) && typeof entry[0] === "string") pairs.push([entry[0], id]);
    });
  } else if (isRecord(vocabulary)) {
    for (const [token, id] of Object.entries(vocabulary)) if (typeof id === "number") pairs.push([token, id]);
  }
  for (const entry of Array.isArray(added) ? added : []) {
    if (isRecord(entry) && typeof entry.content === "string" && typeof entry.id === "number") {
      pairs.push([entry.content, entry.id]);
    }
  }
  return pairs;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
