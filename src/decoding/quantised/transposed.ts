import type { Decoder } from "../decoder.ts";
import { numbersOf } from "./numbers.ts";

/** Matrices of at most so many numbers are read whole. */
const SMALL = 1 << 14;

/** Numbers of a stored matrix [rows, cols] as [cols, rows]: of scales, which are few. */
export function transposed(numbers: Decoder, rows: number, cols: number): Decoder {
  const isSmall = rows * cols <= SMALL;
  /** What is read of each of the stored rows [top, bottom]: their columns from `left` on. */
  const partOf = (first: number, count: number) => {
    const last = first + count - 1;
    const [left, right] = [Math.floor(first / rows), Math.floor(last / rows)];
    if (isSmall) return { left: 0, width: cols, top: 0, bottom: rows - 1 };
    const isOne = left === right;
    return {
      left,
      width: right - left + 1,
      top: isOne ? first - left * rows : 0,
      bottom: isOne ? last - left * rows : rows - 1,
    };
  };
  return {
    unit: 1,
    ranges(first, count) {
      if (isSmall) return numbers.ranges(0, rows * cols);
      const { left, width, top, bottom } = partOf(first, count);
      return Array.from({ length: bottom - top + 1 }, (_, i) => numbers.ranges((top + i) * cols + left, width)).flat();
    },
    decode(stored, first, count, out) {
      const { left, width, top, bottom } = partOf(first, count);
      const read: Float32Array[] = [];
      if (isSmall) {
        const all = numbersOf(numbers, stored, 0, rows * cols);
        for (let row = 0; row < rows; row++) read.push(all.subarray(row * cols, (row + 1) * cols));
      } else {
        let taken = 0;
        for (let row = top; row <= bottom; row++) {
          const start = row * cols + left;
          const { length } = numbers.ranges(start, width);
          read.push(numbersOf(numbers, stored.slice(taken, taken + length), start, width));
          taken += length;
        }
      }
      for (let i = 0; i < count; i++) {
        const col = Math.floor((first + i) / rows);
        out[i] = read[first + i - col * rows - top]![col - left]!;
      }
    },
  };
}
