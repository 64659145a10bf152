import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import type { DirectDtype } from "../../kernels/coins.ts";
import { ditherAdd } from "../../kernels/dither.ts";
import { matmul } from "../../kernels/matmul.ts";
import { differenceRows } from "../carriers/difference/difference-rows.ts";
import type { TileRows } from "../carriers/spread/apply.ts";
import type { DifferenceEdit, LowRankEdit, ViewEdit } from "../host/tensor-edit.ts";
import { ditherSeed } from "../key/dither-seed.ts";

/** Rows multiplied at a time: enough for the kernel, and a few megabytes. */
const BATCH = 64;

/** Adds the low-rank rows in place. Rows without a coefficient are not read and not written. */
export function addLowRank(
  bytes: Uint8Array,
  dtype: DirectDtype,
  view: ViewEdit,
  { rank, coefficients, directions, ditherKey }: LowRankEdit,
  rows: TileRows,
): void {
  const { cols } = view;
  const add = rowAdder(bytes, dtype, view, ditherKey, rows);
  const touched: number[] = [];
  for (let i = 0; i < rows.count; i++) {
    if (coefficients.subarray(i * rank, (i + 1) * rank).some((c) => c !== 0)) touched.push(i);
  }
  for (let at = 0; at < touched.length; at += BATCH) {
    const batch = touched.slice(at, at + BATCH);
    const left = new Float32Array(batch.length * rank);
    batch.forEach((i, n) => {
      left.set(coefficients.subarray(i * rank, (i + 1) * rank), n * rank);
    });
    // A row of the product does not depend on the rows beside it, so neither does the result on the batches.
    const deltas = matmul(left, directions, { rows: batch.length, depth: rank, columns: cols });
    batch.forEach((i, n) => {
      add(rows.first + i, deltas.subarray(n * cols, (n + 1) * cols));
    });
  }
}

/** Adds the rows of a mark in a difference in place: what `differenceRows` gives, rounded once. */
export function addDifference(
  bytes: Uint8Array,
  dtype: DirectDtype,
  view: ViewEdit,
  edit: DifferenceEdit,
  rows: TileRows,
): void {
  const { address, cols } = view;
  const { rank, coefficients, ditherKey } = edit.shaped;
  const add = rowAdder(bytes, dtype, view, ditherKey, rows);
  for (let at = 0; at < rows.count; at += BATCH) {
    const count = Math.min(BATCH, rows.count - at);
    const shaped = { ...edit.shaped, coefficients: coefficients.subarray(at * rank, (at + count) * rank) };
    const deltas = differenceRows(address, cols, { ...edit, shaped }, rows.first + at, count);
    for (let i = 0; i < count; i++) add(rows.first + at + i, deltas.subarray(i * cols, (i + 1) * cols));
  }
}

/** Adds one row of a view, rounded by a dither that the weight's place in the view decides. */
function rowAdder(
  bytes: Uint8Array,
  dtype: DirectDtype,
  { address, cols, colStride }: Pick<ViewEdit, "address" | "cols" | "colStride">,
  ditherKey: Uint8Array,
  rows: TileRows,
): (row: number, delta: Float32Array) => void {
  const seed = ditherSeed(ditherKey, address);
  const width = DTYPE_BITS[dtype] / 8;
  if (colStride === 1) {
    return (row, delta) => {
      const start = rows.offset(row);
      ditherAdd(bytes.subarray(start, start + cols * width), dtype, delta, seed, row * cols);
    };
  }
  const gathered = new Uint8Array(cols * width);
  return (row, delta) => {
    const start = rows.offset(row);
    const step = colStride * width;
    for (let j = 0; j < cols; j++) {
      for (let b = 0; b < width; b++) gathered[j * width + b] = bytes[start + j * step + b]!;
    }
    ditherAdd(gathered, dtype, delta, seed, row * cols);
    for (let j = 0; j < cols; j++) {
      for (let b = 0; b < width; b++) bytes[start + j * step + b] = gathered[j * width + b]!;
    }
  };
}
