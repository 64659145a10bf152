import { WeightmarkError } from "../../src/errors.ts";
import { leadingSign, type SymmetricEigen } from "../../src/numerics/eigen.ts";

/** `symmetricEigen` in plain TypeScript, bit for bit: Householder tridiagonalisation, then implicit QR with Wilkinson's shift. */
export function symmetricEigenPlain(matrix: Float64Array, n: number): SymmetricEigen {
  const { work, scale } = scaled(matrix, n);
  const { diagonal, subdiagonal, betas } = tridiagonalise(work, n);
  const rotation = accumulate(work, betas, n);
  diagonalise(diagonal, subdiagonal, rotation, n);
  return sortDescending(diagonal, rotation, n, scale);
}

/** A copy whose largest entry is about 1, and what its eigenvalues have to be multiplied with. */
function scaled(matrix: Float64Array, n: number): { readonly work: Float64Array; readonly scale: number } {
  const exponent = magnitude(matrix, n);
  const factor = 2 ** -exponent;
  const work = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) work[i] = matrix[i]! * factor;
  return { work, scale: 2 ** exponent };
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

/** Householder reflections, column by column; `a` is overwritten, its row k keeps the k-th reflector right of the diagonal. */
function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const subdiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  const product = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    diagonal[k] = a[k * n + k]!;
    const v = a.subarray(k * n, (k + 1) * n);
    subdiagonal[k] = reflector(v, k + 1, betas, k);
    const beta = betas[k]!;
    if (beta === 0) continue;
    project(a, n, k + 1, v, beta, product);
    let overlap = 0;
    for (let i = k + 1; i < n; i++) overlap += product[i]! * v[i]!;
    for (let i = k + 1; i < n; i++) product[i]! -= 0.5 * beta * overlap * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const vi = v[i]!;
      const wi = product[i]!;
      const row = i * n;
      for (let j = k + 1; j < n; j++) a[row + j]! -= vi * product[j]! + wi * v[j]!;
    }
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1]!;
  return { diagonal, subdiagonal, betas };
}

/** Q^T with T = Q^T A Q from the reflectors: its rows are mixed by the QR steps until they are the eigenvectors. */
function accumulate(a: Float64Array, betas: Float64Array, n: number): Float64Array {
  const rotation = new Float64Array(n * n);
  const product = new Float64Array(n);
  for (let i = 0; i < n; i++) rotation[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const beta = betas[k]!;
    if (beta === 0) continue;
    const v = a.subarray(k * n, (k + 1) * n);
    project(rotation, n, k + 1, v, beta, product);
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const projection = product[i]!;
      for (let j = k + 1; j < n; j++) rotation[row + j]! -= projection * v[j]!;
    }
  }
  return rotation;
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

/**
 * Writes beta times the products of the rows from `start` on with v, both from column `start` on. Four rows at a time, each
 * summed in the order of its columns: one sum alone waits for its own last addition.
 */
function project(a: Float64Array, n: number, start: number, v: Float64Array, beta: number, out: Float64Array): void {
  let i = start;
  for (; i + 3 < n; i += 4) {
    const first = i * n;
    const [second, third, fourth] = [first + n, first + 2 * n, first + 3 * n];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = start; j < n; j++) {
      const x = v[j]!;
      s0 += a[first + j]! * x;
      s1 += a[second + j]! * x;
      s2 += a[third + j]! * x;
      s3 += a[fourth + j]! * x;
    }
    out[i] = beta * s0;
    out[i + 1] = beta * s1;
    out[i + 2] = beta * s2;
    out[i + 3] = beta * s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let j = start; j < n; j++) sum += a[i * n + j]! * v[j]!;
    out[i] = beta * sum;
  }
}

/** Far below the rounding error that tridiagonalisation has already left, about 2^-52 of the largest entry. */
const NEGLIGIBLE = 2 ** -62;

/**
 * Implicit QR steps until every off-diagonal entry is negligible beside its neighbours, or beside the whole matrix: a block
 * of zeros holds only what rounding left there, and rotations by its entries, whose squares underflow, are not orthogonal.
 */
function diagonalise(d: Float64Array, e: Float64Array, q: Float64Array, n: number): void {
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
    implicitStep(d, e, q, n, low, high);
  }
}

/** One bulge chased from `low` to `high`, the same plane rotations applied to the rows of q, if there is one. */
function implicitStep(d: Float64Array, e: Float64Array, q: Float64Array, n: number, low: number, high: number): void {
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
    const first = k * n;
    const second = first + n;
    for (let j = 0; j < n; j++) {
      const a = q[first + j]!;
      const b = q[second + j]!;
      q[first + j] = c * a + s * b;
      q[second + j] = c * b - s * a;
    }
  }
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

function sortDescending(d: Float64Array, q: Float64Array, n: number, scale: number): SymmetricEigen {
  const order = descending(d);
  const values = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    values[to] = d[from]! * scale;
    const vector = q.subarray(from * n, (from + 1) * n);
    const sign = leadingSign(vector);
    for (let j = 0; j < n; j++) vectors[to * n + j] = sign * vector[j]!;
  });
  return { values, vectors };
}
