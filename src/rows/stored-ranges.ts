import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import type { ByteRange } from "../bytes/byte-source.ts";
import type { CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { DTYPE_BITS } from "../formats/tensor-info.ts";

/** Neighbouring columns [first, first + count). */
export interface ColumnRun {
  readonly first: number;
  readonly count: number;
}

/** Bytes [start, end) of one file of a checkpoint. */
export interface FileRange extends ByteRange {
  /** Index into the checkpoint's files. */
  readonly file: number;
}

/** Stored bytes [first, first + count) of a tensor. */
export function byteRange({ file, begin }: CheckpointTensor, first: number, count: number): FileRange {
  return { file, start: begin + first, end: begin + first + count };
}

/** Elements [first, first + count) of a stored tensor whose elements are whole bytes. */
export function elementRange(tensor: CheckpointTensor, first: number, count: number): FileRange {
  const width = DTYPE_BITS[tensor.dtype] / 8;
  return byteRange(tensor, first * width, count * width);
}

export function elementCount(tensor: CheckpointTensor): number {
  return tensor.shape.reduce((a, b) => a * b, 1);
}

/**
 * Where the given columns of the given rows lie, in the order of their elements, for a matrix whose rows are not
 * scattered (`colStride` 1). Neighbouring rows are one range where all of their columns are wanted.
 */
export function rowRanges(
  tensor: CheckpointTensor,
  matrix: CanonicalTensor,
  rows: readonly number[],
  columns: readonly ColumnRun[],
): FileRange[] {
  const adjoin = columns.length === 1 && columns[0]!.count === matrix.cols;
  const ranges: FileRange[] = [];
  for (let i = 0; i < rows.length; ) {
    const start = matrix.rowOffset(rows[i]!);
    let j = i + 1;
    while (adjoin && j < rows.length && matrix.rowOffset(rows[j]!) === start + (j - i) * matrix.cols) j++;
    for (const { first, count } of columns) ranges.push(elementRange(tensor, start + first, (j - i) * count));
    i = j;
  }
  return ranges;
}

/** Ranges of one file as few as cover the same bytes, and gaps of at most `gap` between them, ascending. */
export function mergeRanges(ranges: readonly ByteRange[], gap = 0): ByteRange[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of sorted) {
    if (start === end) continue;
    const last = merged.at(-1);
    if (last !== undefined && start - last.end <= gap) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

export function bytesIn(ranges: readonly ByteRange[]): number {
  return ranges.reduce((n, { start, end }) => n + end - start, 0);
}
