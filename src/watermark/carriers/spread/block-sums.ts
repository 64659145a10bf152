import { DTYPE_BITS, type Dtype } from "../../../formats/tensor-info.ts";
import { BLOCK_COLUMNS, blocksOf, coinBytesOf, type DirectDtype, isDirect, toEvenOdd } from "../../../kernels/coins.ts";
import { correlateAt, LEAST_SQUARE } from "../../../kernels/correlate.ts";
import { decodeToF32 } from "../../../kernels/decode.ts";
import { movableAt } from "../../../kernels/dither.ts";
import type { Kernels } from "../../../kernels/load-kernels.ts";
import type { Keystream } from "../../key/keystream.ts";

/** Blocks of consecutive rows in Sinkhorn form: row by row, `blocks` to a row. Valid until the next rows are read. */
export interface BlockSums {
  readonly blocks: number;
  /** Sum of coin * A per block. */
  readonly sums: Float64Array;
  /** Sum of A^2 per block. */
  readonly squares: Float64Array;
  /** RMS of every row after division by the column scales: what divides it to give A. 0 for dead rows. */
  readonly rowScales: Float64Array;
}

/** What one matrix is read with. */
export interface BlockReaderOptions {
  readonly cols: number;
  /** 1 / c_j with signs, see `columnFactors`. */
  readonly factors: Float32Array;
  /** Keystream of the signs, entered at row * `coinBytesOf(cols)`. */
  readonly coins: Keystream;
  /** Rows handed over at a time, at most. */
  readonly maxRows: number;
}

/**
 * Reads rows of one matrix block by block. Elements that are not finite count as 0; rows whose sum of squares overflows
 * f32, or is so small that f32 loses part of it, are dead. Memory belongs to the arena: make it inside a scope.
 */
export class BlockReader {
  readonly cols: number;
  readonly blocks: number;
  /** Address of the coins of the rows read last, `coinBytesOf(cols)` each. */
  readonly coins: number;
  readonly #kernels: Kernels;
  readonly #stream: Keystream;
  readonly #factors: number;
  readonly #out: number;
  readonly #scratch: number;
  readonly #padded: number;
  readonly #result: { sums: Float64Array; squares: Float64Array; rowScales: Float64Array };

