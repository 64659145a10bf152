import { tile } from "./tiles.ts";

/** Codes of 4 bits of rows that stand side by side. */
export interface UprightWords {
  /** How they are packed: by eight inputs, or by eight rows, a word. */
  readonly packed: "inputs" | "rows";
  readonly words: Int32Array;
  /** Words from one to the one below it. */
  readonly stride: number;
  /** Inputs of a row. */
  readonly into: number;
  /** Rows of which there are words: of eight rows in a word all. */
  readonly rows: number;
}

/** A scale and a zero point for each `size` inputs of a row, row by row. */
export interface UprightNumbers {
  readonly size: number;
  readonly groups: number;
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
}

/** Rows that a kernel takes at a time. */
const STEP = { inputs: 4, rows: 8 };
const CODES = 8;
/** Rows whose words are laid out together: of those of one line of a cache none is read again and again. */
const TOGETHER = 32;

/** Whether there is a kernel for rows of this form: of the others the codes are taken one by one. */
export function hasUprightKernel(packed: "inputs" | "rows", into: number, size: number): boolean {
  const multiple = packed === "inputs" ? 4 * CODES : 4;
  return into % multiple === 0 && size % multiple === 0;
}

/**
 * (code - zero) * scale of whole rows.
 *
 * @param numbers of the rows from the first that is read on; zero points are whole
 * @param emit is given the values of a row from an input on; they are good until it returns
 */
export function decodeUpright(
  { packed, words, stride, into, rows }: UprightWords,
  { size, groups, scales, zeros }: UprightNumbers,
  emit: (row: number, input: number, values: Float32Array) => void,
): void {
  const { kernels, stored, storedBytes, values, valueCount, numbers, numberCount } = tile();
  const { arena, exports } = kernels;
  const [step, perWord] = [STEP[packed], packed === "inputs" ? CODES : 1];
  /** Words side by side of the rows that a kernel takes, and of all that are laid out for it together. */
  const [own, across] = packed === "inputs" ? [step, TOGETHER] : [1, TOGETHER / CODES];
  const kernel = packed === "inputs" ? exports.gptqFours : exports.awqFours;
  // Whole groups, so that every piece begins one; a group that is longer begins in the middle.
  const fits = Math.min(valueCount / step, (storedBytes / (across * 4)) * perWord, into);
  const piece = Math.max(Math.floor(fits / (4 * CODES)) * 4 * CODES, Math.min(into, 4 * CODES));
  const perStep = Math.floor(numberCount / 2 / step);
  for (let top = 0; top < rows; top += TOGETHER) {
    const left = packed === "inputs" ? top : top / CODES;
    const width = Math.min(across, stride - left);
    for (let input = 0; input < into; ) {
      const [low, high] = [Math.floor(input / size), Math.min(groups, Math.floor(input / size) + perStep)];
      const count = Math.min(piece, into - input, high * size - input);
      const used = Math.min(high, Math.ceil((input + count) / size)) - low;
      const deep = count / perWord;
      const block = new Int32Array(kernels.memory.buffer, stored, deep * across);
      let from = (input / perWord) * stride + left;
      for (let i = 0; i < deep; i++, from += stride) {
        for (let j = 0; j < width; j++) block[i * across + j] = words[from + j]!;
      }
      const bytes = count * 4;
      const zeroAt = numbers + 4 * step * used;
      const within = (input - low * size) / perWord;
      const held = arena.f32(numbers, 2 * step * used);
      for (let row = top, at = stored; row < Math.min(rows, top + TOGETHER); row += step, at += 4 * own) {
        const last = Math.min(step, rows - row);
        for (let r = 0; r < last; r++) {
          const first = (row + r) * groups + low;
          held.set(scales.subarray(first, first + used), r * used);
          held.set(zeros.subarray(first, first + used), (step + r) * used);
        }
        kernel(at, 4 * across, values, bytes, deep, numbers, zeroAt, 4 * used, within, size / perWord);
        for (let r = 0; r < last; r++) emit(row + r, input, arena.f32(values + r * bytes, count));
      }
      input += count;
    }
  }
}
