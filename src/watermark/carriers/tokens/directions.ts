import { matmul } from "../../../kernels/matmul.ts";
import { orthonormalRows } from "../../../numerics/orthonormal.ts";
import type { Reference } from "./reference.ts";
import { DIRECTIONS, LEADING, type TokenDraws } from "./token-draws.ts";

/** Products with the covariance that separate the leading directions from the rest. */
const ITERATIONS = 3;

/**
 * DIRECTIONS x cols orthonormal rows: keyed signed sums of reference rows, freed of the leading directions. For rows
 * e -> s e Q with Q orthogonal they become q_k Q (times the sign of s): everything is made of rows, nothing of axes. Rows that
 * the reference cannot give are zero.
 */
export function secretDirections(reference: Reference, draws: TokenDraws, cols: number): Float64Array {
  const leading = keyedSums(reference, cols, LEADING, draws.leading);
  orthonormalRows(leading, cols);
  for (let i = 0; i < ITERATIONS; i++) {
    leading.set(timesCovariance(reference.rows, leading, cols));
    orthonormalRows(leading, cols);
  }
  const directions = keyedSums(reference, cols, DIRECTIONS, draws.direction);
  orthonormalRows(directions, cols, leading);
  return directions;
}

function keyedSums(
  { rows, tokens }: Reference,
  cols: number,
  count: number,
  draw: (token: number) => { readonly index: number; readonly sign: 1 | -1 },
): Float64Array {
  const sums = new Float64Array(count * cols);
  for (let i = 0; i < tokens.length; i++) {
    const { index, sign } = draw(tokens[i]!);
    for (let c = 0; c < cols; c++) sums[index * cols + c]! += sign * rows[i * cols + c]!;
  }
  return sums;
}

/** B X^T X for B [count x cols] and X [n x cols]: one step of a block power iteration. */
function timesCovariance(x: Float32Array, b: Float64Array, cols: number): Float32Array {
  const n = x.length / cols;
  const count = b.length / cols;
  const inner = matmul(Float32Array.from(b), x, { rows: count, depth: cols, columns: n, transposedB: true });
  return matmul(inner, x, { rows: count, depth: n, columns: cols });
}
