import { matmul } from "../kernels/matmul.ts";
import { prng } from "../numerics/prng.ts";
import { NEURON_WORDS, type QuantisedRows } from "./reference.ts";

/** Directions that neurons are looked at from: one bit each. */
export const NEURON_DIRECTIONS = NEURON_WORDS * 32;
/** Directions that a query row is looked at from: only which head it belongs to is asked. */
export const QUERY_DIRECTIONS = 32;
/** Directions per row of a head: a basis change of the head is fitted to this many times more numbers than it has. */
const DIRECTIONS_PER_HEAD_ROW = 4;
const MAX_HEAD_DIRECTIONS = 512;

/** Directions for key and value rows, of a model `width` wide. */
export function headDirections(width: number, headSize: number): number {
  return Math.min(width, MAX_HEAD_DIRECTIONS, Math.max(DIRECTIONS_PER_HEAD_ROW * headSize, QUERY_DIRECTIONS));
}

/** `count` directions with coordinates +-1, row-major [count x width]: the same for every model of that width. */
export function signDirections(count: number, width: number, purpose: string): Float32Array {
  const random = prng(`resync ${purpose} ${width}`);
  const directions = new Float32Array(count * width);
  for (let at = 0; at < directions.length; at += 32) {
    let bits = random.uint32();
    for (let i = at; i < Math.min(at + 32, directions.length); i++, bits >>>= 1)
      directions[i] = (bits & 1) === 1 ? -1 : 1;
  }
  return directions;
}

/** matrix [rows x factors.length] with every column multiplied by its factor; in place. */
export function scaleColumns(matrix: Float32Array, factors: Float32Array): Float32Array {
  const width = factors.length;
  for (let at = 0; at < matrix.length; at += width) for (let j = 0; j < width; j++) matrix[at + j]! *= factors[j]!;
  return matrix;
}

/** 1 / x, and 0 for what has no useful inverse. */
export function inverses(values: Float32Array): Float32Array {
  return values.map((x) => (Math.abs(x) > 1e-30 && Number.isFinite(x) ? 1 / x : 0));
}

/** Rows [count x width] seen from `directions` [n x width]: count x n. */
export function project(rows: Float32Array, count: number, directions: Float32Array, width: number): Float32Array {
  return matmul(rows, directions, { rows: count, depth: width, columns: directions.length / width, transposedB: true });
}

/** Signs of `count` rows of `projected` [rows x columns] into bits [first, first + columns) of rows of `words` words. */
export function packBits(
  projected: Float32Array,
  columns: number,
  into: Uint32Array,
  place: { readonly row: number; readonly firstBit: number },
): void {
  const count = projected.length / columns;
  for (let i = 0; i < count; i++) {
    const base = (place.row + i) * NEURON_WORDS * 32 + place.firstBit;
    for (let j = 0; j < columns; j++) {
      if (projected[i * columns + j]! < 0) into[(base + j) >>> 5]! |= 1 << ((base + j) & 31);
    }
  }
}

/** Rows in 8 bits. Values that are not finite count as 0. */
export function quantiseRows(values: Float32Array, cols: number): QuantisedRows {
  const rows = values.length / cols;
  const quanta = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = values.subarray(i * cols, (i + 1) * cols);
    let largest = 0;
    for (const x of row) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    scales[i] = largest / 127;
    if (scales[i] === 0) continue;
    for (let j = 0; j < cols; j++) {
      const x = row[j]!;
      quanta[i * cols + j] = Number.isFinite(x) ? Math.max(-127, Math.min(127, Math.round(x / scales[i]!))) : 0;
    }
  }
  return { rows, cols, quanta, scales };
}

export function dequantiseRows({ rows, cols, quanta, scales }: QuantisedRows): Float32Array {
  const values = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) values[i * cols + j] = quanta[i * cols + j]! * scales[i]!;
  return values;
}

export function dequantiseOrNull(rows: QuantisedRows | null): Float32Array | null {
  return rows === null ? null : dequantiseRows(rows);
}
