import { setImmediate } from "node:timers/promises";
import type { CanonicalTensor, Gain } from "../anatomy/anatomy.ts";
import { isSync } from "../bytes/byte-source.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { decodeToF32 } from "../kernels/decode.ts";
import type { ColumnRun } from "./sampling.ts";

/** Element types whose values are weights. Integers are quantisation codes or indices: their values mean nothing alone. */
const VALUE_DTYPES: ReadonlySet<Dtype> = new Set<Dtype>([
  "F64",
  "F32",
  "F16",
  "BF16",
  "F8_E4M3",
  "F8_E5M2",
  "F8_E4M3FNUZ",
  "F8_E5M2FNUZ",
]);

/** Masks, positions and indices: no weights under any reading. */
const INDEX_DTYPES: ReadonlySet<Dtype> = new Set<Dtype>(["BOOL", "I64", "U64"]);

/** Transposed storage scatters a row over the whole tensor: tensors up to this size are kept while their views are read. */
const WHOLE_TENSOR_CACHE = 64 << 20;
const PIECE = 1 << 20;
const MAX_GAINS = 64;

export function holdsValues(dtype: Dtype): boolean {
  return VALUE_DTYPES.has(dtype);
}

/** Whether elements are codes of weights (packed, quantised, block scales): content, but no numbers to compare. */
export function holdsCodes(dtype: Dtype): boolean {
  return !holdsValues(dtype) && !INDEX_DTYPES.has(dtype);
}

function elementCount(tensor: CheckpointTensor): number {
  return tensor.shape.reduce((a, b) => a * b, 1);
}

/** Reads canonical rows of a checkpoint as f32 and counts the bytes it fetched. */
export class RowReader {
  bytesRead = 0;
  readonly #checkpoint: Checkpoint;
  readonly #cacheBytes: number;
  readonly #gains = new Map<string, Promise<Float32Array | null>>();
  #whole: { name: string; values: Promise<Float32Array> } | null = null;

  /** Transposed tensors above `cacheBytes` are gathered in pieces instead of held. */
  constructor(checkpoint: Checkpoint, cacheBytes: number = WHOLE_TENSOR_CACHE) {
    this.#checkpoint = checkpoint;
    this.#cacheBytes = cacheBytes;
  }

  /** Elements [first, first + count) of a stored tensor, in storage order. */
  async elements(name: string, first: number, count: number): Promise<Float32Array> {
    const tensor = this.#tensor(name);
    const width = DTYPE_BITS[tensor.dtype] / 8;
    const begin = tensor.begin + first * width;
    return decodeToF32(await this.#bytes(tensor, begin, begin + count * width), tensor.dtype);
  }

  /** Stored bytes [first, first + count) of a tensor. */
  async bytes(name: string, first: number, count: number): Promise<Uint8Array> {
    const tensor = this.#tensor(name);
    return this.#bytes(tensor, tensor.begin + first, tensor.begin + first + count);
  }

  /** The given rows of a canonical matrix before any gain: rows.length x cols, or only the given columns of them. */
  async rows(matrix: CanonicalTensor, rows: readonly number[], columns?: readonly ColumnRun[]): Promise<Float32Array> {
    const runs = columns ?? [{ first: 0, count: matrix.cols }];
    const width = runs.reduce((n, run) => n + run.count, 0);
    const out = new Float32Array(rows.length * width);
    if (matrix.colStride !== 1 && !this.#fitsCache(matrix.tensor)) {
      await this.#gather(matrix, rows, runs, out);
      return out;
    }
    const whole = matrix.colStride === 1 ? null : await this.#wholeTensor(matrix.tensor);
    // Neighbouring rows are one read where all of their columns are wanted.
    const adjoin = whole === null && width === matrix.cols;
    for (let i = 0, at = 0; i < rows.length; ) {
      const start = matrix.rowOffset(rows[i]!);
      let j = i + 1;
      while (adjoin && j < rows.length && matrix.rowOffset(rows[j]!) === start + (j - i) * width) j++;
      for (const { first, count } of runs) {
        const length = (j - i) * count;
        if (whole === null) out.set(await this.elements(matrix.tensor, start + first, length), at);
        else for (let c = 0; c < length; c++) out[at + c] = whole[start + (first + c) * matrix.colStride]!;
        at += length;
      }
      i = j;
    }
    return out;
  }

  /** The vector a gain multiplies with (1 + w applied), or null when it does not fit the matrix. */
  async gain(gain: Gain | null, cols: number): Promise<Float32Array | null> {
    if (gain === null) return null;
    const tensor = this.#checkpoint.tensors.get(gain.tensor);
    if (!tensor || !holdsValues(tensor.dtype) || tensor.shape.length !== 1 || tensor.shape[0] !== cols) return null;
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

  #fitsCache(name: string): boolean {
    const tensor = this.#tensor(name);
    return tensor.end - tensor.begin <= this.#cacheBytes;
  }

  #wholeTensor(name: string): Promise<Float32Array> {
    if (this.#whole?.name === name) return this.#whole.values;
    const values = this.elements(name, 0, elementCount(this.#tensor(name)));
    this.#whole = { name, values };
    return values;
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
    for (let first = 0; first < total; first += step) {
      // A hundred gigabytes of synchronous reads must leave signals their turn.
      await setImmediate();
      const piece = await this.elements(tensor.name, first, Math.min(step, total - first));
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
  }

  async #bytes(tensor: CheckpointTensor, begin: number, end: number): Promise<Uint8Array> {
    const source = this.#checkpoint.files[tensor.file]!.source;
    this.bytesRead += end - begin;
    if (!isSync(source)) return source.read(begin, end);
    const target = new Uint8Array(end - begin);
    source.readIntoSync(target, begin);
    return target;
  }

  #tensor(name: string): CheckpointTensor {
    return this.#checkpoint.tensors.get(name)!;
  }
}
