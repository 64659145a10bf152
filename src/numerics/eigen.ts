import { WeightmarkError } from "../errors.ts";
import { SquareRows } from "../kernels/square-rows.ts";

export interface SymmetricEigen {
  /** n eigenvalues, descending. */
  readonly values: Float64Array;
  /** n x n, row i = unit eigenvector of values[i], signed so that its component of largest size is positive. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix (n x n, row-major; only assumed symmetric, never checked): Householder
 * tridiagonalisation, then implicit QR with Wilkinson's shift (Golub and Van Loan, Matrix Computations, 8.3). Values are
 * within about n * 2^-53 * ||A|| of the exact ones. Same input, same bits. Throws INTERNAL on NaN or infinity.
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const scale = scaleOf(matrix, n);
  return SquareRows.with(n, (rows) => {
    const { diagonal, subdiagonal, betas } = tridiagonalise(rows, matrix, scale);
    accumulate(rows, betas);
    diagonalise(diagonal, subdiagonal, rows);
    return sortDescending(diagonal, rows, scale);
  });
}

/** The eigenvalues alone, the same to the bit at a third of the cost: vectors take no part in the iteration. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const scale = scaleOf(matrix, n);
  const { diagonal, subdiagonal } = SquareRows.with(n, (rows) => tridiagonalise(rows, matrix, scale));
  diagonalise(diagonal, subdiagonal, null);
  return Float64Array.from(descending(diagonal), (i) => diagonal[i]! * scale);
}

/** What eigenvalues have to be multiplied with once the largest entry was made about 1. */
function scaleOf(matrix: Float64Array, n: number): number {
  return 2 ** magnitude(matrix, n);
}

/** Exponent of the largest entry; dividing by that power of two is exact and keeps squares from over- or underflowing. */
function magnitude(matrix: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n * n; i++) {
    const size = Math.abs(matrix[i]!);
    if (!(size < Number.POSITIVE_INFINITY)) throw new WeightmarkError("INTERNAL", "eigenvalues of a non-finite matrix");
    if (size > largest) largest = size;
  }
  // Kept off the subnormals, where 2^-exponent itself would overflow.
  return largest === 0 ? 0 : Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest)) + 1));
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** subdiagonal[k] joins k and k + 1. */
  readonly subdiagonal: Float64Array;
  /** Of the reflectors, which lie in the rows of the matrix that was overwritten. */
  readonly betas: Float64Array;
}

/** Householder reflections, column by column; row k of `rows.matrix` keeps the k-th reflector right of the diagonal. */
function tridiagonalise(rows: SquareRows, from: Float64Array, scale: number): Tridiagonal {
  const { n, stride, matrix: a, vector, product } = rows;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * stride + j] = from[i * n + j]! / scale;
  const diagonal = new Float64Array(n);
  const subdiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    diagonal[k] = a[k * stride + k]!;
    const v = a.subarray(k * stride, k * stride + n);
    subdiagonal[k] = reflector(v, k + 1, betas, k);
    const beta = betas[k]!;
    if (beta === 0) continue;
    vector.fill(0);
    vector.set(v.subarray(k + 1), k + 1);
    rows.multiply(a, k + 1, beta);
    product.fill(0, 0, k + 1);
    let overlap = 0;
    for (let i = k + 1; i < n; i++) overlap += product[i]! * v[i]!;
    for (let i = k + 1; i < n; i++) product[i]! -= 0.5 * beta * overlap * v[i]!;
    rows.reflect(a, k + 1, true);
  }
  if (n > 0) diagonal[n - 1] = a[(n - 1) * stride + n - 1]!;
  return { diagonal, subdiagonal, betas };
}

/** Q^T with T = Q^T A Q from the reflectors: its rows are mixed by the QR steps until they are the eigenvectors. */
function accumulate(rows: SquareRows, betas: Float64Array): void {
  const { n, stride, matrix, rotation, vector, product } = rows;
  for (let i = 0; i < n; i++) rotation[i * (stride + 1)] = 1;
  // By columns, which stand as rows until all is done.
  for (let k = n - 2; k >= 0; k--) {
    if (betas[k] === 0) continue;
    vector.fill(0);
    vector.set(matrix.subarray(k * stride + k + 1, k * stride + n), k + 1);
    rows.multiply(rotation, k + 1, betas[k]!);
    product.fill(0, 0, k + 1);
    rows.reflect(rotation, k + 1, false);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const kept = rotation[i * stride + j]!;
      rotation[i * stride + j] = rotation[j * stride + i]!;
      rotation[j * stride + i] = kept;
    }
  }
}

