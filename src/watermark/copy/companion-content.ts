import type { ByteSource } from "../../bytes/byte-source.ts";
import { KEY_FORMAT } from "../key/key-record.ts";
import { isSentencePiece } from "./sentence-piece.ts";

/** What a file beside weights is, by its bytes: its name may say anything. */
export type CompanionContent = "text" | "tokenizer" | "key" | "other";

/** Key files have a few hundred bytes; one that was edited may name its format anywhere. */
const KEY_HEAD_BYTES = 1 << 16;
/** What opens a commitment, or layers of a key, begins like this. */
const SECRETS = [KEY_FORMAT, "weightmark/commitment-opening@", "weightmark/disclosure@"];
/** The largest tokenizer.model known takes 5 MB. */
const MAX_TOKENIZER_BYTES = 16 << 20;
const PIECE_BYTES = 1 << 20;

/** Reads no more of a file than it takes to know that it is no text; a text is read whole. */
export async function contentOf(source: ByteSource): Promise<CompanionContent> {
  const head = await source.read(0, Math.min(source.size, KEY_HEAD_BYTES));
  if (SECRETS.some((format) => Buffer.from(head).includes(format))) return "key";
  if (await isText(source)) return "text";
  const isSmall = source.size <= MAX_TOKENIZER_BYTES;
  return isSmall && isSentencePiece(await source.read(0, source.size)) ? "tokenizer" : "other";
}

/** UTF-8 without a zero: no weights in binary are that, not even a few hundred bytes of them. */
async function isText(source: ByteSource): Promise<boolean> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let at = 0; at < source.size; at += PIECE_BYTES) {
      const bytes = await source.read(at, Math.min(at + PIECE_BYTES, source.size));
      if (bytes.includes(0)) return false;
      decoder.decode(bytes, { stream: true });
    }
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
