import { hammingMatrix, popcount32 } from "./hamming.ts";

const TILE = 128;

/**
 * Gram matrix of centred sign rows: `packed` holds m rows of n signs (bit 1 is -1, unused bits 0) in rows of `words`
 * 32-bit words; every row has its mean over the n columns subtracted. f64 [m x m]:
 * G_ij = n - 2 hamming(i, j) - s_i s_j / n with s the row sums, integers up to the one division.
 */
export function centredGram(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const sums = rowSums(packed, m, words, n);
  const gram = new Float64Array(m * m);
  for (let first = 0; first < m; first += TILE) {
    // One triangle is enough: a tile of rows against itself and what follows, mirrored.
    const rows = packed.subarray(first * words);
    const count = Math.min(TILE, m - first);
    const distances = hammingMatrix(rows, count, rows, m - first, words);
    for (let i = first; i < first + count; i++) {
      for (let j = i; j < m; j++) {
        const distance = distances[(i - first) * (m - first) + j - first]!;
        const value = n - 2 * distance - (sums[i]! * sums[j]!) / n;
        gram[i * m + j] = value;
        gram[j * m + i] = value;
      }
    }
  }
  return gram;
}

/** sum_ij A_ij B_ij of two equally long arrays: four partial sums, added as (0 + 1) + (2 + 3). */
export function gramTrace(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

function rowSums(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const sums = new Float64Array(m).fill(n);
  for (let i = 0; i < m; i++) {
    for (let w = i * words; w < (i + 1) * words; w++) sums[i]! -= 2 * popcount32(packed[w]!);
  }
  return sums;
}

/** `centredGram` by its definition, on unpacked f64 signs; equal within 1e-12 n. */
export function centredGramPlain(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const rows = Array.from({ length: m }, (_, i) => {
    const signs = Float64Array.from({ length: n }, (_, j) =>
      (packed[i * words + (j >> 5)]! >>> (j & 31)) & 1 ? -1 : 1,
    );
    const mean = signs.reduce((sum, x) => sum + x, 0) / n;
    return signs.map((x) => x - mean);
  });
  const gram = new Float64Array(m * m);
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      gram[i * m + j] = a.reduce((sum, x, k) => sum + x * b[k]!, 0);
    });
  });
  return gram;
}
