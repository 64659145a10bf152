import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { signedWordsOf } from "./words.ts";

/** The bits of a word at which the code of each of its eight columns lies: AWQ interleaves them as 0, 2, 4, 6, 1, 3, 5, 7. */
const SHIFTS = [0, 16, 4, 20, 8, 24, 12, 28];

/** Codes of 4 bits, eight neighbouring columns in a word in AWQ's order. `cols` is a multiple of 8. */
export function awqNumbers({ file, begin }: Stored): Decoder {
  // Rows are whole words, so that nothing needs to know where they end.
  return {
    unit: 1,
    ranges(first, count) {
      const start = begin + Math.floor(first / 8) * 4;
      return [{ file, start, end: begin + Math.ceil((first + count) / 8) * 4 }];
    },
    decode([bytes], first, count, out) {
      const words = signedWordsOf(bytes!);
      let at = 0;
      for (let i = 0; at < count; i++) {
        const word = words[i]!;
        const from = i === 0 ? first % 8 : 0;
        if (from === 0 && at + 8 <= count) {
          out[at] = word & 15;
          out[at + 1] = (word >> 16) & 15;
          out[at + 2] = (word >> 4) & 15;
          out[at + 3] = (word >> 20) & 15;
          out[at + 4] = (word >> 8) & 15;
          out[at + 5] = (word >> 24) & 15;
          out[at + 6] = (word >> 12) & 15;
          out[at + 7] = (word >> 28) & 15;
          at += 8;
          continue;
        }
        for (let k = from; k < 8 && at < count; k++) out[at++] = (word >> SHIFTS[k]!) & 15;
      }
    },
  };
}
