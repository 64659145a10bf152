import { setImmediate } from "node:timers/promises";
import type { CanonicalTensor, Gain } from "../anatomy/anatomy.ts";
import { canPrefetch, isSync } from "../bytes/byte-source.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { DTYPE_BITS } from "../formats/tensor-info.ts";
import { decodeToF32 } from "../kernels/decode.ts";
import { BATCH_BYTES, fetchedAhead } from "./batches.ts";
import { type HeldRanges, holdRanges } from "./held-ranges.ts";
import { byteRange, type ColumnRun, elementCount, elementRange, type FileRange, rowRanges } from "./stored-ranges.ts";

/** Transposed storage scatters a row over the whole tensor: tensors up to this size are kept while their views are read. */
const WHOLE_TENSOR_CACHE = 64 << 20;
/** Larger ones are read in pieces, of which a source far away fetches several at a time. */
const PIECE = 1 << 20;
const PIECES_AHEAD = 8;
/** Short runs are decoded together up to this many bytes, and longer rows announced up to this many. */
const TOGETHER = 1 << 18;
const MAX_GAINS = 64;

/** Reads canonical rows of a checkpoint as f32 and counts the bytes that were asked for. */
export class RowReader {
  bytesRead = 0;
  /** What was fetched before; everything else is fetched when it is asked for. */
  held: HeldRanges | null = null;
  readonly #checkpoint: Checkpoint;
  readonly #cacheBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #gains = new Map<string, Promise<Float32Array | null>>();
  #whole: { name: string; values: Promise<Float32Array> } | null = null;

  /** Transposed tensors above `cacheBytes` are gathered in pieces instead of held. */
  constructor(checkpoint: Checkpoint, cacheBytes: number = WHOLE_TENSOR_CACHE, signal?: AbortSignal) {
    this.#checkpoint = checkpoint;
    this.#cacheBytes = cacheBytes;
    this.#signal = signal;
  }

