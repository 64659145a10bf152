import { DTYPE_BITS } from "../formats/tensor-info.ts";
import type { DirectDtype } from "./coins.ts";
import { type Kernels, loadKernels } from "./load-kernels.ts";

/** Elements in WebAssembly memory at a time, even. */
const TILE = 1 << 16;
/** Pairs are numbered in 32 bits; where the number overflows, the seed changes. */
const PAIRS = 2 ** 32;

/**
 * Adds `delta` to the elements in `bytes`, in place, with stochastic rounding: element i goes up to the next number of
 * its type with the probability of what nearest rounding would lose, so that sums over many elements come out right (f32:
 * nearest). An element keeps its sign; zeros, subnormals, NaN, infinities, and elements that would become one, stay.
 * The randomness follows from `seed` (four words) and the element's index alone, so any cut gives the same bytes.
 * `bytes` may have any alignment.
 *
 * @param firstIndex index of the first element, a safe integer
 */
export function ditherAdd(
  bytes: Uint8Array,
  dtype: DirectDtype,
  delta: Float32Array,
  seed: Uint32Array,
  firstIndex: number,
): void {
  const kernels = loadKernels();
  const { arena, exports } = kernels;
  const kernel =
    dtype === "BF16" ? exports.ditherAddBf16 : dtype === "F16" ? exports.ditherAddF16 : exports.ditherAddF32;
  const width = DTYPE_BITS[dtype] / 8;
  arena.scope(() => {
    const room = Math.min(delta.length, TILE) + 16;
    const elements = arena.alloc(room * width);
    const deltas = arena.alloc(room * 4);
    const words = arena.alloc(12);
    for (let at = 0; at < delta.length; ) {
      // A leading element that is none completes a pair.
      const odd = (firstIndex + at) % 2;
      const pair = (firstIndex + at - odd) / 2;
      const n = Math.min(TILE, delta.length - at, 2 * (PAIRS - (pair % PAIRS)) - odd);
      const padded = Math.ceil((n + odd) / 8) * 8;
      const values = arena.u8(elements, padded * width).fill(0);
      values.set(bytes.subarray(at * width, (at + n) * width), odd * width);
      arena
        .f32(deltas, padded)
        .fill(0)
        .set(delta.subarray(at, at + n), odd);
      setSeed(kernels, words, seed, Math.floor(pair / PAIRS));
      kernel(elements, deltas, padded, words, pair % PAIRS);
      bytes.set(values.subarray(odd * width, (odd + n) * width), at * width);
      at += n;
    }
  });
}

/** Writes the three words that the kernels take of a seed for pairs [epoch 2^32, (epoch + 1) 2^32). */
function setSeed({ arena }: Kernels, pointer: number, seed: Uint32Array, epoch: number): void {
  arena.u32(pointer, 3).set([(seed[0]! ^ Math.imul(epoch, seed[3]! | 1)) >>> 0, seed[1]!, seed[2]!]);
}

/** One row to be marked: `cols` is a multiple of eight, `firstIndex` the even index of its first element. */
export interface SpreadRowAt {
  readonly pointer: number;
  readonly cols: number;
  /** f32 per column in the order of `toEvenOdd`. */
  readonly scales: number;
  readonly coins: number;
  /** f32 per block. */
  readonly amplitudes: number;
  /** Room for 12 bytes. */
  readonly seedWords: number;
}

/** `ditherAdd` of coin x amplitude of the block x scale of the column to one row in the memory of the kernels. */
export function spreadRowAt(
  kernels: Kernels,
  row: SpreadRowAt,
  dtype: DirectDtype,
  seed: Uint32Array,
  firstIndex: number,
): void {
  const { exports } = kernels;
  const kernel = dtype === "BF16" ? exports.spreadBf16 : dtype === "F16" ? exports.spreadF16 : exports.spreadF32;
  const pair = firstIndex / 2;
  setSeed(kernels, row.seedWords, seed, Math.floor(pair / PAIRS));
  kernel(row.pointer, row.cols, row.scales, row.coins, row.amplitudes, row.seedWords, pair % PAIRS);
}

/** How many elements of every block of a row could be moved by `ditherAdd`: one u32 per block at `out`. */
export function movableAt({ exports }: Kernels, pointer: number, cols: number, dtype: DirectDtype, out: number): void {
  const kernel = dtype === "BF16" ? exports.movableBf16 : dtype === "F16" ? exports.movableF16 : exports.movableF32;
  kernel(pointer, cols, out);
}
