import { ones } from "./ones.ts";

/** `hammingMatrix` in plain TypeScript, equal to the bit. */
export function hammingMatrixPlain(
  a: Uint32Array,
  rowsA: number,
  b: Uint32Array,
  rowsB: number,
  words: number,
): Uint32Array {
  const out = new Uint32Array(rowsA * rowsB);
  for (let i = 0; i < rowsA; i++) {
    for (let j = 0; j < rowsB; j++) {
      for (let w = 0; w < words; w++) out[i * rowsB + j]! += ones(a[i * words + w]! ^ b[j * words + w]!);
    }
  }
  return out;
}