/**
 * Turns v[start ..] into the reflector H = I - beta v v^T that maps it to (r, 0, ..., 0); writes beta, returns r. The sign
 * of r is opposite to v[start]'s so that nothing cancels.
 */
function reflector(v: Float64Array, start: number, betas: Float64Array, k: number): number {
  let tail = 0;
  for (let i = start + 1; i < v.length; i++) tail += v[i]! * v[i]!;
  const head = v[start]!;
  // Entries are about 1 here: squares this small are what rounding left of zeros, and 2 / tail would overflow.
  if (tail < 1e-280) return head;
  const norm = Math.sqrt(head * head + tail);
  const r = head > 0 ? -norm : norm;
  v[start] = head - r;
  betas[k] = 2 / ((head - r) * (head - r) + tail);
  return r;
}

/** Far below the rounding error that tridiagonalisation has already left, about 2^-52 of the largest entry. */
const NEGLIGIBLE = 2 ** -62;

/**
 * Implicit QR steps until every off-diagonal entry is negligible beside its neighbours, or beside the whole matrix: a block
 * of zeros holds only what rounding left there, and rotations by its entries, whose squares underflow, are not orthogonal.
 */
function diagonalise(d: Float64Array, e: Float64Array, rows: SquareRows | null): void {
  const n = d.length;
  let budget = 64 * n;
  let norm = 0;
  for (let k = 0; k < n; k++) norm = Math.max(norm, Math.abs(d[k]!), Math.abs(e[k]!));
  const floor = Math.max(1e-150, norm * NEGLIGIBLE);
  for (let high = n - 1; high > 0; ) {
    for (let k = 0; k < high; k++) {
      const size = Math.abs(e[k]!);
      if (size <= Number.EPSILON * 0.5 * (Math.abs(d[k]!) + Math.abs(d[k + 1]!)) || size < floor) e[k] = 0;
    }
    if (e[high - 1] === 0) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && e[low - 1] !== 0) low--;
    if (budget-- === 0) throw new WeightmarkError("INTERNAL", "eigenvalue iteration did not converge");
    implicitStep(d, e, rows, low, high);
  }
}

/** One bulge chased from `low` to `high`, the same plane rotations applied to the rows of the rotation, if there is one. */
function implicitStep(d: Float64Array, e: Float64Array, rows: SquareRows | null, low: number, high: number): void {
  let x = d[low]! - wilkinsonShift(d[high - 1]!, d[high]!, e[high - 1]!);
  let z = e[low]!;
  for (let k = low; k < high; k++) {
    const r = Math.sqrt(x * x + z * z);
    const c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : z / r;
    if (k > low) e[k - 1] = r;
    const upper = d[k]!;
    const lower = d[k + 1]!;
    const link = e[k]!;
    d[k] = c * c * upper + 2 * c * s * link + s * s * lower;
    d[k + 1] = s * s * upper - 2 * c * s * link + c * c * lower;
    e[k] = c * s * (lower - upper) + (c * c - s * s) * link;
    x = e[k]!;
    if (k < high - 1) {
      z = s * e[k + 1]!;
      e[k + 1]! *= c;
    }
    if (rows !== null) [rows.turns[2 * (k - low)], rows.turns[2 * (k - low) + 1]] = [c, s];
  }
  rows?.rotate(low, high - low);
}

/** The eigenvalue of [[upper, link], [link, lower]] nearer to `lower`. */
function wilkinsonShift(upper: number, lower: number, link: number): number {
  const half = (upper - lower) / 2;
  const root = Math.sqrt(half * half + link * link);
  return lower - (link * link) / (half + (half < 0 ? -root : root));
}

/** Places of the values in falling order. */
function descending(d: Float64Array): number[] {
  return Array.from(d.keys()).sort((a, b) => d[b]! - d[a]! || a - b);
}

function sortDescending(d: Float64Array, { n, stride, rotation }: SquareRows, scale: number): SymmetricEigen {
  const order = descending(d);
  const values = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    values[to] = d[from]! * scale;
    const vector = rotation.subarray(from * stride, from * stride + n);
    const sign = leadingSign(vector);
    for (let j = 0; j < n; j++) vectors[to * n + j] = sign * vector[j]!;
  });
  return { values, vectors };
}

/** Sign of the component of largest size (the first of equals): makes a vector's sign a function of its direction. */
export function leadingSign(vector: Float64Array): 1 | -1 {
  let lead = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(lead)) lead = value;
  return lead < 0 ? -1 : 1;
}
