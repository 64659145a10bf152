import { matmul } from "../kernels/matmul.ts";
import { orthonormal } from "./orthonormal.ts";
import { prng } from "./prng.ts";
import { thinSvd } from "./svd.ts";

/** Directions beyond those wanted. */
const OVERSAMPLING = 8;

/** A matrix that need not be held: its rows come in tiles, count x cols each, in order, anew for each call. */
export interface TiledMatrix {
  readonly rows: number;
  readonly cols: number;
  tiles(): AsyncIterable<{ readonly first: number; readonly count: number; readonly values: Float32Array }>;
}

/** Orthonormal bases of the leading singular spaces, one vector per row. */
export interface Spaces {
  readonly rank: number;
  /** rank x rows of the matrix. */
  readonly left: Float32Array;
  /** rank x cols. */
  readonly right: Float32Array;
}

/**
 * Leading left and right singular spaces by block power iteration from a fixed random start (Halko, Martinsson and Tropp
 * 2011, algorithm 4.4 with one power step). The start is public and always the same: a reader of the same
 * matrix finds the same spaces, converged or not. `left` holds what the last step needs for left^T A = diag(s) right.
 */
export async function leadingSpaces(matrix: TiledMatrix, rank: number): Promise<Spaces> {
  const { rows, cols } = matrix;
  const width = Math.min(rank + OVERSAMPLING, rows, cols);
  const random = prng("leading spaces");
  // Once there and back, then once more with bases in between: spectra fall slowly, so f32 holds two steps.
  const start = Float32Array.from({ length: width * cols }, () => random.normal());
  const right = orthonormal(await timesMatrix(matrix, await timesTransposed(matrix, start)), cols);
  const left = orthonormal(await timesTransposed(matrix, right), rows);
  const back = await timesMatrix(matrix, left);
  const { u, vt } = thinSvd(back, width, cols, rank);
  // u is width x rank: turns the basis of the left space into the singular vectors.
  const turn = transpose(Float32Array.from(u), width, rank);
  const turned = matmul(turn, left, { rows: rank, depth: width, columns: rows });
  return { rank, left: turned, right: Float32Array.from(vt) };
}

/** B A^T for B [count x cols]: count x rows. */
export async function timesTransposed(matrix: TiledMatrix, b: Float32Array): Promise<Float32Array> {
  const { rows, cols } = matrix;
  const count = b.length / cols;
  const out = new Float32Array(count * rows);
  for await (const tile of matrix.tiles()) {
    const shape = { rows: tile.count, depth: cols, columns: count, transposedB: true };
    const product = matmul(tile.values, b, shape);
    for (let i = 0; i < tile.count; i++) {
      for (let k = 0; k < count; k++) out[k * rows + tile.first + i] = product[i * count + k]!;
    }
  }
  return out;
}

/** B A for B [count x rows]: count x cols. */
export async function timesMatrix(matrix: TiledMatrix, b: Float32Array): Promise<Float32Array> {
  const { rows, cols } = matrix;
  const count = b.length / rows;
  const out = new Float32Array(count * cols);
  for await (const tile of matrix.tiles()) {
    const part = new Float32Array(count * tile.count);
    for (let k = 0; k < count; k++) {
      const start = k * rows + tile.first;
      part.set(b.subarray(start, start + tile.count), k * tile.count);
    }
    const product = matmul(part, tile.values, { rows: count, depth: tile.count, columns: cols });
    for (let i = 0; i < out.length; i++) out[i]! += product[i]!;
  }
  return out;
}

/** rows x cols to cols x rows. */
export function transpose(matrix: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = matrix[i * cols + j]!;
  return out;
}
