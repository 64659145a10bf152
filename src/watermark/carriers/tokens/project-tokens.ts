import { DTYPE_BITS } from "../../../formats/tensor-info.ts";
import { blocksOf, coinBytesOf, toEvenOdd } from "../../../kernels/coins.ts";
import { correlateAt } from "../../../kernels/correlate.ts";
import { loadKernels } from "../../../kernels/load-kernels.ts";
import { kernelRows } from "../../host/kernel-rows.ts";
import type { TokenMatrix } from "./token-matrix.ts";

/** Elements read at a time: they stay in the L2 cache while every direction passes over them. */
export const TILE_ELEMENTS = 1 << 18;

export interface ProjectedRows {
  /** count x columns: inner products of the rows, gain folded in, with every column of the basis. */
  readonly products: Float64Array;
  /** Squared lengths of the rows as stored, and with the gain folded in. */
  readonly stored: Float64Array;
  readonly squares: Float64Array;
}

/**
 * Projects rows [first, first + count) on `columns` vectors of `cols` elements each. Sums are f32 in blocks of 256 columns, f64
 * over them.
 */
export async function projectTokens(
  matrix: TokenMatrix,
  first: number,
  count: number,
  basis: Float32Array,
): Promise<ProjectedRows> {
  const { cols, gain } = matrix;
  const columns = basis.length / cols;
  const { dtype, fill } = await kernelRows(matrix, first, count);
  const kernels = loadKernels();
  const { arena } = kernels;
  const padded = Math.ceil(cols / 8) * 8;
  const stride = (padded * DTYPE_BITS[dtype]) / 8;
  const blocks = blocksOf(cols);
  return arena.scope(() => {
    const pointer = arena.alloc(count * stride);
    const factors = arena.alloc(padded * 4);
    // One row of coins, all of them heads: the kernel multiplies with the factors alone.
    const coins = arena.alloc(coinBytesOf(cols));
    const out = arena.alloc(count * blocks * 8);
    arena.u8(coins, coinBytesOf(cols)).fill(0);
    fill(arena.u8(pointer, count * stride));
    const pass = (vector: Float32Array): Float32Array => {
      toEvenOdd(vector, arena.f32(factors, padded));
      const rows = { pointer, rows: count, stride, cols: padded };
      correlateAt(kernels, rows, dtype, factors, { pointer: coins, stride: 0 }, out);
      return arena.f32(out, count * blocks * 2);
    };
    const products = new Float64Array(count * columns);
    for (let k = 0; k < columns; k++) {
      const vector = basis.subarray(k * cols, (k + 1) * cols);
      const sums = pass(gain === null ? vector : vector.map((value, j) => value * gain[j]!));
      for (let i = 0; i < count; i++) products[i * columns + k] = rowTotal(sums, i, blocks, 0);
    }
    const squaresWith = (vector: Float32Array): Float64Array => {
      const sums = pass(vector);
      return Float64Array.from({ length: count }, (_, i) => rowTotal(sums, i, blocks, 1));
    };
    const stored = squaresWith(new Float32Array(cols).fill(1));
    return { products, stored, squares: gain === null ? stored : squaresWith(gain) };
  });
}

function rowTotal(sums: Float32Array, row: number, blocks: number, which: 0 | 1): number {
  let total = 0;
  for (let b = row * blocks; b < (row + 1) * blocks; b++) total += sums[2 * b + which]!;
  return total;
}
