import { loadKernels } from "./load-kernels.ts";
import { KEPT_BYTES, keptRoom, tile } from "./tiles.ts";

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
  /** Rows of the words in front of the first that has numbers. */
  readonly before: number;
}

/** Rows that a kernel takes at a time. */
const STEP = { inputs: 4, rows: 8 };
/** Codes of a word. */
const CODES = 8;
/** Rows whose numbers are given to kernels at once. */
const TOGETHER = 32;
/** Rows laid out at once, of long rows fewer: lines of a cache are read whole, and each page of memory seldom. */
const STRIP = 256;
/** Rows whose words are a line of a cache, where rows share words. */
const LINE = 128;
/** Most inputs at a time: the values of eight rows are a tile. */
const PIECE = 4096;
/** Words between rows that are written side by side: those at the same place in each must not crowd each other out of a cache. */
const PADDING = 16;
/** Longest rows of which `TOGETHER` can be laid out. */
const MOST_INPUTS = (KEPT_BYTES * CODES) / TOGETHER / 4 - PADDING;

/** Whether there is a kernel for rows of this form: of the others the codes are taken one by one. */
export function hasUprightKernel(packed: "inputs" | "rows", into: number, size: number): boolean {
  const multiple = packed === "inputs" ? 4 * CODES : 16;
  return into % multiple === 0 && size % multiple === 0 && into <= MOST_INPUTS;
}

/** Rows that stand upright, some of which are laid out in the memory of kernels at a time. */
export class UprightRows {
  readonly #form: UprightWords;
  /** Rows that are laid out at once: a strip. */
  readonly #height: number;
  /** Bytes from the words of eight rows to those of the next, where rows share words. */
  readonly #pitch: number;
  #top = -1;
  /** Not these rows themselves: who is remembered for what was kept must not be held. */
  readonly #mark = {};

