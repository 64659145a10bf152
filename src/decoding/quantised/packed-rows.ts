import type { Decoder } from "../decoder.ts";
import { nibbleRows, type PackedRows } from "./nibble-rows.ts";

/**
 * Codes of 1 to 8 bits, packed along rows without gaps: a code may lie across bytes and words. Little-endian words of any
 * width are the same as the bytes they consist of.
 */
export function packedRows(packed: PackedRows): Decoder {
  const { tensor, cols, bits, rowBytes, table } = packed;
  if (bits === 4) return nibbleRows(packed);
  const { file, begin } = tensor;
  const values = table ?? Float32Array.from({ length: 1 << bits }, (_, code) => code);
  /** Bytes [start, end) around columns [from, to) of a row. */
  const spanOf = (row: number, from: number, to: number): readonly [number, number] => [
    row * rowBytes + Math.floor((from * bits) / 8),
    row * rowBytes + Math.ceil((to * bits) / 8),
  ];
  const boundsOf = (first: number, count: number): readonly [number, number] => {
    const last = first + count - 1;
    const [rowA, rowB] = [Math.floor(first / cols), Math.floor(last / cols)];
    return [spanOf(rowA, first - rowA * cols, cols)[0], spanOf(rowB, 0, last - rowB * cols + 1)[1]];
  };
  return {
    unit: 1,
    ranges(first, count) {
      const [start, end] = boundsOf(first, count);
      return [{ file, start: begin + start, end: begin + end }];
    },
    decode([bytes], first, count, out) {
      const [base] = boundsOf(first, count);
      for (let at = 0; at < count; ) {
        const row = Math.floor((first + at) / cols);
        const from = first + at - row * cols;
        const n = Math.min(cols - from, count - at);
        const [start, end] = spanOf(row, from, from + n);
        unpack(bytes!.subarray(start - base, end - base), from, bits, values, out.subarray(at, at + n));
        at += n;
      }
    },
  };
}

/** Codes from column `from` on, of which the first byte holds the first. */
function unpack(bytes: Uint8Array, from: number, bits: number, values: Float32Array, out: Float32Array): void {
  const mask = (1 << bits) - 1;
  let bit = (from * bits) % 8;
  for (let at = 0; at < out.length; at++, bit += bits) {
    const i = bit >>> 3;
    // A code of at most 8 bits lies in two bytes; the second is not there at the end.
    const two = bytes[i]! | ((bytes[i + 1] ?? 0) << 8);
    out[at] = values[(two >>> (bit & 7)) & mask]!;
  }
}
