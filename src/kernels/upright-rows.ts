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
  /** Rows of the words in front of the first that has numbers. */
  readonly before: number;
}

/** Rows that a kernel takes at a time. */
const STEP = { inputs: 4, rows: 8 };
/** Codes of a word. */
const CODES = 8;
/** Rows whose words and numbers are given to kernels at once. */
const TOGETHER = 32;
/** Rows that are laid out at once, of long rows fewer: whole lines of a cache are read, and less of the memory's map is needed. */
const STRIP = 128;
const STRIP_BYTES = 1 << 22;
/** Most inputs at a time: of `TOGETHER` rows the words of so many are a tile, and of eight the values. */
const PIECE = 4096;
/** Words between columns that are written side by side: those at the same place in each must not crowd each other out of a cache. */
const PADDING = 16;

/** Whether there is a kernel for rows of this form: of the others the codes are taken one by one. */
export function hasUprightKernel(packed: "inputs" | "rows", into: number, size: number): boolean {
  const multiple = packed === "inputs" ? 4 * CODES : 16;
  return into % multiple === 0 && size % multiple === 0;
}

/** Rows that stand upright, laid out as kernels take them some at a time. Memory: `STRIP_BYTES`, or the words of 32 rows. */
export class UprightRows {
  readonly #form: UprightWords;
  /** Rows of a strip. */
  readonly #height: number;
  /** Words from one part of a strip to the next: 32 columns of words, or a single one. */
  readonly #pitch: number;
  readonly #strip: Int32Array;
  #top = -1;

  constructor(form: UprightWords) {
    this.#form = form;
    const { packed, into } = form;
    const most = Math.floor((STRIP_BYTES * 2) / into / TOGETHER) * TOGETHER;
    this.#height = Math.max(TOGETHER, Math.min(STRIP, most));
    const parts = this.#height / (packed === "inputs" ? TOGETHER : CODES);
    this.#pitch = (packed === "inputs" ? (into / CODES) * TOGETHER : into) + PADDING;
    this.#strip = new Int32Array(parts * this.#pitch);
  }

  /**
   * (code - zero) * scale of the values [first, first + count), counted from the first row on.
   *
   * @param numbers zero points are whole, and less than 128
   */
  decode(numbers: UprightNumbers, first: number, count: number, out: Float32Array): void {
    const { into } = this.#form;
    const last = Math.floor((first + count - 1) / into);
    const top = Math.floor(Math.floor(first / into) / TOGETHER) * TOGETHER;
    for (let row = top; row <= last; row += TOGETHER) this.#rows(row, numbers, first, count, out);
  }

