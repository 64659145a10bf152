import type { Decoder } from "../decoder.ts";

/** Matrices of at most so many numbers are read whole. */
const SMALL = 1 << 14;
/** Numbers between rows of a power of two: those above one another must not crowd each other out of a cache. */
const PADDING = 16;

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
      const pitch = isSmall ? width : width + PADDING;
      const all = new Float32Array((bottom - top + 1) * pitch);
      if (isSmall) numbers.decode(stored, 0, rows * cols, all);
      else {
        for (let row = top, taken = 0; row <= bottom; row++) {
          const start = row * cols + left;
          const { length } = numbers.ranges(start, width);
          const at = (row - top) * pitch;
          numbers.decode(stored.slice(taken, taken + length), start, width, all.subarray(at, at + width));
          taken += length;
        }
      }
      for (let at = 0; at < count; ) {
        const col = Math.floor((first + at) / rows);
        const end = Math.min(count, (col + 1) * rows - first);
        let from = (first + at - col * rows - top) * pitch + col - left;
        for (; at < end; at++, from += pitch) out[at] = all[from]!;
      }
    },
  };
}
