import type { Decoder, StoredRange } from "../decoder.ts";
import { isNibbleRows, type NibbleRows } from "./nibble-rows.ts";
import { numbersOf } from "./numbers.ts";

/** Numbers that each stand for a block of a matrix of `rows` x `cols` codes, `across` blocks from left to right. */
export interface Blocks {
  readonly numbers: Decoder;
  readonly across: number;
  /** Columns of a block, from the left; the last may be narrower. Not looked at with `columnOf`. */
  readonly cols: number;
  /** Row of blocks that a row of codes belongs to, never falling unless `scattered`. */
  readonly rowOf: (row: number) => number;
  /** Rows of codes belong to rows of blocks in any order. @default false */
  readonly scattered?: boolean | undefined;
  /** Column of blocks of each column of codes, where these are not neighbours. */
  readonly columnOf?: Uint32Array | undefined;
}

/** (code - zero) x scale + bias. */
export interface Scaled {
  readonly cols: number;
  readonly codes: Decoder;
  readonly scale: Blocks;
  /** Zero points, laid out as the scales are. */
  readonly zero?: Decoder | undefined;
  /** What is added in the end, laid out as the scales are. */
  readonly bias?: Decoder | undefined;
}

/** Codes of 4 bits that share a scale, from which on their sixteen values are computed in the place of each one. */
const WORTH_A_TABLE = 32;
/** Scattered blocks that have less numbers than this are read whole: many small ranges cost more. */
const READ_WHOLE = 1 << 15;

/** Blocks [first, first + count) of a matrix of blocks, flat, that a run of rows needs. */
interface Run {
  readonly first: number;
  readonly count: number;
}

/**
 * Values of codes that are scaled block by block. All decoders have units of one element; what is read of the scales at a time is
 * what the codes that are read need, so memory stays within a few rows.
 */
export function scaled({ cols, codes, scale, zero, bias }: Scaled): Decoder {
  const layers = [scale.numbers, zero, bias].filter((numbers) => numbers !== undefined);
  return {
    unit: 1,
    ranges(first, count) {
      const ranges = codes.ranges(first, count);
      for (const run of runsOf(scale, cols, first, count)) {
        for (const numbers of layers) ranges.push(...numbers.ranges(run.first, run.count));
      }
      return ranges;
    },
    decode(stored, first, count, out) {
      let taken = 0;
      const take = (ranges: readonly StoredRange[]): readonly Uint8Array[] => {
        taken += ranges.length;
        return stored.slice(taken - ranges.length, taken);
      };
      const own = take(codes.ranges(first, count));
      const byTable = isNibbleRows(codes) && scale.columnOf === undefined && scale.cols >= WORTH_A_TABLE;
      if (!byTable) codes.decode(own, first, count, out);
      const runs = runsOf(scale, cols, first, count).map((run) => {
        const [scales, ...others] = layers.map((numbers) =>
          numbersOf(numbers, take(numbers.ranges(run.first, run.count)), run.first, run.count),
        );
        const zeros = zero === undefined ? null : others[0]!;
        const biases = bias === undefined ? null : others.at(-1)!;
        return { ...run, scales: scales!, zeros, biases };
      });
      let run = 0;
      for (let at = 0; at < count; ) {
        const row = Math.floor((first + at) / cols);
        const from = first + at - row * cols;
        const n = Math.min(cols - from, count - at);
        const start = scale.rowOf(row) * scale.across;
        // Runs follow rows; those of whole matrices and of single rows alike begin at or before what a row needs.
        while (!holds(runs[run]!, start, scale, from, n)) run = (run + 1) % runs.length;
        const { first: base, scales, zeros, biases } = runs[run]!;
        const segment = { row, from, offset: start - base, scale, scales, zeros, biases };
        if (byTable) applyByTable(codes, own[0]!, first, segment, out, at, n);
        else apply(out.subarray(at, at + n), segment);
        at += n;
      }
    },
  };
}

/** Whether a run has all blocks of a row's columns [from, from + n). */
function holds({ first, count }: Run, start: number, scale: Blocks, from: number, n: number): boolean {
  const [low, high] = blocksOf(scale, from, n);
  return first <= start + low && start + high < first + count;
}

/** First and last column of blocks of the columns [from, from + n) of a row. */
function blocksOf({ cols, columnOf, across }: Blocks, from: number, n: number): readonly [number, number] {
  if (columnOf !== undefined) return [0, across - 1];
  return [Math.floor(from / cols), Math.floor((from + n - 1) / cols)];
}