  constructor(kernels: Kernels, { cols, factors, coins, maxRows }: BlockReaderOptions) {
    const { arena } = kernels;
    this.#kernels = kernels;
    this.cols = cols;
    this.blocks = blocksOf(cols);
    this.#padded = Math.ceil(cols / 8) * 8;
    this.#stream = coins;
    this.coins = arena.alloc(maxRows * coinBytesOf(cols));
    this.#factors = arena.alloc(this.#padded * 4);
    this.#out = arena.alloc(maxRows * this.blocks * 8);
    this.#scratch = arena.alloc(this.#padded * 4);
    toEvenOdd(factors, arena.f32(this.#factors, this.#padded));
    this.#result = {
      sums: new Float64Array(maxRows * this.blocks),
      squares: new Float64Array(maxRows * this.blocks),
      rowScales: new Float64Array(maxRows),
    };
  }

  /** Loads the coins of rows [first, first + count). */
  loadCoins(first: number, count: number): void {
    const bytes = coinBytesOf(this.cols);
    this.#stream.fill(this.#kernels.arena.u8(this.coins, count * bytes), first * bytes);
  }

  /**
   * Rows [first, first + count) of the matrix, stored one after the other at `pointer` in the memory of the kernels, their
   * coins loaded. `rowSigns`, of the whole matrix, multiply them.
   */
  read(pointer: number, first: number, count: number, dtype: Dtype, rowSigns: Int8Array | null): BlockSums {
    const { arena } = this.#kernels;
    const { cols, blocks } = this;
    const stride = (cols * DTYPE_BITS[dtype]) / 8;
    const direct = isDirect(dtype) && cols % 8 === 0;
    if (direct) this.#correlate(pointer, count, stride, dtype, 0);
    else for (let i = 0; i < count; i++) this.#correlateDecoded(pointer + i * stride, stride, dtype, i, false);
    let out = arena.f32(this.#out, count * blocks * 2);
    const { sums, squares, rowScales } = this.#result;
    for (let i = 0; i < count; i++) {
      let total = totalSquares(out, i, blocks);
      if (!Number.isFinite(total)) {
        this.#correlateDecoded(pointer + i * stride, stride, dtype, i, true);
        out = arena.f32(this.#out, count * blocks * 2);
        total = totalSquares(out, i, blocks);
      }
      const scale = total >= cols * LEAST_SQUARE && Number.isFinite(total) ? Math.sqrt(total / cols) : 0;
      rowScales[i] = scale;
      const inverse = scale > 0 ? 1 / scale : 0;
      const signed = rowSigns !== null && rowSigns[first + i]! < 0 ? -inverse : inverse;
      // What overflowed must not come back as infinity times zero.
      if (scale === 0) out.fill(0, 2 * i * blocks, 2 * (i + 1) * blocks);
      for (let b = i * blocks; b < (i + 1) * blocks; b++) {
        sums[b] = signed * out[2 * b]!;
        squares[b] = out[2 * b + 1]! * inverse * inverse;
      }
    }
    return { blocks, sums, squares, rowScales };
  }

  /** How many weights of every block can be moved, row by row as in `BlockSums`. */
  movable(pointer: number, count: number, dtype: DirectDtype, target: Uint32Array): void {
    const { arena } = this.#kernels;
    const stride = (this.cols * DTYPE_BITS[dtype]) / 8;
    for (let i = 0; i < count; i++) {
      const out = this.#out + i * this.blocks * 4;
      if (this.cols % 8 === 0) movableAt(this.#kernels, pointer + i * stride, this.cols, dtype, out);
      else {
        // Behind the row stand zeros, which cannot move.
        const bytes = arena.u8(this.#scratch, (this.#padded * DTYPE_BITS[dtype]) / 8).fill(0);
        bytes.set(arena.u8(pointer + i * stride, stride));
        movableAt(this.#kernels, this.#scratch, this.#padded, dtype, out);
      }
    }
    target.set(arena.u32(this.#out, count * this.blocks));
  }

  #correlate(pointer: number, rows: number, stride: number, dtype: DirectDtype, at: number): void {
    const cols = this.#padded;
    const bytes = coinBytesOf(this.cols);
    const coins = { pointer: this.coins + at * bytes, stride: bytes };
    const out = this.#out + at * this.blocks * 8;
    correlateAt(this.#kernels, { pointer, rows, stride, cols }, dtype, this.#factors, coins, out);
  }

  /** Row `at` of those being read by way of f32; the kernel sees the same values in the same order. */
  #correlateDecoded(pointer: number, bytes: number, dtype: Dtype, at: number, finiteOnly: boolean): void {
    const { arena } = this.#kernels;
    const stored = arena.u8(pointer, bytes);
    // A copy: decoding may grow the memory and detach the view.
    const values = dtype === "I8" ? fromInt8(stored) : decodeToF32(stored.slice(), dtype);
    if (finiteOnly) for (let j = 0; j < values.length; j++) if (!Number.isFinite(values[j])) values[j] = 0;
    arena.f32(this.#scratch, this.#padded).fill(0).set(values);
    this.#correlate(this.#scratch, 1, this.#padded * 4, "F32", at);
  }
}

/** The engine converts whole arrays many times faster than a decoder goes through them. */
function fromInt8({ buffer, byteOffset, length }: Uint8Array): Float32Array {
  return new Float32Array(new Int8Array(buffer, byteOffset, length));
}

function totalSquares(out: Float32Array, row: number, blocks: number): number {
  let total = 0;
  for (let b = row * blocks; b < (row + 1) * blocks; b++) total += out[2 * b + 1]!;
  return total;
}

/** Weights of block `b` of a row. */
export function blockWidth(cols: number, b: number): number {
  return Math.min(BLOCK_COLUMNS, cols - b * BLOCK_COLUMNS);
}
