import { createHash } from "node:crypto";
import { isRecord } from "../anatomy/config-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { tokenizerBeside } from "../checkpoint/tokenizer-bytes.ts";

const MAX_TOKENS = 1 << 21;

/**
 * First 8 bytes of SHA-256 of every token's text, by id, from the tokenizer.json beside the weights; null when there is
 * none that can be read. Explains where rows of the embedding went; a wrong one costs an alignment, never a verdict.
 */
export async function tokenHashes(
  checkpoint: Checkpoint,
): Promise<ReadonlyMap<number, readonly [number, number]> | null> {
  const text = textOf(await tokenizerBeside(checkpoint));
  const vocabulary = text === null ? null : vocabularyOf(text);
  if (vocabulary === null) return null;
  const hashes = new Map<number, readonly [number, number]>();
  for (const [token, id] of vocabulary) {
    if (!Number.isSafeInteger(id) || id < 0 || hashes.size >= MAX_TOKENS) continue;
    hashes.set(id, tokenHash(token));
  }
  return hashes.size === 0 ? null : hashes;
}

export function tokenHash(text: string): readonly [number, number] {
  const digest = createHash("sha256").update(text, "utf8").digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

function textOf(bytes: Uint8Array | null): string | null {
  try {
    return bytes === null ? null : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
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