/** What is read of the blocks for codes [first, first + count): whole rows of them, but for a single row of codes. */
function runsOf(scale: Blocks, cols: number, first: number, count: number): Run[] {
  const { across, rowOf } = scale;
  const last = first + count - 1;
  const [a, b] = [Math.floor(first / cols), Math.floor(last / cols)];
  if (a === b) {
    const [low, high] = blocksOf(scale, first - a * cols, count);
    return [{ first: rowOf(a) * across + low, count: high - low + 1 }];
  }
  if (!scale.scattered) return [{ first: rowOf(a) * across, count: (rowOf(b) - rowOf(a) + 1) * across }];
  const groups = new Set<number>();
  for (let row = a; row <= b; row++) groups.add(rowOf(row));
  const sorted = [...groups].sort((x, y) => x - y);
  const [lowest, highest] = [sorted[0]!, sorted.at(-1)!];
  if ((highest - lowest + 1) * across <= READ_WHOLE) {
    return [{ first: lowest * across, count: (highest - lowest + 1) * across }];
  }
  const runs: { first: number; count: number }[] = [];
  for (const group of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && run.first + run.count === group * across) run.count += across;
    else runs.push({ first: group * across, count: across });
  }
  return runs;
}

interface Segment {
  readonly row: number;
  readonly from: number;
  /** Where in `scales` the row of blocks begins; negative where its left end was not read. */
  readonly offset: number;
  readonly scale: Blocks;
  readonly scales: Float32Array;
  readonly zeros: Float32Array | null;
  readonly biases: Float32Array | null;
}

function apply(out: Float32Array, segment: Segment): void {
  const { from, offset, scale, scales, zeros, biases } = segment;
  const { cols, columnOf } = scale;
  if (columnOf !== undefined || cols === 1) {
    applyEach(out, segment);
    return;
  }
  for (let at = 0; at < out.length; ) {
    const block = Math.floor((from + at) / cols);
    const end = Math.min(out.length, (block + 1) * cols - from);
    const factor = scales[offset + block]!;
    const zero = zeros === null ? 0 : zeros[offset + block]!;
    // Zeros keep their sign where nothing is added.
    if (biases === null) for (; at < end; at++) out[at] = (out[at]! - zero) * factor;
    else for (const bias = biases[offset + block]!; at < end; at++) out[at] = (out[at]! - zero) * factor + bias;
  }
}

/** Sixteen values of each block, of which its codes choose. */
function applyByTable(
  codes: NibbleRows,
  bytes: Uint8Array,
  first: number,
  { row, from, offset, scale: { cols }, scales, zeros, biases }: Segment,
  out: Float32Array,
  start: number,
  count: number,
): void {
  const { table } = codes;
  const scaledTable = new Float32Array(16);
  for (let done = 0; done < count; ) {
    const block = Math.floor((from + done) / cols);
    const n = Math.min(count - done, (block + 1) * cols - from - done);
    const at = offset + block;
    const factor = scales[at]!;
    const zero = zeros === null ? 0 : zeros[at]!;
    if (biases === null) for (let i = 0; i < 16; i++) scaledTable[i] = (table[i]! - zero) * factor;
    else for (let i = 0; i < 16; i++) scaledTable[i] = (table[i]! - zero) * factor + biases[at]!;
    codes.unpack(bytes, first, { row, col: from + done, count: n }, scaledTable, out, start + done);
    done += n;
  }
}

/** A block for every column: there is nothing to be kept from one to the next. */
function applyEach(out: Float32Array, { from, offset, scale, scales, zeros, biases }: Segment): void {
  const { columnOf } = scale;
  const first = offset + from;
  if (columnOf === undefined && biases === null) {
    if (zeros === null) for (let i = 0; i < out.length; i++) out[i] = out[i]! * scales[first + i]!;
    else for (let i = 0; i < out.length; i++) out[i] = (out[i]! - zeros[first + i]!) * scales[first + i]!;
    return;
  }
  for (let i = 0; i < out.length; i++) {
    const at = columnOf === undefined ? first + i : offset + columnOf[from + i]!;
    const value = (out[i]! - (zeros === null ? 0 : zeros[at]!)) * scales[at]!;
    out[i] = biases === null ? value : value + biases[at]!;
  }
}
