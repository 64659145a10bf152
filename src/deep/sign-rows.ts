import { rowCount, type SignRows } from "../fingerprint/deep-part.ts";
import { hammingMatrix, packSigns } from "../kernels/bits.ts";

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
  for (const [to, from] of rows.entries())
    for (let j = 0; j < width; j++)
      out[to * width + j] = ((words[from * length + (j >>> 5)]! >>> (j & 31)) & 1) === 1 ? -1 : 1;
  return out;
}

export function firstRows({ width, words }: SignRows, count: number): SignRows {
  return { width, words: words.subarray(0, count * Math.ceil(width / 32)) };
}

/**
 * Cosines of rows as their signs tell them, rows of a x rows of b, which are equally wide: sin(pi / 2 (1 - 2 differing /
 * width)).
 */
export function signCosines(a: SignRows, b: SignRows): Float32Array {
  const distances = hammingMatrix(a.words, rowCount(a), b.words, rowCount(b), Math.ceil(a.width / 32));
  const table = Float32Array.from({ length: a.width + 1 }, (_, d) => Math.sin((Math.PI / 2) * (1 - (2 * d) / a.width)));
  // By index: `from` and `map` take ten times as long, and there are millions.
  const cosines = new Float32Array(distances.length);
  for (let i = 0; i < cosines.length; i++) cosines[i] = table[distances[i]!]!;
  return cosines;
}
