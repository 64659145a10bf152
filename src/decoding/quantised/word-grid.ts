import type { StoredRange } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { wordsOf } from "./words.ts";

/**
 * Of tensors up to this size what lies between the columns that are wanted is read as well: a decoder holds all of them while it
 * reads, and thousands of short pieces cost more than the bytes.
 */
const MOST_READ = 32 << 20;

/** A rectangle of words: rows [top, bottom], columns [left, right], all of them inside. */
export interface Rectangle {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Words of a rectangle, row by row, `stride` words a row. */
export interface Block {
  readonly words: Int32Array;
  readonly stride: number;
}

/** A stored matrix of 32-bit words, `width` a row, of which rectangles are read. */
export interface WordGrid {
  ranges(rectangle: Rectangle): StoredRange[];
  /** Given the bytes of `ranges(rectangle)`. */
  block(stored: readonly Uint8Array[], rectangle: Rectangle): Block;
}

export function wordGrid({ file, begin, end }: Stored, width: number): WordGrid {
  // By the tensor alone, so that what a part needs lies inside of what all needs.
  const isTogether = end - begin <= MOST_READ;
  const rangeOf = (first: number, last: number): StoredRange => ({
    file,
    start: begin + first * 4,
    end: begin + (last + 1) * 4,
  });
  return {
    ranges({ top, bottom, left, right }) {
      if (isTogether) return [rangeOf(top * width + left, bottom * width + right)];
      return Array.from({ length: bottom - top + 1 }, (_, i) =>
        rangeOf((top + i) * width + left, (top + i) * width + right),
      );
    },
    block(stored, { left, right }) {
      if (isTogether) return { words: signed(wordsOf(stored[0]!)), stride: width };
      const stride = right - left + 1;
      const words = new Uint32Array(stored.length * stride);
      stored.forEach((bytes, i) => {
        words.set(wordsOf(bytes), i * stride);
      });
      return { words: signed(words), stride };
    },
  };
}

/** Signed numbers shift faster; whoever reads them masks what a shift leaves. */
function signed({ buffer, byteOffset, length }: Uint32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
