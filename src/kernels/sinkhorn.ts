import { WeightmarkError } from "../errors.ts";
import { loadKernels } from "./load-kernels.ts";
import { momentsAt, prescaleFor } from "./moments.ts";

const ITERATIONS = 4;

/**
 * Scales of the columns of a row-major matrix (Sinkhorn and Knopp on the squares): after dividing columns by them and
 * then every row by its RMS, columns have unit RMS too, up to what four iterations leave. The common factor is chosen so
 * that the rows' RMS is about 1. Columns without a value, and those whose scale f32 cannot hold, get 0. Values that are
 * not finite count as 0.
 */
export function columnScales(values: Float32Array, rows: number, cols: number): Float32Array {
  checkShape(values, rows, cols);
  const kernels = loadKernels();
  const { arena, exports } = kernels;
  const stride = Math.ceil(cols / 8) * 8;
  return arena.scope(() => {
    const squares = arena.alloc(rows * stride * 4);
    const weights = arena.alloc(stride * 4);
    const sums = arena.alloc(stride * 4);
    const matrix = arena.f32(squares, rows * stride);
    if (stride === cols) matrix.set(values);
    else {
      matrix.fill(0);
      for (let i = 0; i < rows; i++) matrix.set(values.subarray(i * cols, (i + 1) * cols), i * stride);
    }
    const prescale = prescaleFor(momentsAt(kernels, squares, rows * stride, "F32", 1).absMax);
    exports.scaledSquares(squares, rows * stride, prescale, squares);
    const weight = arena.f32(weights, stride);
    const sum = arena.f32(sums, stride);
    weight.fill(1);
    let all = 0;
    for (let k = 0; k < ITERATIONS; k++) {
      sum.fill(0);
      all = exports.balance(squares, rows, stride, weights, sums);
      reciprocals(sum, weight);
    }
    return scalesOf(sum.subarray(0, cols), all / (rows * cols), prescale);
  });
}

function reciprocals(sums: Float32Array, target: Float32Array): void {
  for (let j = 0; j < sums.length; j++) target[j] = sums[j]! > 0 ? 1 / sums[j]! : 0;
}

/** `meanSquare`: of the rows after division by the roots of `sums`, at the prescale. */
function scalesOf(sums: Float32Array, meanSquare: number, prescale: number): Float32Array {
  // A power of two: exact, so that a matrix times a power of two is read to the same bits.
  const factor = (meanSquare > 0 ? 2 ** Math.round(Math.log2(meanSquare) / 2) : 1) / prescale;
  return sums.map((sum) => {
    const scale = Math.fround(Math.sqrt(sum) * factor);
    const usable = Number.isFinite(scale) && Number.isFinite(Math.fround(1 / scale)) && scale >= 2 ** -126;
    return usable ? scale : 0;
  });
}

function checkShape(values: Float32Array, rows: number, cols: number): void {
  if (values.length !== rows * cols) {
    throw new WeightmarkError("INTERNAL", `${values.length} values are no ${rows} x ${cols} matrix`);
  }
}