  /** Those of `TOGETHER` rows from `row` on. */
  #rows(row: number, numbers: UprightNumbers, first: number, count: number, out: Float32Array): void {
    this.#layOut(Math.floor(row / this.#height) * this.#height);
    const { packed, into } = this.#form;
    const { size } = numbers;
    const { kernels, values, numbers: scaleAt, numberCount } = tile();
    const { exports, arena, memory } = kernels;
    const step = STEP[packed];
    const mostGroups = Math.floor(numberCount / 2 / TOGETHER);
    const [low, high] = [Math.max(row, Math.floor(first / into)), Math.floor((first + count - 1) / into)];
    for (let input = 0; input < into; ) {
      const group = Math.floor(input / size);
      const n = Math.min(PIECE, into - input, (group + mostGroups) * size - input);
      const used = Math.ceil((input + n) / size) - group;
      const zeroAt = scaleAt + 4 * TOGETHER * used;
      this.#giveWords(row, input, n);
      giveNumbers(arena.f32(scaleAt, 2 * TOGETHER * used), numbers, row, group, used);
      const lowered = exports.readyUpright(scaleAt, zeroAt, TOGETHER * used);
      const within = input - group * size;
      for (let r = Math.floor((low - row) / step) * step; r < TOGETHER && row + r <= high; r += step) {
        const at = (row + r) * into + input - first;
        const isDirect = out.buffer === memory.buffer && at >= 0 && at + (step - 1) * into + n <= count;
        const to = isDirect ? out.byteOffset + at * 4 : values;
        const bytes = (isDirect ? into : n) * 4;
        this.#run(r, n, to, bytes, scaleAt + 4 * r * used, zeroAt + 4 * r * used, 4 * used, within, size, lowered);
        if (isDirect) continue;
        for (let i = 0; i < step; i++) {
          const place = at + i * into;
          const [from, end] = [Math.max(0, -place), Math.min(n, count - place)];
          if (from < end) out.set(arena.f32(values + i * bytes + from * 4, end - from), place + from);
        }
      }
      input += n;
    }
  }

  #run(
    row: number,
    n: number,
    to: number,
    out: number,
    scales: number,
    zeros: number,
    groupStride: number,
    within: number,
    size: number,
    lowered: number,
  ): void {
    const { kernels, stored } = tile();
    const { exports } = kernels;
    if (this.#form.packed === "rows") {
      exports.awqEights(stored + (row / CODES) * n * 4, to, out, n, scales, zeros, groupStride, within, size, lowered);
      return;
    }
    const [deep, at, perGroup] = [n / CODES, within / CODES, size / CODES];
    const stride = 4 * TOGETHER;
    exports.gptqFours(stored + 4 * row, stride, to, out, deep, scales, zeros, groupStride, at, perGroup, lowered);
  }

  /** The words of inputs [input, input + n) of `TOGETHER` rows to the memory of kernels. */
  #giveWords(row: number, input: number, n: number): void {
    const { kernels, stored } = tile();
    const target = new Int32Array(kernels.memory.buffer, stored, (n / CODES) * TOGETHER);
    const own = row - this.#top;
    if (this.#form.packed === "inputs") {
      const at = (own / TOGETHER) * this.#pitch + (input / CODES) * TOGETHER;
      target.set(this.#strip.subarray(at, at + target.length));
      return;
    }
    for (let i = 0; i < TOGETHER / CODES; i++) {
      const at = (own / CODES + i) * this.#pitch + input;
      target.set(this.#strip.subarray(at, at + n), i * n);
    }
  }

  #layOut(top: number): void {
    if (this.#top === top) return;
    this.#top = top;
    const { packed, words, stride, into, rows } = this.#form;
    const height = Math.min(this.#height, rows - top);
    if (packed === "inputs") sideBySide(words, top, stride, into / CODES, height, this.#strip, this.#pitch);
    else aboveOneAnother(words, top / CODES, stride, into, Math.ceil(height / CODES), this.#strip, this.#pitch);
  }
}

/** Columns of words, 32 of them a part. */
function sideBySide(
  words: Int32Array,
  left: number,
  stride: number,
  deep: number,
  columns: number,
  strip: Int32Array,
  pitch: number,
): void {
  const whole = columns - (columns % TOGETHER);
  for (let i = 0; i < deep; i++) {
    let from = i * stride + left;
    let to = i * TOGETHER;
    for (let column = 0; column < whole; column += TOGETHER, to += pitch) {
      // Eight at a time: what a turn of a loop costs is more than what it does.
      for (const end = from + TOGETHER; from < end; from += 8, to += 8) {
        strip[to] = words[from]!;
        strip[to + 1] = words[from + 1]!;
        strip[to + 2] = words[from + 2]!;
        strip[to + 3] = words[from + 3]!;
        strip[to + 4] = words[from + 4]!;
        strip[to + 5] = words[from + 5]!;
        strip[to + 6] = words[from + 6]!;
        strip[to + 7] = words[from + 7]!;
      }
      to -= TOGETHER;
    }
    for (let column = whole; column < columns; column++) strip[to++] = words[from++]!;
  }
}

/** Columns of words, each a part, four of them at a time. */
function aboveOneAnother(
  words: Int32Array,
  left: number,
  stride: number,
  deep: number,
  columns: number,
  strip: Int32Array,
  pitch: number,
): void {
  const whole = columns - (columns % 4);
  for (let i = 0; i < deep; i++) {
    let from = i * stride + left;
    let to = i;
    for (const end = from + whole; from < end; from += 4, to += 4 * pitch) {
      strip[to] = words[from]!;
      strip[to + pitch] = words[from + 1]!;
      strip[to + 2 * pitch] = words[from + 2]!;
      strip[to + 3 * pitch] = words[from + 3]!;
    }
    for (let column = whole; column < columns; column++, to += pitch) strip[to] = words[from++]!;
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
