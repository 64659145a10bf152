import { WeightmarkError } from "../errors.ts";
import { type Kernels, loadKernels } from "./load-kernels.ts";

/** Bytes of the second matrix held at a time: they stay in the L2 cache while all rows of the first pass over them. */
const TILE_BYTES = 1 << 18;
/** Rows of the first matrix at a time. */
const TILE_ROWS = 128;

/** Number of bits in which `a` and `b`, of equal length, differ. */
export function hamming(a: Uint32Array, b: Uint32Array): number {
  return hammingMatrix(a, 1, b, 1, a.length)[0]!;
}

/**
 * Distances of every row of `a` to every row of `b`, rows of `words` 32-bit words: u32 [rowsA x rowsB], row-major.
 * `out`, when given, has that length and is returned.
 */
export function hammingMatrix(
  a: Uint32Array,
  rowsA: number,
  b: Uint32Array,
  rowsB: number,
  words: number,
  out: Uint32Array = new Uint32Array(rowsA * rowsB),
): Uint32Array {
  if (a.length < rowsA * words || b.length < rowsB * words || out.length < rowsA * rowsB) {
    throw new WeightmarkError("INTERNAL", "hammingMatrix: an array is shorter than its shape");
  }
  const kernels = loadKernels();
  const { arena, exports } = kernels;
  const bytes = Math.ceil(words / 2) * 8;
  const tileB = Math.max(1, Math.floor(TILE_BYTES / Math.max(bytes, 1)));
  arena.scope(() => {
    const atB = arena.alloc(Math.min(tileB, rowsB) * bytes);
    const atA = arena.alloc(Math.min(TILE_ROWS, rowsA) * bytes);
    const to = arena.alloc(Math.min(TILE_ROWS, rowsA) * Math.min(tileB, rowsB) * 4);
    for (let j = 0; j < rowsB; j += tileB) {
      const countB = Math.min(tileB, rowsB - j);
      copyRows(kernels, b, j, countB, words, atB);
      for (let i = 0; i < rowsA; i += TILE_ROWS) {
        const countA = Math.min(TILE_ROWS, rowsA - i);
        copyRows(kernels, a, i, countA, words, atA);
        exports.hammingRows(atA, countA, atB, countB, bytes, to);
        if (countB === rowsB) out.set(arena.u32(to, countA * countB), i * rowsB);
        else for (let r = 0; r < countA; r++) out.set(arena.u32(to + r * countB * 4, countB), (i + r) * rowsB + j);
      }
    }
  });
  return out;
}

/** Rows of an odd number of words get one more, zero. */
export function copyRows(
  kernels: Kernels,
  from: Uint32Array,
  row: number,
  rows: number,
  words: number,
  to: number,
): void {
  const { arena } = kernels;
  if (words % 2 === 0) {
    arena.u32(to, rows * words).set(from.subarray(row * words, (row + rows) * words));
    return;
  }
  // Word by word: such rows are mostly short, and a view of each costs more than its words.
  const target = arena.u32(to, rows * (words + 1));
  let [source, at] = [row * words, 0];
  for (let r = 0; r < rows; r++) {
    for (let w = 0; w < words; w++) target[at++] = from[source++]!;
    target[at++] = 0;
  }
}

/** Number of ones in a 32-bit word. */
export function popcount32(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
