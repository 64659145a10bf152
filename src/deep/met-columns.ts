import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { mutualNearest } from "./nearest.ts";
import { unitRows } from "./take.ts";

/** |cosine| of two columns over all tokens, and share of the narrower stream's, from which one stream is a part of the other. */
const LEAST_COSINE = 0.5;
const MOST = 0.8;

/**
 * Dimensions of two streams that are one another's, where a stream was cut or padded: columns of token rows, [tokens x width],
 * that are each other's nearest. Null where too few are, as where a stream was rotated.
 */
export function metColumns(
  a: Float32Array,
  b: Float32Array,
  widthA: number,
  widthB: number,
): readonly (readonly [number, number])[] | null {
  const tokens = a.length / widthA;
  const [x, y] = [unitRows(transposed(a, widthA), tokens), unitRows(transposed(b, widthB), tokens)];
  const cosines = matmul(x, y, { rows: widthA, depth: tokens, columns: widthB, transposedB: true });
  for (let i = 0; i < cosines.length; i++) cosines[i] = Math.abs(cosines[i]!);
  const met = mutualNearest(cosines, widthA, widthB)
    .filter(({ row, column, alone }) => alone && cosines[row * widthB + column]! >= LEAST_COSINE)
    .map(({ row, column }) => [row, column] as const);
  return met.length >= MOST * Math.min(widthA, widthB) ? met : null;
}

/** The given columns of rows of the given width. */
export function columnsOf(rows: Float32Array, width: number, columns: readonly number[]): Float32Array {
  const count = rows.length / width;
  const out = new Float32Array(count * columns.length);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < columns.length; j++) out[i * columns.length + j] = rows[i * width + columns[j]!]!;
  return out;
}
