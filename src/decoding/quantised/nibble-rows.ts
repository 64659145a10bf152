import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";

/** Where codes of a few bits lie that follow one another within a row, the first in the lowest bits. */
export interface PackedRows {
  readonly tensor: Stored;
  readonly cols: number;
  readonly bits: number;
  /** Bytes of a row: more than its codes need where it ends within a word. */
  readonly rowBytes: number;
  /** What a code stands for. @default its number */
  readonly table?: Float32Array | undefined;
  /** Of the two codes of a byte the first lies in the high bits; for codes of 4 bits. @default false */
  readonly highFirst?: boolean | undefined;
}

/** Neighbours in a row. */
export interface Cells {
  readonly row: number;
  readonly col: number;
  readonly count: number;
}

/**
 * Codes of 4 bits that can be unpacked by any table: sixteen products for a block are less than one for each of its values.
 */
export interface NibbleRows extends Decoder {
  /** What the codes stand for where no other table is given. */
  readonly table: Float32Array;
  /** Of the two codes of a byte the first lies in the high bits. */
  readonly highFirst: boolean;
  /** Where the byte of a code lies in the bytes of `ranges(first, ...)`. */
  byteAt(first: number, row: number, col: number): number;
  /** Unpacks neighbours out of the bytes of `ranges(first, ...)` to `out`, from `at` on. */
  unpack(bytes: Uint8Array, first: number, cells: Cells, table: Float32Array, out: Float32Array, at: number): void;
}

export function isNibbleRows(decoder: Decoder): decoder is NibbleRows {
  return "unpack" in decoder;
}

/** `packedRows` of 4 bits: two codes a byte, and none across bytes. */
export function nibbleRows({ tensor, cols, rowBytes, table, highFirst = false }: PackedRows): NibbleRows {
  const { file, begin } = tensor;
  const values = table ?? Float32Array.from({ length: 16 }, (_, code) => code);
  const [early, late] = highFirst ? [4, 0] : [0, 4];
  const byteOf = (element: number): number => {
    const row = Math.floor(element / cols);
    return row * rowBytes + Math.floor((element - row * cols) / 2);
  };
  const unpack: NibbleRows["unpack"] = (bytes, first, { row, col, count }, by, out, at) => {
    let i = row * rowBytes + Math.floor(col / 2) - byteOf(first);
    let to = at;
    const end = at + count;
    if (col % 2 === 1) out[to++] = by[(bytes[i++]! >> late) & 15]!;
    // One loop each: constant shifts are worth a fifth of the time.
    if (highFirst) {
      for (; to + 1 < end; to += 2, i++) {
        const byte = bytes[i]!;
        out[to] = by[byte >> 4]!;
        out[to + 1] = by[byte & 15]!;
      }
    } else {
      for (; to + 1 < end; to += 2, i++) {
        const byte = bytes[i]!;
        out[to] = by[byte & 15]!;
        out[to + 1] = by[byte >> 4]!;
      }
    }
    if (to < end) out[to] = by[(bytes[i]! >> early) & 15]!;
  };
  return {
    unit: 1,
    table: values,
    highFirst,
    byteAt: (first, row, col) => row * rowBytes + Math.floor(col / 2) - byteOf(first),
    unpack,
    ranges: (first, count) => [{ file, start: begin + byteOf(first), end: begin + byteOf(first + count - 1) + 1 }],
    decode([bytes], first, count, out) {
      for (let at = 0; at < count; ) {
        const row = Math.floor((first + at) / cols);
        const col = first + at - row * cols;
        const n = Math.min(cols - col, count - at);
        unpack(bytes!, first, { row, col, count: n }, values, out, at);
        at += n;
      }
    },
  };
}
