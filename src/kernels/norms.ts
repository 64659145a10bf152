import { WeightmarkError } from "../errors.ts";
import { type Kernels, loadKernels } from "./load-kernels.ts";

/** Values in WebAssembly memory at a time. */
const TILE = 1 << 18;

/** Sums of squares of a row-major f32 matrix in f64: one per row and one per column. */
export interface SquareSums {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
}

/**
 * Both sums of squares in one pass. Products of two f32 are exact in f64; those of a row are summed in four lanes
 * (element j to lane j mod 4, added as (0 + 2) + (1 + 3)), those of a column in the order of rows.
 */
export function squareSums(matrix: Float32Array, rows: number, columns: number): SquareSums {
  checkShape(matrix, rows, columns);
  const kernels = loadKernels();
  const { arena, exports } = kernels;
  const stride = Math.ceil(columns / 4) * 4;
  const tile = Math.min(rows, Math.max(1, Math.floor(TILE / Math.max(stride, 1))));
  const result = { rows: new Float64Array(rows), columns: new Float64Array(columns) };
  arena.scope(() => {
    const from = arena.alloc(tile * stride * 4);
    const rowSums = arena.alloc(tile * 8);
    const columnSums = arena.alloc(stride * 8);
    arena.f64(columnSums, stride).fill(0);
    for (let i = 0; i < rows; i += tile) {
      const count = Math.min(tile, rows - i);
      copyPadded(kernels, matrix.subarray(i * columns, (i + count) * columns), columns, stride, from);
      exports.rowSquares(from, count, stride, rowSums);
      exports.columnSquares(from, count, stride, columnSums);
      result.rows.set(arena.f64(rowSums, count), i);
    }
    result.columns.set(arena.f64(columnSums, columns));
  });
  return result;
}

function copyPadded(kernels: Kernels, rows: Float32Array, columns: number, stride: number, to: number): void {
  const { arena } = kernels;
  if (stride === columns) {
    arena.f32(to, rows.length).set(rows);
    return;
  }
  const count = rows.length / columns;
  const target = arena.f32(to, count * stride).fill(0);
  for (let i = 0; i < count; i++) target.set(rows.subarray(i * columns, (i + 1) * columns), i * stride);
}

function checkShape(matrix: Float32Array, rows: number, columns: number): void {
  if (matrix.length !== rows * columns) {
    throw new WeightmarkError("INTERNAL", `${matrix.length} values are no ${rows} x ${columns} matrix`);
  }
}
