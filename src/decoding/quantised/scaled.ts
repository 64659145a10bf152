import { decodeToF32 } from "../../kernels/decode.ts";
import { decodeNibbles, decodeScaledFloats, MOST_BLOCK, type ScaledFloat } from "../../kernels/packed-blocks.ts";
import { type Decoder, type StoredRange, WINDOW_BYTES } from "../decoder.ts";
import { isNibbleRows, type NibbleRows } from "./nibble-rows.ts";
import { constantNumbers, isOfType, numbersOf } from "./numbers.ts";
import { isUpright } from "./upright-codes.ts";

/** Numbers that each stand for a block of a matrix of `rows` x `cols` codes, `across` blocks from left to right. */
export interface Blocks {
  readonly numbers: Decoder;
  readonly across: number;
  /** Columns of a block, from the left; the last may be narrower. Not looked at with `columnOf`. */
  readonly cols: number;
  /** Row of blocks that a row of codes belongs to, never falling. */
  readonly rowOf: (row: number) => number;
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
  /** What codes there are: whole numbers from `lowest` on, or the numbers of a table in ascending order. */
  readonly range?: CodeRange | undefined;
  /** See `Levels`. */
  readonly block?: number | undefined;
}

export type CodeRange = { readonly lowest: number; readonly count: number } | Float32Array;

/** Codes of 4 bits that share a scale, from which on their sixteen values are computed in the place of each one. */
const WORTH_A_TABLE = 32;
/** Codes that kernels take at a time. */
const NIBBLE_STEP = 32;
const FLOAT_STEP = 8;
const SCALED_FLOATS: readonly ScaledFloat[] = ["F8_E4M3", "F8_E5M2"];
/** Blocks of a row from which on rows are decoded apart: what lies across two would need the blocks of all of both. */
const LONG_ROW = 1 << 14;
/** Of a scale, a zero point and a bias. */
const MOST_SCALE_BYTES = 12;

/**
 * Values of codes that are scaled block by block. All decoders have units of one element; what is read of the scales at a
 * time is what the codes that are read need, so memory stays within a few rows.
 */
export function scaled({ cols, codes, scale, zero, bias, range, block }: Scaled): Decoder {
  const layers = [scale.numbers, zero, bias].filter((numbers) => numbers !== undefined);
  const nibbles = isNibbleRows(codes) && scale.columnOf === undefined && scale.cols >= WORTH_A_TABLE ? codes : null;
  const isTable = range instanceof Float32Array;
  const levels = range !== undefined && {
    step: scaled({ cols, codes: constantNumbers(1), scale }),
    low: isTable ? null : scaled({ cols, codes: constantNumbers(range.lowest), scale, zero, bias }),
    of: isTable ? range : range.count,
    block,
  };
  return {
    unit: 1,
    ...(levels === false ? {} : { levels }),
    together: togetherOf(codes, cols, scale),
    seam: scale.across > LONG_ROW ? cols : undefined,
    ranges(first, count) {
      const blocks = blocksOf(scale, cols, first, count);
      return [codes, ...layers].flatMap((numbers, i) =>
        i === 0 ? numbers.ranges(first, count) : numbers.ranges(blocks.first, blocks.count),
      );
    },
    decode(stored, first, count, out) {
      let taken = 0;
      const take = (ranges: readonly StoredRange[]): readonly Uint8Array[] => {
        taken += ranges.length;
        return stored.slice(taken - ranges.length, taken);
      };
      const own = take(codes.ranges(first, count));
      const blocks = blocksOf(scale, cols, first, count);
      const [scales, ...others] = layers.map((numbers) =>
        numbersOf(numbers, take(numbers.ranges(blocks.first, blocks.count)), blocks.first, blocks.count),
      );
      const zeros = zero === undefined ? null : others[0]!;
      const biases = bias === undefined ? null : others.at(-1)!;
      const isUp = scale.columnOf === undefined && zeros !== null && biases === null && isUpright(codes);
      if (isUp && codes.canScale(first, count, scale.cols)) {
        codes.scale(own, first, count, { size: scale.cols, groups: scale.across, scales: scales!, zeros }, out);
        return;
      }
      const float = zeros === null && biases === null ? scaledFloat(codes, scale) : null;
      if (nibbles === null && float === null) codes.decode(own, first, count, out);
      if (float !== null && cols % scale.cols === 0) {
        applyFloats(float, own[0]!, asOneRow(scale, cols, first, count, scales!), out.subarray(0, count));
        return;
      }
      for (let at = 0; at < count; ) {
        const row = Math.floor((first + at) / cols);
        const from = first + at - row * cols;
        const n = Math.min(cols - from, count - at);
        const offset = scale.rowOf(row) * scale.across - blocks.first;
        const segment = { row, from, offset, scale, scales: scales!, zeros, biases };
        const part = out.subarray(at, at + n);
        if (float !== null) applyFloats(float, own[0]!.subarray(at, at + n), segment, part);
        else if (nibbles !== null) applyByTable(nibbles, own[0]!, first, segment, part);
        else apply(part, segment);
        at += n;
      }
    },
  };
}

/** As many whole rows as the codes want, unless their scales need more than codes do. */
function togetherOf({ together }: Decoder, cols: number, { across }: Blocks): number | undefined {
  if (together === undefined) return undefined;
  return Math.max(1, Math.min(together / cols, Math.floor(WINDOW_BYTES / (across * MOST_SCALE_BYTES)))) * cols;
}

