import { rowCount, type SignRows } from "../fingerprint/deep-part.ts";
import { packSigns } from "../kernels/bits.ts";

/** Signs of rows of numbers, of every row `width`. */
export function signsOf(rows: Float32Array, width: number): SignRows {
  const count = rows.length / width;
  const length = Math.ceil(width / 32);
  const words = new Uint32Array(count * length);
  for (let i = 0; i < count; i++) words.set(packSigns(rows.subarray(i * width, (i + 1) * width)), i * length);
  return { width, words };
}

/** Rows of -1 and 1, as far as they are wanted. */
export function signedRows(signs: SignRows, wanted?: readonly number[]): Float32Array {
  const { width, words } = signs;
  const length = Math.ceil(width / 32);
  const rows = wanted ?? Array.from({ length: rowCount(signs) }, (_, i) => i);
  const out = new Float32Array(rows.length * width);
  rows.forEach((from, to) => {
    // No branch on the signs, which are coin flips.
    for (let j = 0; j < width; j++)
      out[to * width + j] = 1 - 2 * ((words[from * length + (j >>> 5)]! >>> (j & 31)) & 1);
  });
  return out;
}

export function firstRows({ width, words }: SignRows, count: number): SignRows {
  return { width, words: words.subarray(0, count * Math.ceil(width / 32)) };
}
