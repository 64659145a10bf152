import type { DirectDtype } from "./coins.ts";
import type { Kernels } from "./load-kernels.ts";

/**
 * Mean square per element below which the sums of squares must not be used. f32 makes squares below 2^-150 zero, while
 * their roots still count in the sum of coin x element: a crafted row could have next to no energy and a large sum. Above
 * this bound no more than 2^-50 of the energy is lost.
 */
export const LEAST_SQUARE = 2 ** -100;

/** Rows in the memory of the kernels; `stride` is the distance of their first bytes, `cols` a multiple of eight. */
export interface RowsAt {
  readonly pointer: number;
  readonly rows: number;
  readonly stride: number;
  readonly cols: number;
}

/**
 * Per row and block of 256 columns two f32 at `out`: sum and sum of squares of coin x element x factor. `factors` points
 * to f32 in the order of `toEvenOdd`, `coins` to rows of `coinBytesOf` bytes. Eight f32 accumulators per block, so a sum
 * errs by at most 36 x 2^-24 of the sum of absolute terms. NaN and infinities show in
 * the sum of squares.
 */
export function correlateAt(
  { exports }: Kernels,
  { pointer, rows, stride, cols }: RowsAt,
  dtype: DirectDtype,
  factors: number,
  coins: { readonly pointer: number; readonly stride: number },
  out: number,
): void {
  const kernel =
    dtype === "BF16" ? exports.correlateBf16 : dtype === "F16" ? exports.correlateF16 : exports.correlateF32;
  kernel(pointer, rows, stride, cols, factors, coins.pointer, coins.stride, out);
}
