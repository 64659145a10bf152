import { gram } from "./svd.ts";

/** Ridge relative to the mean diagonal: rows may repeat each other or be zero. */
export const RIDGE = 1e-6;

export interface LinearFit {
  /** n x n, row-major: y is about matrix * x. */
  readonly matrix: Float64Array;
  /** Share of y's squares that is left, by row. */
  readonly residuals: Float64Array;
}

/**
 * y = B x in least squares for x and y of `n` rows and `cols` columns each, with a penalty on B of `ridge` times the mean
 * square of x's rows; null when x has no usable rows.
 */
export function fitLinear(
  x: Float64Array,
  y: Float64Array,
  n: number,
  cols: number,
  ridge: number = RIDGE,
): LinearFit | null {
  const normal = gram(x, n, cols);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += normal[i * n + i]!;
  if (!(trace > 0)) return null;
  for (let i = 0; i < n; i++) normal[i * n + i]! += (ridge * trace) / n;
  const factor = cholesky(normal, n);
  if (factor === null) return null;
  const matrix = new Float64Array(n * n);
  const residuals = new Float64Array(n);
  const right = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = y.subarray(i * cols, (i + 1) * cols);
    for (let k = 0; k < n; k++) right[k] = dot(row, x.subarray(k * cols, (k + 1) * cols));
    const solution = solve(factor, right, n);
    matrix.set(solution, i * n);
    const squares = dot(row, row);
    // Exact without a penalty; with one, a little less than what is left.
    residuals[i] = squares > 0 ? Math.max(0, 1 - dot(solution, right) / squares) : 1;
  }
  return { matrix, residuals };
}

/** (A + ridge I)^-1 B for a symmetric A of n rows, in units of its mean diagonal; B has `cols` columns. Null for A = 0. */
export function solveRidge(
  a: Float64Array,
  n: number,
  b: Float32Array,
  cols: number,
  ridge: number,
): Float32Array | null {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a[i * n + i]!;
  if (!(trace > 0)) return null;
  const damped = a.slice();
  for (let i = 0; i < n; i++) damped[i * n + i]! += (ridge * trace) / n;
  const factor = cholesky(damped, n);
  if (factor === null) return null;
  const out = new Float32Array(n * cols);
  const right = new Float64Array(n);
  for (let c = 0; c < cols; c++) {
    for (let i = 0; i < n; i++) right[i] = b[i * cols + c]!;
    solve(factor, right, n).forEach((value, i) => {
      out[i * cols + c] = value;
    });
  }
  return out;
}

/** Lower triangular L with L L^T = a; null when a is not positive definite. */
function cholesky(a: Float64Array, n: number): Float64Array | null {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i > j) l[i * n + j] = sum / l[j * n + j]!;
      else if (sum > 0) l[i * n + i] = Math.sqrt(sum);
      else return null;
    }
  }
  return l;
}

function solve(l: Float64Array, right: Float64Array, n: number): Float64Array {
  const z = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= l[i * n + k]! * z[k]!;
    z[i] = sum / l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = z[i]!;
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * z[k]!;
    z[i] = sum / l[i * n + i]!;
  }
  return z;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
