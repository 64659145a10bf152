import { leadingSign, symmetricEigen, symmetricEigenvalues } from "./eigen.ts";

export interface ThinSvd {
  /** `count` singular values, descending; those beyond the rank are 0 or rounding noise. */
  readonly s: Float64Array;
  /** rows x count, row-major, left singular vector i in column i, signed so that its component of largest size is positive. */
  readonly u: Float64Array;
  /** count x cols, right singular vector i in row i; a zero row where s[i] is 0. */
  readonly vt: Float64Array;
}

/**
 * A = U diag(s) V^T for a matrix (rows x cols, row-major) that is wide or at least not tall: the cost is rows^2 * cols, so
 * transpose a tall one. U comes from the rows x rows Gram matrix in double precision, s and V^T from the rows of U^T A
 * themselves, whose lengths do not carry the Gram matrix's squared condition (a Rayleigh quotient). Only the `count`
 * leading triples are formed.
 *
 * Measured on matrices of known singular values falling from 1 to 1e-8: relative error of s[i] below 1e-12 down to
 * s[i] = 1e-4 s[0] and below 1e-7 down to 1e-6 s[0]; from about 1e-8 s[0] on, values and vectors are noise.
 */
export function thinSvd(a: Float32Array | Float64Array, rows: number, cols: number, count: number = rows): ThinSvd {
  const vectors = symmetricEigen(gram(a, rows, cols), rows).vectors.subarray(0, count * rows);
  const projected = multiply(vectors, a, rows, cols);
  const lengths = new Float64Array(count);
  for (let i = 0; i < count; i++) lengths[i] = norm(projected.subarray(i * cols, (i + 1) * cols));
  // Lengths of neighbours can swap places by rounding where the eigenvalues were equal.
  const order = Array.from(lengths.keys()).sort((x, y) => lengths[y]! - lengths[x]! || x - y);

  const s = new Float64Array(count);
  const u = new Float64Array(rows * count);
  const vt = new Float64Array(count * cols);
  order.forEach((from, to) => {
    const length = lengths[from]!;
    const left = vectors.subarray(from * rows, (from + 1) * rows);
    const sign = leadingSign(left);
    s[to] = length;
    for (let r = 0; r < rows; r++) u[r * count + to] = sign * left[r]!;
    if (length > 0) for (let c = 0; c < cols; c++) vt[to * cols + c] = (sign * projected[from * cols + c]!) / length;
  });
  return { s, u, vt };
}

/**
 * The singular values alone, descending, at a third of the cost: square roots of the Gram matrix's eigenvalues. Error
 * about rows * 2^-53 * s[0]^2 / s[i], so half the digits are gone at s[i] = 1e-4 s[0] and all of them at 1e-8 s[0].
 */
export function singularValues(a: Float32Array | Float64Array, rows: number, cols: number): Float64Array {
  return symmetricEigenvalues(gram(a, rows, cols), rows).map((value) => Math.sqrt(Math.max(0, value)));
}

/** A A^T in double precision, two rows against two rows at a time so that every load serves two products. */
export function gram(a: Float32Array | Float64Array, rows: number, cols: number): Float64Array {
  const g = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i += 2) {
    const first = i * cols;
    const second = i + 1 < rows ? first + cols : first;
    for (let j = i; j < rows; j += 2) {
      const third = j * cols;
      const fourth = j + 1 < rows ? third + cols : third;
      let ac = 0;
      let ad = 0;
      let bc = 0;
      let bd = 0;
      for (let k = 0; k < cols; k++) {
        const x = a[first + k]!;
        const y = a[second + k]!;
        const z = a[third + k]!;
        const w = a[fourth + k]!;
        ac += x * z;
        ad += x * w;
        bc += y * z;
        bd += y * w;
      }
      place(g, rows, i, j, ac);
      place(g, rows, i, j + 1, ad);
      place(g, rows, i + 1, j, bc);
      place(g, rows, i + 1, j + 1, bd);
    }
  }
  return g;
}

function place(g: Float64Array, n: number, i: number, j: number, value: number): void {
  if (i >= n || j >= n) return;
  g[i * n + j] = value;
  g[j * n + i] = value;
}

/** M A for M (any height) x rows and A rows x cols, four rows of A per pass over the result's row. */
function multiply(m: Float64Array, a: Float32Array | Float64Array, rows: number, cols: number): Float64Array {
  const height = m.length / rows;
  const product = new Float64Array(height * cols);
  const whole = rows - (rows % 4);
  for (let i = 0; i < height; i++) {
    const out = product.subarray(i * cols, (i + 1) * cols);
    for (let r = 0; r < whole; r += 4) {
      const at = r * cols;
      const m0 = m[i * rows + r]!;
      const m1 = m[i * rows + r + 1]!;
      const m2 = m[i * rows + r + 2]!;
      const m3 = m[i * rows + r + 3]!;
      for (let c = 0; c < cols; c++) {
        out[c]! += m0 * a[at + c]! + m1 * a[at + cols + c]! + m2 * a[at + 2 * cols + c]! + m3 * a[at + 3 * cols + c]!;
      }
    }
    for (let r = whole; r < rows; r++) {
      const weight = m[i * rows + r]!;
      for (let c = 0; c < cols; c++) out[c]! += weight * a[r * cols + c]!;
    }
  }
  return product;
}

function norm(vector: Float64Array): number {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  if (largest === 0) return 0;
  let squares = 0;
  for (const value of vector) squares += (value / largest) ** 2;
  return largest * Math.sqrt(squares);
}
