import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import type { CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { type Batch, inBatches } from "../rows/batches.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { FileRange } from "../rows/stored-ranges.ts";
import { digestRanges } from "./identity.ts";
import { sketchRows } from "./sketch.ts";
import { sliceWindow } from "./slice.ts";

/** One step of a sampled fingerprint: a matrix to sketch and perhaps to slice, or a tensor to digest. */
export type Reading =
  | { readonly matrix: CanonicalTensor; readonly slice: boolean }
  | { readonly digested: CheckpointTensor };

/**
 * Everything a sampled fingerprint reads, in order, cut into batches of which each is one fetch: of a small model there
 * is one in all. Far away every read is a request and costs its latency, so thousands of rows must not wait for each
 * other.
 */
export function planReadings(reader: RowReader, readings: Iterable<Reading>): Generator<Batch<Reading>> {
  let whole: string | null = null;
  return inBatches(readings, (reading) => {
    if ("digested" in reading) return digestRanges(reading.digested);
    const { matrix, slice } = reading;
    // The views of one transposed tensor stand next to each other, and the reader keeps it for all of them.
    const kept = reader.keepsWhole(matrix) && matrix.tensor === whole;
    if (reader.keepsWhole(matrix)) whole = matrix.tensor;
    return kept ? gainRanges(reader, matrix) : matrixRanges(reader, matrix, slice);
  });
}

/** What the sketch of a matrix reads, and its slice if it has one; null when it is not to be held. */
export function matrixRanges(reader: RowReader, matrix: CanonicalTensor, slice: boolean): FileRange[] | null {
  const sketch = reader.rowRanges(matrix, sketchRows(matrix));
  if (sketch === null) return null;
  if (!slice || reader.keepsWhole(matrix)) return [...sketch, ...gainRanges(reader, matrix)];
  return [...sketch, ...sliceRanges(reader, matrix)!];
}

/** What the slice of a matrix reads, its gain included; null when it is not to be held. */
export function sliceRanges(reader: RowReader, matrix: CanonicalTensor): FileRange[] | null {
  const { rows, columns } = sliceWindow(matrix);
  const ranges = reader.rowRanges(matrix, rows, columns);
  return ranges === null ? null : [...ranges, ...gainRanges(reader, matrix)];
}

function gainRanges(reader: RowReader, { gain, cols }: CanonicalTensor): FileRange[] {
  const range = reader.gainRange(gain, cols);
  return range === null ? [] : [range];
}
