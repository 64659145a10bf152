import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { wordsOf } from "./words.ts";

/** Codes of which as many whole ones stand in a word as fit, from the lowest bits on; rows begin with a word. */
export interface SpacedCodes {
  readonly tensor: Stored;
  readonly cols: number;
  readonly bits: number;
  readonly perWord: number;
  /** Words of a row. */
  readonly words: number;
  /** What a code stands for. */
  readonly table: Float32Array;
}

export function spacedCodes({ tensor, cols, bits, perWord, words: width, table }: SpacedCodes): Decoder {
  const wordOf = (element: number): number => {
    const row = Math.floor(element / cols);
    return row * width + Math.floor((element - row * cols) / perWord);
  };
  return {
    unit: 1,
    ranges(first, count) {
      const start = tensor.begin + wordOf(first) * 4;
      return [{ file: tensor.file, start, end: tensor.begin + (wordOf(first + count - 1) + 1) * 4 }];
    },
    decode([bytes], first, count, out) {
      const words = wordsOf(bytes!);
      const base = wordOf(first);
      const mask = (1 << bits) - 1;
      let row = Math.floor(first / cols);
      let col = first - row * cols;
      for (let at = 0; at < count; at++) {
        const word = words[row * width + Math.floor(col / perWord) - base]!;
        out[at] = table[(word >>> ((col % perWord) * bits)) & mask]!;
        if (++col === cols) {
          col = 0;
          row += 1;
        }
      }
    },
  };
}
