import { DTYPE_BITS, type Dtype } from "../../formats/tensor-info.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import type { StoredRange } from "../decoder.ts";

/** A matrix [rows, cols] out of which a change of weights is computed, as an adapter stores it. */
export interface Factor {
  readonly file: number;
  readonly begin: number;
  readonly dtype: Dtype;
  readonly rows: number;
  readonly cols: number;
  /** Stored as [cols, rows]. */
  readonly transposed: boolean;
}

/** Decoded factors that are needed again for every row, the last ones that were used. */
export type FactorMemory = Map<Factor, Float32Array>;

const MEMORY_ELEMENTS = 1 << 24;

function elementRange({ file, begin, dtype }: Factor, first: number, count: number): StoredRange {
  const width = DTYPE_BITS[dtype] / 8;
  return { file, start: begin + first * width, end: begin + (first + count) * width };
}

/** What has to be read for rows [first, first + count): one range, or one for each column where those are stored as rows. */
export function rangesOfRows(factor: Factor, first: number, count: number): StoredRange[] {
  const { rows, cols, transposed } = factor;
  if (!transposed) return [elementRange(factor, first * cols, count * cols)];
  return Array.from({ length: cols }, (_, k) => elementRange(factor, k * rows + first, count));
}

/** The rows behind the ranges of `rangesOfRows`, row-major. */
export function rowsOf(
  { dtype, cols, transposed }: Factor,
  stored: readonly Uint8Array[],
  count: number,
): Float32Array {
  if (!transposed) return decodeToF32(stored[0]!, dtype);
  const out = new Float32Array(count * cols);
  stored.forEach((bytes, k) => {
    const column = decodeToF32(bytes, dtype);
    for (let i = 0; i < count; i++) out[i * cols + k] = column[i]!;
  });
  return out;
}

export function rangeOfAll(factor: Factor): StoredRange {
  return elementRange(factor, 0, factor.rows * factor.cols);
}

/** All values of a factor, row-major. */
export function allOf(factor: Factor, bytes: Uint8Array, memory: FactorMemory): Float32Array {
  const known = memory.get(factor);
  if (known !== undefined) return known;
  const { rows, cols, transposed, dtype } = factor;
  const stored = decodeToF32(bytes, dtype);
  const values = transposed ? new Float32Array(stored.length) : stored;
  if (transposed) {
    for (let j = 0; j < cols; j++) for (let i = 0; i < rows; i++) values[i * cols + j] = stored[j * rows + i]!;
  }
  let held = values.length;
  for (const other of memory.values()) held += other.length;
  for (const [oldest, other] of memory) {
    if (held <= MEMORY_ELEMENTS) break;
    memory.delete(oldest);
    held -= other.length;
  }
  memory.set(factor, values);
  return values;
}
