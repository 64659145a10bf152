import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { ColumnRun } from "../rows/stored-ranges.ts";
import { indexedByTokens, SLICE_HEIGHT, sliceFirstRow, sliceRuns } from "./sampling.ts";

/** A slice of one sketched matrix in int8, for the retention test: rows x evenly spaced runs of columns. */
export interface Slice {
  /** Index of the matrix among the sketches. */
  readonly sketch: number;
  readonly firstRow: number;
  readonly height: number;
  readonly width: number;
  /** height x width values, each q * scale of its block of 32 along the row. */
  readonly q: Int8Array;
  /** height x ceil(width / 32). */
  readonly scale: Float32Array;
  /** The norm gain of the columns, or null when none is known. Kept apart: two slices are folded both or neither. */
  readonly gain: Float32Array | null;
}

/** Values that share a scale: int8 with blocks of 32 keeps a slice to a relative error of .005. */
export const SLICE_BLOCK = 32;

/** Which rows and columns of a matrix its slice holds. */
export function sliceWindow(matrix: CanonicalTensor): { readonly rows: number[]; readonly columns: ColumnRun[] } {
  const height = Math.min(SLICE_HEIGHT, matrix.rows);
  const first = sliceFirstRow({ rows: matrix.rows, tokens: indexedByTokens(matrix) });
  return { rows: Array.from({ length: height }, (_, i) => first + i), columns: sliceRuns(matrix.cols) };
}

/** Slice of one matrix, the `sketch`-th sketched one; null when it holds values that are not finite, or only zeros. */
export async function sliceMatrix(reader: RowReader, matrix: CanonicalTensor, sketch: number): Promise<Slice | null> {
  const { rows, columns } = sliceWindow(matrix);
  const raw = await reader.rows(matrix, rows, columns);
  const slice = sliceOf(raw, { sketch, firstRow: rows[0]!, height: rows.length });
  if (slice === null) return null;
  const whole = await reader.gain(matrix.gain, matrix.cols);
  return { ...slice, gain: whole !== null && allFinite(whole) ? cutOut(whole, columns, slice.width) : null };
}

/** Slice of values at hand, row-major; null when they are not finite, or only zeros. */
export function sliceOf(
  raw: Float32Array,
  { sketch, firstRow, height }: Pick<Slice, "sketch" | "firstRow" | "height">,
): Slice | null {
  const width = raw.length / height;
  const blocks = Math.ceil(width / SLICE_BLOCK);
  const q = new Int8Array(height * width);
  const scale = new Float32Array(height * blocks);
  let peak = 0;
  if (!allFinite(raw)) return null;
  for (let i = 0; i < height; i++) {
    for (let b = 0; b < blocks; b++) {
      const start = i * width + b * SLICE_BLOCK;
      const end = Math.min((i + 1) * width, start + SLICE_BLOCK);
      let top = 0;
      for (let j = start; j < end; j++) {
        const size = Math.abs(raw[j]!);
        if (size > top) top = size;
      }
      const step = Math.fround(top / 127);
      if (step === 0 || !Number.isFinite(step)) continue;
      scale[i * blocks + b] = step;
      // Math.round by truncation: a quotient of two f32 is at least 2^-26 away from every half it is not.
      for (let j = start; j < end; j++) q[j] = Math.max(-127, Math.min(127, ((raw[j]! / step + 128.5) | 0) - 128));
      if (top > peak) peak = top;
    }
  }
  return peak === 0 ? null : { sketch, firstRow, height, width, q, scale, gain: null };
}

/** Whether no value is NaN or infinite. By index: `every` costs ten times as much. */
export function allFinite(values: Float32Array | Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) < Number.POSITIVE_INFINITY)) return false;
  return true;
}

function cutOut(values: Float32Array, runs: readonly ColumnRun[], width: number): Float32Array {
  const out = new Float32Array(width);
  let at = 0;
  for (const { first, count } of runs) {
    out.set(values.subarray(first, first + count), at);
    at += count;
  }
  return out;
}

/** The values of a slice, height x width, row-major; with the norm gain folded in when `folded`. */
export function sliceValues(slice: Slice, folded: boolean): Float32Array {
  const { height, width, q, scale } = slice;
  const gain = folded ? slice.gain : null;
  const out = new Float32Array(height * width);
  const blocks = Math.ceil(width / SLICE_BLOCK);
  for (let i = 0; i < height; i++) {
    for (let b = 0; b < blocks; b++) {
      const step = scale[i * blocks + b]!;
      const end = Math.min(width, (b + 1) * SLICE_BLOCK);
      for (let j = b * SLICE_BLOCK; j < end; j++) {
        const value = q[i * width + j]! * step;
        out[i * width + j] = gain === null ? value : value * gain[j]!;
      }
    }
  }
  return out;
}
