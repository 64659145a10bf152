import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { wordsOf } from "./words.ts";

/**
 * Codes that are packed into 32-bit words along columns: word (i, c) begins with the code of row 32 i / bits and column c,
 * and a code may lie across two words that stand above one another. GPTQ packs weights so, compressed-tensors zero points.
 *
 * @param perWord codes of a word where the bits that are left over stay empty, null where nothing is left empty
 */
export function packedColumns(tensor: Stored, cols: number, bits: number, perWord: number | null = null): Decoder {
  const { file, begin } = tensor;
  const wordRow = (row: number): number =>
    perWord === null ? Math.floor((row * bits) / 32) : Math.floor(row / perWord);
  const lastWordRow = (row: number): number =>
    perWord === null ? Math.floor(((row + 1) * bits - 1) / 32) : wordRow(row);
  /** The words [start, end), from the first that is needed: of one row its columns alone, of several whole rows. */
  const spanOf = (first: number, count: number): readonly [start: number, end: number] => {
    const last = first + count - 1;
    const [a, b] = [Math.floor(first / cols), Math.floor(last / cols)];
    const [low, high] = [wordRow(a), lastWordRow(b)];
    return low === high && a === b
      ? [low * cols + (first - a * cols), low * cols + (last - a * cols) + 1]
      : [low * cols, (high + 1) * cols];
  };
  return {
    unit: 1,
    ranges(first, count) {
      const [start, end] = spanOf(first, count);
      return [{ file, start: begin + start * 4, end: begin + end * 4 }];
    },
    decode([bytes], first, count, out) {
      const words = wordsOf(bytes!);
      const [base] = spanOf(first, count);
      const mask = (1 << bits) - 1;
      for (let at = 0; at < count; ) {
        const row = Math.floor((first + at) / cols);
        const from = first + at - row * cols;
        const n = Math.min(cols - from, count - at);
        const low = wordRow(row);
        const shift = perWord === null ? (row * bits) % 32 : (row % perWord) * bits;
        const start = low * cols + from - base;
        if (lastWordRow(row) === low) {
          for (let i = 0; i < n; i++) out[at + i] = (words[start + i]! >>> shift) & mask;
        } else {
          const rest = 32 - shift;
          for (let i = 0; i < n; i++) {
            out[at + i] = ((words[start + i]! >>> shift) | (words[start + cols + i]! << rest)) & mask;
          }
        }
        at += n;
      }
    },
  };
}
