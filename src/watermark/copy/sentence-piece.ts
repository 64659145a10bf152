/** A piece of a vocabulary is a word; sentencepiece itself allows 16 characters unless told otherwise. */
const MAX_PIECE_BYTES = 4096;
/** How it was trained and how text is normalised; the largest table of characters takes 300 kB. */
const MAX_SPECIFICATION_BYTES = 4 << 20;

const PIECES = 0x0a;
const SPECIFICATIONS = new Set([0x12, 0x1a, 0x22, 0x2a]);
const TEXT = 0x0a;
const SCORE = 0x15;
const KIND = 0x18;

/**
 * Whether the bytes are a tokenizer of the sentencepiece library (`tokenizer.model`, `spiece.model`, `source.spm`) and nothing
 * else: a ModelProto whose pieces are words with a score and a kind, from the first byte to the last.
 *
 * @see https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 */
export function isSentencePiece(bytes: Uint8Array): boolean {
  let pieces = 0;
  let specifications = 0;
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    const field = lengthDelimited(bytes, at + 1);
    if (tag === undefined || field === null) return false;
    if (tag === PIECES) {
      if (!isPiece(bytes.subarray(field.start, field.end))) return false;
      pieces++;
    } else {
      if (!SPECIFICATIONS.has(tag)) return false;
      specifications += field.end - field.start;
      if (specifications > MAX_SPECIFICATION_BYTES) return false;
    }
    at = field.end;
  }
  return pieces > 0;
}

function isPiece(bytes: Uint8Array): boolean {
  if (bytes.length > MAX_PIECE_BYTES || bytes[0] !== TEXT) return false;
  const text = lengthDelimited(bytes, 1);
  if (text === null) return false;
  let at = text.end;
  if (bytes[at] === SCORE) at += 5;
  if (bytes[at] === KIND) at += 2;
  return at === bytes.length;
}

/** Where the bytes of a length-delimited field lie, its length standing at `at`; null when they do not lie inside. */
function lengthDelimited(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    const start = at + i + 1;
    return start + length <= bytes.length ? { start, end: start + length } : null;
  }
  return null;
}
