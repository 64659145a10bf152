import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { polarFactor } from "../numerics/polar.ts";
import { unitRows } from "./take.ts";

/** Rows of the same things in two streams of common coordinates, [count x width] each. */
export interface SameRows {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Entry of an orthogonal map beside which no other of its row or column is as large. */
const DOMINANT = 0.75;

/**
 * The turn T [width x width] that brings the second model's rows closest to the first's, b T = a, each row at unit length
 * (Schoenemann 1966). `placing` is the map by which the second's stream, as it lies, came into these coordinates, where that is
 * orthogonal: where it and T together only permute dimensions and turn signs, they are taken to do so exactly.
 *
 * @returns null where the rows say nothing
 */
export function closestTurn(
  rows: readonly SameRows[],
  width: number,
  placing: Float32Array | null,
): Float32Array | null {
  const square = { rows: width, depth: width, columns: width } as const;
  const cross = new Float32Array(width * width);
  for (const { a, b } of rows) {
    const count = a.length / width;
    if (count === 0) continue;
    const [x, y] = [transposed(unitRows(b, width), width), unitRows(a, width)];
    const product = matmul(x, y, { rows: width, depth: count, columns: width });
    for (let i = 0; i < cross.length; i++) cross[i]! += product[i]!;
  }
  const turn = polarFactor(cross, width);
  if (turn === null || placing === null) return turn;
  const exact = signedPermutation(matmul(placing, turn, square), width);
  return exact === null ? turn : matmul(transposed(placing, width), exact, square);
}

/** The signed permutation that an orthogonal map is but for its errors; null where any column has no dominant entry. */
function signedPermutation(map: Float32Array, width: number): Float32Array | null {
  const out = new Float32Array(map.length);
  for (let column = 0; column < width; column++) {
    let best = column;
    for (let at = column; at < map.length; at += width) if (Math.abs(map[at]!) > Math.abs(map[best]!)) best = at;
    if (!(Math.abs(map[best]!) >= DOMINANT)) return null;
    out[best] = Math.sign(map[best]!);
  }
  return out;
}
