import type { Block } from "./word-grid.ts";

/** Codes of one column of words, the first in the lowest bits. */
export interface BitRun {
  /** Bit of the column of words at which the first code lies. */
  readonly bit: number;
  readonly bits: number;
  readonly count: number;
}

/** Codes of 4 bits. */
export function unpackFours(
  { words, stride }: Block,
  column: number,
  { bit, count }: BitRun,
  out: Float32Array,
  at: number,
) {
  let from = Math.floor(bit / 32) * stride + column;
  let shift = bit % 32;
  let to = at;
  const end = at + count;
  for (; to < end && shift !== 0; to++) {
    out[to] = (words[from]! >> shift) & 15;
    shift = (shift + 4) % 32;
    if (shift === 0) from += stride;
  }
  for (; to + 8 <= end; to += 8, from += stride) {
    const word = words[from]!;
    out[to] = word & 15;
    out[to + 1] = (word >> 4) & 15;
    out[to + 2] = (word >> 8) & 15;
    out[to + 3] = (word >> 12) & 15;
    out[to + 4] = (word >> 16) & 15;
    out[to + 5] = (word >> 20) & 15;
    out[to + 6] = (word >> 24) & 15;
    out[to + 7] = (word >> 28) & 15;
  }
  for (shift = 0; to < end; to++, shift += 4) out[to] = (words[from]! >> shift) & 15;
}

/** Codes of which none lies across two words. */
export function unpackWhole(
  { words, stride }: Block,
  column: number,
  { bit, bits, count }: BitRun,
  out: Float32Array,
  at: number,
) {
  const mask = (1 << bits) - 1;
  const end = at + count;
  let from = Math.floor(bit / 32) * stride + column;
  let shift = bit % 32;
  for (let to = at; to < end; from += stride, shift = 0) {
    const word = words[from]!;
    for (; shift < 32 && to < end; shift += bits) out[to++] = (word >> shift) & mask;
  }
}

/** Codes that may lie across two words. */
export function unpackAny(
  { words, stride }: Block,
  column: number,
  { bit, bits, count }: BitRun,
  out: Float32Array,
  at: number,
) {
  const mask = (1 << bits) - 1;
  let from = Math.floor(bit / 32) * stride + column;
  let shift = bit % 32;
  for (let i = 0; i < count; i++) {
    const low = words[from]! >>> shift;
    const past = shift + bits - 32;
    out[at + i] = (past > 0 ? low | (words[from + stride]! << (32 - shift)) : low) & mask;
    shift += bits;
    if (shift >= 32) {
      shift -= 32;
      from += stride;
    }
  }
}