  constructor(form: UprightWords) {
    this.#form = form;
    this.#pitch = (form.into + PADDING) * 4;
    const most = Math.min(STRIP, (KEPT_BYTES * CODES) / this.#pitch);
    const line = form.packed === "rows" && most >= LINE ? LINE : TOGETHER;
    this.#height = Math.floor(most / line) * line;
  }

  /**
   * (code - zero) * scale of the values [first, first + count), counted from the first row on.
   *
   * @param numbers zero points are whole, and less than 128
   */
  decode(numbers: UprightNumbers, first: number, count: number, out: Float32Array): void {
    const { into } = this.#form;
    const [low, high] = [Math.floor(first / into), Math.floor((first + count - 1) / into)];
    for (let row = low - (low % TOGETHER); row <= high; row += TOGETHER) this.#rows(row, numbers, first, count, out);
  }

  /** Those of `TOGETHER` rows from `row` on. */
  #rows(row: number, numbers: UprightNumbers, first: number, count: number, out: Float32Array): void {
    const top = Math.floor(row / this.#height) * this.#height;
    const strip = this.#layOut(top);
    const { packed, into } = this.#form;
    const { size } = numbers;
    const { kernels, values, numbers: scaleAt, numberCount } = tile();
    const { exports, arena, memory } = kernels;
    const step = STEP[packed];
    const mostGroups = Math.floor(numberCount / 2 / TOGETHER);
    const [low, high] = [Math.max(row, Math.floor(first / into)), Math.floor((first + count - 1) / into)];
    for (let left = 0, right = 0; left < into; left = right) {
      const group = left / size;
      right = Math.min(into, left + mostGroups * size);
      const used = Math.ceil(right / size) - group;
      const zeroAt = scaleAt + 4 * TOGETHER * used;
      giveNumbers(arena.f32(scaleAt, 2 * TOGETHER * used), numbers, row, group, used);
      const lowered = exports.readyUpright(scaleAt, zeroAt, TOGETHER * used);
      for (let r = low - ((low - row) % step); r < row + TOGETHER && r <= high; r += step) {
        const at = r * into - first;
        const isDirect = out.buffer === memory.buffer && at >= 0 && at + step * into <= count;
        for (let input = left, n = 0; input < right; input += n) {
          n = Math.min(isDirect ? right : PIECE, right - input);
          const to = isDirect ? out.byteOffset + (at + input) * 4 : values;
          const bytes = (isDirect ? into : n) * 4;
          const before = Math.floor(input / size) - group;
          const own = 4 * ((r - row) * used + before);
          const within = input - (group + before) * size;
          if (packed === "rows") {
            const from = strip + ((r - top) / CODES) * this.#pitch + input * 4;
            const [scales, zeros] = [scaleAt + own, zeroAt + own];
            exports.awqEights(from, to, bytes, n, scales, zeros, 4 * used, within, size, lowered);
          } else {
            const line = this.#height * 4;
            const from = strip + (input / CODES) * line + (r - top) * 4;
            const [scales, zeros, words] = [scaleAt + own, zeroAt + own, n / CODES];
            const [index, perGroup] = [within / CODES, size / CODES];
            exports.gptqFours(from, line, to, bytes, words, scales, zeros, 4 * used, index, perGroup, lowered);
          }
          if (isDirect) continue;
          for (let i = 0; i < step; i++) {
            const place = at + i * into + input;
            const [from, end] = [Math.max(0, -place), Math.min(n, count - place)];
            if (from < end) out.set(arena.f32(values + i * bytes + from * 4, end - from), place + from);
          }
        }
      }
    }
  }

  /** The address of the strip that begins with row `top`. */
  #layOut(top: number): number {
    const { address, isKept } = keptRoom(this.#mark);
    if (isKept && this.#top === top) return address;
    this.#top = top;
    const { packed, words, stride, into, rows } = this.#form;
    const strip = new Int32Array(loadKernels().memory.buffer, address, KEPT_BYTES / 4);
    const height = Math.min(this.#height, rows - top);
    if (packed === "inputs") {
      for (let i = 0, from = top; i < into / CODES; i++, from += stride) {
        strip.set(words.subarray(from, from + height), i * this.#height);
      }
    } else turned(words, top / CODES, stride, into, Math.ceil(height / CODES), strip, this.#pitch / 4);
    return address;
  }
}

/** Columns of words as rows, `pitch` words apart. */
function turned(
  words: Int32Array,
  left: number,
  stride: number,
  deep: number,
  columns: number,
  rows: Int32Array,
  pitch: number,
): void {
  for (let i = 0; i < deep; i += 8) {
    for (let column = 0; column < columns; column++) {
      const from = i * stride + left + column;
      const to = column * pitch + i;
      // A turn of a loop for each word costs more than the word.
      rows[to] = words[from]!;
      rows[to + 1] = words[from + stride]!;
      rows[to + 2] = words[from + 2 * stride]!;
      rows[to + 3] = words[from + 3 * stride]!;
      rows[to + 4] = words[from + 4 * stride]!;
      rows[to + 5] = words[from + 5 * stride]!;
      rows[to + 6] = words[from + 6 * stride]!;
      rows[to + 7] = words[from + 7 * stride]!;
    }
  }
}

/** Scales and then zero points of `used` groups of `TOGETHER` rows; rows that have none are never looked at. */
function giveNumbers(
  held: Float32Array,
  { groups, scales, zeros, before }: UprightNumbers,
  row: number,
  group: number,
  used: number,
): void {
  const rows = scales.length / groups;
  const [from, end] = [Math.max(0, before - row), Math.min(TOGETHER, before + rows - row)];
  const half = TOGETHER * used;
  if (from > 0 || end < TOGETHER) held.fill(0);
  if (used === groups) {
    const [low, high] = [(row + from - before) * groups, (row + end - before) * groups];
    held.set(scales.subarray(low, high), from * groups);
    held.set(zeros.subarray(low, high), half + from * groups);
    return;
  }
  for (let r = from; r < end; r++) {
    const at = (row + r - before) * groups + group;
    held.set(scales.subarray(at, at + used), r * used);
    held.set(zeros.subarray(at, at + used), half + r * used);
  }
}