  /** Elements [first, first + count) of a stored tensor, in storage order. */
  async elements(name: string, first: number, count: number): Promise<Float32Array> {
    const tensor = this.#tensor(name);
    return decodeToF32(await this.#bytes(elementRange(tensor, first, count)), tensor.dtype);
  }

  /** Stored bytes [first, first + count) of a tensor. */
  async bytes(name: string, first: number, count: number): Promise<Uint8Array> {
    return this.#bytes(byteRange(this.#tensor(name), first, count));
  }

  /** The given rows of a canonical matrix before any gain: rows.length x cols, or only the given columns of them. */
  async rows(matrix: CanonicalTensor, rows: readonly number[], columns?: readonly ColumnRun[]): Promise<Float32Array> {
    const runs = columns ?? [{ first: 0, count: matrix.cols }];
    const width = runs.reduce((n, run) => n + run.count, 0);
    const out = new Float32Array(rows.length * width);
    if (matrix.colStride === 1) await this.#adjacent(matrix, rows, runs, out);
    else if (this.keepsWhole(matrix)) scatter(await this.#wholeTensor(matrix.tensor), matrix, rows, runs, out);
    else await this.#gather(matrix, rows, runs, out);
    return out;
  }

  /** What `rows` will ask for, or null when that is a whole tensor too large to be held. */
  rowRanges(matrix: CanonicalTensor, rows: readonly number[], columns?: readonly ColumnRun[]): FileRange[] | null {
    const tensor = this.#tensor(matrix.tensor);
    if (matrix.colStride === 1) {
      return rowRanges(tensor, matrix, rows, columns ?? [{ first: 0, count: matrix.cols }]);
    }
    return this.keepsWhole(matrix) ? [elementRange(tensor, 0, elementCount(tensor))] : null;
  }

  /** Whether rows are taken out of the whole stored tensor, which is kept until another one's are asked for. */
  keepsWhole({ colStride, tensor: name }: CanonicalTensor): boolean {
    const { begin, end } = this.#tensor(name);
    return colStride !== 1 && end - begin <= this.#cacheBytes;
  }

  /** The vector a gain multiplies with (1 + w applied), or null when it does not fit the matrix. */
  async gain(gain: Gain | null, cols: number): Promise<Float32Array | null> {
    const range = this.gainRange(gain, cols);
    if (gain === null || range === null) return null;
    const key = `${gain.plusOne ? "1+" : ""}${gain.tensor}`;
    let values = this.#gains.get(key);
    if (!values) {
      values = this.elements(gain.tensor, 0, cols).then((w) => (gain.plusOne ? w.map((x) => 1 + x) : w));
      // Layers come one after the other; a file of a million norms must not fill memory.
      if (this.#gains.size >= MAX_GAINS) this.#gains.clear();
      this.#gains.set(key, values);
    }
    return values;
  }

  /** What `gain` will ask for, unless it still knows it. */
  gainRange(gain: Gain | null, cols: number): FileRange | null {
    const tensor = gain === null ? undefined : this.#checkpoint.tensors.get(gain.tensor);
    if (!tensor || !holdsValues(tensor.dtype) || tensor.shape.length !== 1 || tensor.shape[0] !== cols) return null;
    return elementRange(tensor, 0, cols);
  }

  #wholeTensor(name: string): Promise<Float32Array> {
    if (this.#whole?.name === name) return this.#whole.values;
    const values = this.elements(name, 0, elementCount(this.#tensor(name)));
    this.#whole = { name, values };
    return values;
  }

  /** Rows that are not scattered, decoded as many at a time as make a call worth it. */
  async #adjacent(
    matrix: CanonicalTensor,
    rows: readonly number[],
    runs: readonly ColumnRun[],
    out: Float32Array,
  ): Promise<void> {
    const tensor = this.#tensor(matrix.tensor);
    const ranges = rowRanges(tensor, matrix, rows, runs);
    const width = DTYPE_BITS[tensor.dtype] / 8;
    const source = this.#checkpoint.files[tensor.file]!.source;
    const limit = canPrefetch(source) ? BATCH_BYTES : TOGETHER;
    let at = 0;
    for (let i = 0; i < ranges.length; ) {
      let j = i;
      let bytes = 0;
      do {
        bytes += ranges[j]!.end - ranges[j]!.start;
        j++;
      } while (j < ranges.length && bytes + ranges[j]!.end - ranges[j]!.start <= limit);
      const stored = await this.#together(ranges.slice(i, j), bytes);
      decodeToF32(stored, tensor.dtype, out.subarray(at));
      at += bytes / width;
      i = j;
    }
  }

  /** Scattered rows of a tensor too large to hold: one pass over all of it in pieces. */
  async #gather(
    matrix: CanonicalTensor,
    rows: readonly number[],
    runs: readonly ColumnRun[],
    out: Float32Array,
  ): Promise<void> {
    const tensor = this.#tensor(matrix.tensor);
    const total = elementCount(tensor);
    const step = Math.min(PIECE, this.#cacheBytes) / (DTYPE_BITS[tensor.dtype] / 8);
    const window = PIECES_AHEAD * step;
    const windows = Array.from({ length: Math.ceil(total / window) }, (_, i) => i * window);
    const fetched = fetchedAhead(windows, (first) => this.#windowAhead(tensor, first, Math.min(window, total - first)));
    for await (const [start, held] of fetched) {
      const end = Math.min(start + window, total);
      for (let first = start; first < end; first += step) {
        // A hundred gigabytes of synchronous reads must leave signals their turn.
        await setImmediate();
        const range = elementRange(tensor, first, Math.min(step, end - first));
        const piece = decodeToF32(await this.#bytes(range, held), tensor.dtype);
        gatherPiece(piece, first, matrix, rows, runs, out);
      }
    }
  }

  /** A source far away is told of several pieces at once; one at hand is read piece by piece. */
  async #windowAhead(tensor: CheckpointTensor, first: number, count: number): Promise<HeldRanges | null> {
    const { source } = this.#checkpoint.files[tensor.file]!;
    if (!canPrefetch(source)) return null;
    return holdRanges(this.#checkpoint, [elementRange(tensor, first, count)], this.#signal);
  }

  /** The bytes of several ranges one after the other, `bytes` in all. */
  async #together(ranges: readonly FileRange[], bytes: number): Promise<Uint8Array> {
    if (ranges.length === 1) return this.#bytes(ranges[0]!);
    const { source } = this.#checkpoint.files[ranges[0]!.file]!;
    const isHeld = this.held !== null && ranges.every((range) => this.held!.find(range) !== null);
    const held = isHeld || !canPrefetch(source) ? this.held : await holdRanges(this.#checkpoint, ranges, this.#signal);
    const stored = new Uint8Array(bytes);
    let at = 0;
    for (const range of ranges) {
      const there = held?.find(range);
      const target = stored.subarray(at, at + range.end - range.start);
      if (!there && isSync(source)) source.readIntoSync(target, range.start);
      else target.set(there ?? (await source.read(range.start, range.end)));
      at += target.length;
    }
    this.bytesRead += bytes;
    return stored;
  }

  async #bytes(range: FileRange, held: HeldRanges | null = this.held): Promise<Uint8Array> {
    const { source } = this.#checkpoint.files[range.file]!;
    const { start, end } = range;
    this.bytesRead += end - start;
    const there = held?.find(range);
    if (there) return there;
    if (isSync(source)) {
      const target = new Uint8Array(end - start);
      source.readIntoSync(target, start);
      return target;
    }
    // In pieces and several at a time, if the source thinks so.
    if (canPrefetch(source)) await source.prefetch([range], this.#signal);
    return source.read(start, end);
  }

  #tensor(name: string): CheckpointTensor {
    return this.#checkpoint.tensors.get(name)!;
  }
}

/** Takes scattered rows out of a whole tensor. */
function scatter(
  whole: Float32Array,
  matrix: CanonicalTensor,
  rows: readonly number[],
  runs: readonly ColumnRun[],
  out: Float32Array,
): void {
  const { colStride } = matrix;
  let at = 0;
  for (const row of rows) {
    const start = matrix.rowOffset(row);
    for (const { first, count } of runs) {
      for (let c = 0, from = start + first * colStride; c < count; c++, from += colStride) out[at + c] = whole[from]!;
      at += count;
    }
  }
}

/** Takes what a piece of a tensor, its elements from `first` on, holds of scattered rows. */
function gatherPiece(
  piece: Float32Array,
  first: number,
  matrix: CanonicalTensor,
  rows: readonly number[],
  runs: readonly ColumnRun[],
  out: Float32Array,
): void {
  let at = 0;
  for (const row of rows) {
    const start = matrix.rowOffset(row);
    for (const run of runs) {
      const lowest = Math.max(run.first, Math.ceil((first - start) / matrix.colStride));
      const end = Math.min(run.first + run.count, Math.ceil((first + piece.length - start) / matrix.colStride));
      for (let column = lowest; column < end; column++) {
        out[at + column - run.first] = piece[start + column * matrix.colStride - first]!;
      }
      at += run.count;
    }
  }
}