/** The blocks, counted row by row, of codes [first, first + count): whole rows of them, but for a single row of codes. */
function blocksOf({ across, rowOf, cols: width, columnOf }: Blocks, cols: number, first: number, count: number) {
  const last = first + count - 1;
  const [a, b] = [Math.floor(first / cols), Math.floor(last / cols)];
  const start = rowOf(a) * across;
  if (a !== b) return { first: start, count: (rowOf(b) - rowOf(a) + 1) * across };
  if (columnOf !== undefined) return { first: start, count: across };
  const [low, high] = [Math.floor((first - a * cols) / width), Math.floor((last - a * cols) / width)];
  return { first: start + low, count: high - low + 1 };
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

/** Blocks that begin and end within a segment: their columns [from, to), and the first one's number. */
function wholeBlocks({ from, scale: { cols }, offset }: Segment, count: number) {
  const first = Math.ceil(from / cols);
  const end = Math.max(first, Math.floor((from + count) / cols));
  return { from: first * cols - from, to: end * cols - from, numbers: offset + first };
}

/** Sixteen values of each block, of which its codes choose: whole blocks by a kernel. */
function applyByTable(codes: NibbleRows, bytes: Uint8Array, first: number, segment: Segment, out: Float32Array): void {
  const { row, from, scale, scales, zeros, biases } = segment;
  const { cols: size } = scale;
  const { table, highFirst } = codes;
  const whole = wholeBlocks(segment, out.length);
  const hasKernel = size % NIBBLE_STEP === 0 && size <= MOST_BLOCK && whole.from < whole.to;
  if (!hasKernel) {
    applyTables(codes, bytes, first, segment, 0, out);
    return;
  }
  applyTables(codes, bytes, first, segment, 0, out.subarray(0, whole.from));
  const at = codes.byteAt(first, row, from + whole.from);
  const stored = bytes.subarray(at, at + (whole.to - whole.from) / 2);
  const of = (numbers: Float32Array | null) => numbers?.subarray(whole.numbers) ?? null;
  const numbers = { size, scales: of(scales)!, zeros: of(zeros), biases: of(biases) };
  decodeNibbles(stored, out.subarray(whole.from, whole.to), table, highFirst, numbers);
  applyTables(codes, bytes, first, segment, whole.to, out.subarray(whole.to));
}

/** The same of the columns of a segment from the `skipped`-th on, one code after the other. */
function applyTables(
  codes: NibbleRows,
  bytes: Uint8Array,
  first: number,
  { row, from, offset, scale: { cols }, scales, zeros, biases }: Segment,
  skipped: number,
  out: Float32Array,
): void {
  const { table } = codes;
  const scaledTable = new Float32Array(16);
  for (let done = 0; done < out.length; ) {
    const col = from + skipped + done;
    const block = Math.floor(col / cols);
    const n = Math.min(out.length - done, (block + 1) * cols - col);
    const at = offset + block;
    const factor = scales[at]!;
    const zero = zeros === null ? 0 : zeros[at]!;
    if (biases === null) for (let i = 0; i < 16; i++) scaledTable[i] = (table[i]! - zero) * factor;
    else for (let i = 0; i < 16; i++) scaledTable[i] = (table[i]! - zero) * factor + biases[at]!;
    codes.unpack(bytes, first, { row, col, count: n }, scaledTable, out, done);
    done += n;
  }
}

/** The type of codes of which a kernel decodes and scales whole blocks at once, if it is one. */
function scaledFloat(codes: Decoder, { columnOf, cols }: Blocks): ScaledFloat | null {
  if (columnOf !== undefined || cols % FLOAT_STEP !== 0 || cols > MOST_BLOCK) return null;
  return SCALED_FLOATS.find((dtype) => isOfType(codes, dtype)) ?? null;
}

/** Codes [first, first + count) of rows of whole blocks as part of one long row: what a row costs is paid once. */
function asOneRow(scale: Blocks, cols: number, first: number, count: number, scales: Float32Array): Segment {
  const { across, rowOf } = scale;
  const [low, high] = [Math.floor(first / cols), Math.floor((first + count - 1) / cols)];
  const base = blocksOf(scale, cols, first, count).first;
  const whole = { row: 0, from: first, scale, zeros: null, biases: null };
  if (low === high) return { ...whole, offset: rowOf(low) * across - base - low * across, scales };
  const each = new Float32Array((high - low + 1) * across);
  for (let row = low; row <= high; row++) {
    const at = rowOf(row) * across - base;
    each.set(scales.subarray(at, at + across), (row - low) * across);
  }
  return { ...whole, offset: -low * across, scales: each };
}

/** Codes of floats, of which whole blocks are decoded and scaled by a kernel at once. */
function applyFloats(dtype: ScaledFloat, bytes: Uint8Array, segment: Segment, out: Float32Array): void {
  const whole = wholeBlocks(segment, out.length);
  const [low, high] = whole.from < whole.to ? [whole.from, whole.to] : [out.length, out.length];
  if (low < high) {
    const scales = segment.scales.subarray(whole.numbers);
    decodeScaledFloats(bytes.subarray(low, high), out.subarray(low, high), dtype, segment.scale.cols, scales);
  }
  for (const [from, to] of [
    [0, low],
    [high, out.length],
  ] as const) {
    if (from === to) continue;
    const part = out.subarray(from, to);
    decodeToF32(bytes.subarray(from, to), dtype, part);
    apply(part, { ...segment, from: segment.from + from });
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
