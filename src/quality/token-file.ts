import { openFileSource } from "../bytes/file-source.ts";
import { WeightmarkError } from "../errors.ts";
import type { Tokens } from "./windows.ts";

/** A JSON list of 8 million ids with room to spare. */
const MAX_TOKEN_FILE = 64 << 20;
/** More bytes than any tokenizer puts into a token on average. */
const BYTES_PER_TOKEN = 16;

/**
 * Reads a JSON list of token ids, or a list of such lists: run as they are, nothing is put before them. Throws TOKENS_INVALID.
 */
export async function readTokenIds(path: string): Promise<Tokens> {
  const invalid = (message: string, detail?: string) =>
    new WeightmarkError("TOKENS_INVALID", message, { file: path, detail });
  const source = await openFileSource(path);
  try {
    if (source.size > MAX_TOKEN_FILE) throw invalid(`larger than ${MAX_TOKEN_FILE} bytes`, "Give fewer token ids.");
    const value = parse(await source.read(0, source.size));
    const sequences = Array.isArray(value) && value.every(Array.isArray) && value.length > 0 ? value : [value];
    if (!sequences.every(isIdList)) throw invalid("neither a JSON list of token ids nor a list of such lists");
    return { sequences, prefix: [] };
  } finally {
    await source.close();
  }

  function parse(bytes: Uint8Array): unknown {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      throw invalid("not JSON");
    }
  }
}

/** As much of a text as `maxTokens` tokens can need. Throws TOKENS_INVALID when it is not UTF-8. */
export async function readText(path: string, maxTokens: number): Promise<string> {
  const source = await openFileSource(path);
  try {
    const bytes = await source.read(0, Math.min(source.size, maxTokens * BYTES_PER_TOKEN));
    // What follows is cut off, perhaps within a character.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: bytes.length < source.size });
  } catch (error) {
    if (error instanceof WeightmarkError) throw error;
    throw new WeightmarkError("TOKENS_INVALID", "the text is not UTF-8", { file: path });
  } finally {
    await source.close();
  }
}

function isIdList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0);
}
