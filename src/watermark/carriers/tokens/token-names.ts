import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { tokenizerBeside, tokenizerBytes } from "../../../checkpoint/tokenizer-bytes.ts";

/** Distinct names by token number, null where the tokenizer names none. */
export type TokenNames = readonly (string | null)[];

/** Rows looked at: four times the largest vocabulary known. */
export const MAX_TOKENS = 1 << 20;
const MAX_NAME_LENGTH = 1024;

/** The names of the tokenizer.json beside the weights; null when there is none or it cannot be read as one. */
export async function readTokenNames(checkpoint: Checkpoint): Promise<TokenNames | null> {
  return namesIn(await tokenizerBeside(checkpoint));
}

/** The names that a tokenizer.json gives; null when the file is absent, too large or says nothing of the kind. */
export async function readTokenizerFile(path: string): Promise<TokenNames | null> {
  return namesIn(await tokenizerBytes(path));
}

/** Whatever stands there decides no more than which rows are read. */
function namesIn(bytes: Uint8Array | null): TokenNames | null {
  if (bytes === null) return null;
  try {
    return tokenNames(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return null;
  }
}

/**
 * Names of the vocabulary of a parsed tokenizer.json: `model.vocab` as a map from names to numbers (BPE, WordPiece) or a
 * list of [name, score] (Unigram), and `added_tokens`. The first token to claim a name or number keeps it: two tokens
 * of one name would share a coin, and no p-value would hold.
 */
export function tokenNames(tokenizer: unknown): TokenNames | null {
  const vocabulary = field(field(tokenizer, "model"), "vocab");
  const entries: (readonly [unknown, unknown])[] = Array.isArray(vocabulary)
    ? vocabulary.map((entry, id) => [Array.isArray(entry) ? entry[0] : null, id])
    : typeof vocabulary === "object" && vocabulary !== null
      ? Object.entries(vocabulary)
      : [];
  const added = field(tokenizer, "added_tokens");
  if (Array.isArray(added)) for (const token of added) entries.push([field(token, "content"), field(token, "id")]);

  const names: (string | null)[] = [];
  const seen = new Set<string>();
  const byNumber = entries.filter(isEntry).sort(([, a], [, b]) => a - b);
  for (const [written, id] of byNumber) {
    // Halves of surrogate pairs are all one in UTF-8: what counts as distinct must be so in bytes.
    const name = Buffer.from(written, "utf8").toString("utf8");
    if (seen.has(name)) continue;
    while (names.length <= id) names.push(null);
    if (names[id] !== null) continue;
    seen.add(name);
    names[id] = name;
  }
  return names.length === 0 ? null : names;
}

function isEntry(entry: readonly [unknown, unknown]): entry is readonly [string, number] {
  const [name, id] = entry;
  return (
    typeof name === "string" &&
    name.length <= MAX_NAME_LENGTH &&
    Number.isSafeInteger(id) &&
    (id as number) >= 0 &&
    (id as number) < MAX_TOKENS
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
