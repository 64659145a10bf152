import type { Dtype } from "../formats/tensor-info.ts";

/** Columns that are marked and read as one; the last block of a row may have fewer. */
export const BLOCK_COLUMNS = 256;

/** The types whose bytes the watermark kernels read as they are. */
export type DirectDtype = Extract<Dtype, "BF16" | "F16" | "F32">;

export function isDirect(dtype: Dtype): dtype is DirectDtype {
  return dtype === "BF16" || dtype === "F16" || dtype === "F32";
}

export function blocksOf(cols: number): number {
  return Math.ceil(cols / BLOCK_COLUMNS);
}

/**
 * Bytes of keystream that are the signs of one row. 16 of them serve 128 columns; seen as eight little-endian 16-bit words,
 * bit 15 - t of word l is the sign of column 8 t + l, set for -1.
 */
export function coinBytesOf(cols: number): number {
  return blocksOf(cols) * (BLOCK_COLUMNS / 8);
}

/** Even columns of every eight before the odd ones, the order in which the kernels take factors; missing columns are 0. */
export function toEvenOdd(values: Float32Array, target: Float32Array): void {
  target.fill(0, values.length - (values.length % 8));
  for (let j = 0; j < values.length; j++) target[(j & ~7) | ((j & 1) << 2) | ((j & 7) >> 1)] = values[j]!;
}
