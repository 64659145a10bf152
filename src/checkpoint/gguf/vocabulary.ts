import type { ByteSource } from "../../bytes/byte-source.ts";
import type { GgufHeader } from "../../formats/gguf/header.ts";

/** As of a tokenizer.json. */
const MAX_BYTES = 64 << 20;
const MAX_TOKENS = 1 << 20;
/** Bytes of a length. */
const LENGTH = 8;

/**
 * The tokens of a GGUF file as a tokenizer.json of Unigram lists them, all of one score; null where there are none, too many, or
 * such that another form of them stands in a tokenizer.json (BERT's, whose marks for parts of words llama.cpp turns round).
 */
export async function vocabularyIn(source: ByteSource, header: GgufHeader): Promise<Uint8Array | null> {
  const { metadata, littleEndian } = header;
  const tokens = metadata.get("tokenizer.ggml.tokens");
  if (typeof tokens !== "object" || !("kind" in tokens) || tokens.kind !== "texts") return null;
  const { begin, end, count } = tokens;
  if (metadata.get("tokenizer.ggml.model") === "bert" || end - begin > MAX_BYTES || count > MAX_TOKENS) return null;
  const bytes = await source.read(begin, end);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Half a code point is written as a replacement character: two tokens that differ there alone count as one.
  const utf8 = new TextDecoder();
  const vocabulary: [string, number][] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const length = Number(view.getBigUint64(at, littleEndian));
    at += LENGTH + length;
    vocabulary.push([utf8.decode(bytes.subarray(at - length, at)), 0]);
  }
  return Buffer.from(JSON.stringify({ model: { type: "Unigram", vocab: vocabulary } }), "utf8");
}
