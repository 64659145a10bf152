import { type ByteSource, isSync } from "../../bytes/byte-source.ts";
import { DTYPE_BITS, type Dtype } from "../../formats/tensor-info.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import { copyRows } from "./row-copies.ts";

/** Consecutive rows [first, first + count). */
export interface RowRun {
  readonly first: number;
  readonly count: number;
}

/** Consecutive rows of a matrix, row-major, about to be read. */
export interface RowPiece {
  readonly first: number;
  readonly count: number;
  readonly dtype: Dtype;
  /** Writes the rows to `target`, which is exactly as long as they are; must not touch the kernels. */
  readonly fill: (target: Uint8Array) => void;
}

/** Element where each row of a view begins: `base + step * row`, or a list. */
export type RowStarts = { readonly base: number; readonly step: number } | Float64Array;

/** A view on a stored tensor as plain data. */
export interface StoredMatrix {
  readonly dtype: Dtype;
  /** Offset in the file of the tensor's first byte, and of the byte behind its last. */
  readonly begin: number;
  readonly end: number;
  readonly rows: number;
  readonly cols: number;
  readonly starts: RowStarts;
  readonly colStride: number;
}

/** `rowOffset` for all rows in as little memory as it takes. */
export function rowStarts(rowOffset: (row: number) => number, rows: number): RowStarts {
  const base = rowOffset(0);
  const step = rows > 1 ? rowOffset(1) - base : 0;
  for (let i = 2; i < rows; i++) {
    if (rowOffset(i) !== base + step * i) return Float64Array.from({ length: rows }, (_, k) => rowOffset(k));
  }
  return { base, step };
}

/** Reads rows of stored tensors of one file. Transposed tensors are held as a whole, the last one only. */
export class StoredRows {
  readonly #source: ByteSource;
  #whole: { readonly begin: number; readonly bytes: Uint8Array } | null = null;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async piece(matrix: StoredMatrix, first: number, count: number): Promise<RowPiece> {
    return { first, count, dtype: matrix.dtype, fill: await this.#filler(matrix, first, count) };
  }

  /** The rows of the runs one after the other, decoded. */
  async decoded(matrix: StoredMatrix, runs: readonly RowRun[]): Promise<Float32Array> {
    const { cols, dtype } = matrix;
    const rowBytes = (cols * DTYPE_BITS[dtype]) / 8;
    const bytes = new Uint8Array(runs.reduce((n, run) => n + run.count, 0) * rowBytes);
    let at = 0;
    for (const { first, count } of runs) {
      (await this.#filler(matrix, first, count))(bytes.subarray(at, at + count * rowBytes));
      at += count * rowBytes;
    }
    return decodeToF32(bytes, dtype);
  }

  async #filler(matrix: StoredMatrix, first: number, count: number): Promise<(target: Uint8Array) => void> {
    const { cols, colStride, begin, dtype } = matrix;
    const width = DTYPE_BITS[dtype] / 8;
    const start = (row: number): number => startOf(matrix.starts, row) * width;
    if (colStride !== 1) {
      const stored = await this.#wholeTensor(matrix);
      return (target) => copyRows(stored, { first, count, cols, colStride, width, offset: start }, target);
    }
    const source = this.#source;
    if (isSync(source)) {
      return (target) => {
        for (const run of adjoining(matrix.starts, cols, first, count)) {
          const at = (run.first - first) * cols * width;
          source.readIntoSync(target.subarray(at, at + run.count * cols * width), begin + start(run.first));
        }
      };
    }
    const bytes = new Uint8Array(count * cols * width);
    for (const run of adjoining(matrix.starts, cols, first, count)) {
      const from = begin + start(run.first);
      bytes.set(await source.read(from, from + run.count * cols * width), (run.first - first) * cols * width);
    }
    return (target) => target.set(bytes);
  }

  async #wholeTensor({ begin, end }: StoredMatrix): Promise<Uint8Array> {
    if (this.#whole?.begin !== begin) {
      this.#whole = null;
      const bytes = new Uint8Array(end - begin);
      if (isSync(this.#source)) this.#source.readIntoSync(bytes, begin);
      else bytes.set(await this.#source.read(begin, end));
      this.#whole = { begin, bytes };
    }
    return this.#whole.bytes;
  }
}

function startOf(starts: RowStarts, row: number): number {
  return "base" in starts ? starts.base + starts.step * row : starts[row]!;
}

/** Rows [first, first + count) as runs that lie in one piece. */
function* adjoining(starts: RowStarts, cols: number, first: number, count: number): Generator<RowRun> {
  for (let row = first; row < first + count; ) {
    let end = row + 1;
    while (end < first + count && startOf(starts, end) === startOf(starts, end - 1) + cols) end++;
    yield { first: row, count: end - row };
    row = end;
  }
}
