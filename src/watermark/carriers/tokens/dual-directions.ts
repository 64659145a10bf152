import { symmetricEigen } from "../../../numerics/eigen.ts";

/** Gains that nearly silence a direction would ask for huge changes: no mark then. */
const MAX_CONDITION = 1e6;

/** Stored directions d_k with <d_k * gain, q_l> = 1 for k = l and 0 otherwise, the shortest such. */
export interface DualDirections {
  /** count x cols. Zero where q_k is. */
  readonly directions: Float32Array;
  /** Squared lengths. */
  readonly squares: Float64Array;
}

/** Without a gain the dual of orthonormal rows is themselves. Null when the gain makes the rows nearly dependent. */
export function dualDirections(q: Float64Array, cols: number, gain: Float32Array | null): DualDirections | null {
  const count = q.length / cols;
  const scaled = gain === null ? q : q.map((value, i) => value * gain[i % cols]!);
  const inverse = pseudoInverse(gramRows(scaled, cols), count);
  if (inverse === null) return null;
  const directions = new Float32Array(q.length);
  const squares = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    for (let c = 0; c < cols; c++) {
      let sum = 0;
      for (let l = 0; l < count; l++) sum += inverse[k * count + l]! * scaled[l * cols + c]!;
      directions[k * cols + c] = sum;
    }
    squares[k] = inverse[k * count + k]!;
  }
  return { directions, squares };
}

function gramRows(rows: Float64Array, cols: number): Float64Array {
  const count = rows.length / cols;
  const products = new Float64Array(count * count);
  for (let k = 0; k < count; k++) {
    for (let l = 0; l < count; l++) {
      for (let c = 0; c < cols; c++) products[k * count + l]! += rows[k * cols + c]! * rows[l * cols + c]!;
    }
  }
  return products;
}

/** Of a positive semidefinite matrix whose only zero eigenvalues belong to rows that are zero. */
function pseudoInverse(matrix: Float64Array, n: number): Float64Array | null {
  if (!matrix.every(Number.isFinite)) return null;
  const { values, vectors } = symmetricEigen(matrix, n);
  const present = Array.from({ length: n }, (_, k) => matrix[k * n + k]! > 0).filter(Boolean).length;
  if (present === 0 || !(values[present - 1]! * MAX_CONDITION > values[0]!)) return null;
  const inverse = new Float64Array(n * n);
  for (let e = 0; e < present; e++) {
    for (let k = 0; k < n; k++) {
      for (let l = 0; l < n; l++) inverse[k * n + l]! += (vectors[e * n + k]! * vectors[e * n + l]!) / values[e]!;
    }
  }
  return inverse;
}
