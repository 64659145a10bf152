import { decodeToF32 } from "../../kernels/decode.ts";
import { decodeNibbles, decodeScaledFloats, MOST_BLOCK, type ScaledFloat } from "../../kernels/packed-blocks.ts";
import type { Decoder } from "../decoder.ts";
import type { NibbleRows } from "./nibble-rows.ts";
import { isOfType } from "./numbers.ts";
import { type Blocks, blocksOf } from "./scale-blocks.ts";

/** Codes that kernels take at a time. */
const NIBBLE_STEP = 32;
const FLOAT_STEP = 8;
const SCALED_FLOATS: readonly ScaledFloat[] = ["F8_E4M3", "F8_E5M2"];

/** Neighbours of one row, and the numbers of their blocks. */
export interface Segment {
  readonly row: number;
  readonly from: number;
  /** Where in `scales` the row of blocks begins; negative where its left end was not read. */
  readonly offset: number;
  readonly scale: Blocks;
  readonly scales: Float32Array;
  readonly zeros: Float32Array | null;
  readonly biases: Float32Array | null;
}

export function apply(out: Float32Array, segment: Segment): void {
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
export function applyByTable(
  codes: NibbleRows,
  bytes: Uint8Array,
  first: number,
  segment: Segment,
  out: Float32Array,
): void {
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
export function scaledFloat(codes: Decoder, { columnOf, cols }: Blocks): ScaledFloat | null {
  if (columnOf !== undefined || cols % FLOAT_STEP !== 0 || cols > MOST_BLOCK) return null;
  return SCALED_FLOATS.find((dtype) => isOfType(codes, dtype)) ?? null;
}

/** The scales of one call, which is over before the next begins. */
let spread = new Float32Array(0);

/** Codes [first, first + count) of rows of whole blocks as part of one long row: what a row costs is paid once. */
export function asOneRow(scale: Blocks, cols: number, first: number, count: number, scales: Float32Array): Segment {
  const { across, rowOf } = scale;
  const [low, high] = [Math.floor(first / cols), Math.floor((first + count - 1) / cols)];
  const base = blocksOf(scale, cols, first, count).first;
  const whole = { row: 0, from: first, scale, zeros: null, biases: null };
  if (low === high) return { ...whole, offset: rowOf(low) * across - base - low * across, scales };
  if (spread.length < (high - low + 1) * across) spread = new Float32Array((high - low + 1) * across);
  const each = spread;
  for (let row = low, before = -1; row <= high; row++) {
    const [at, to] = [rowOf(row) * across - base, (row - low) * across];
    // Of rows that share a row of blocks all but the first are copies.
    if (at === before) each.copyWithin(to, to - across, to);
    else for (let i = 0; i < across; i++) each[to + i] = scales[at + i]!;
    before = at;
  }
  return { ...whole, offset: -low * across, scales: each };
}

/** Codes of floats, of which whole blocks are decoded and scaled by a kernel at once. */
export function applyFloats(dtype: ScaledFloat, bytes: Uint8Array, segment: Segment, out: Float32Array): void {
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
  // What nothing is added to has a loop of its own: what is asked for each value costs as much as the value.
  if (columnOf !== undefined && zeros !== null && biases === null) {
    for (let i = 0; i < out.length; i++) {
      const at = offset + columnOf[from + i]!;
      out[i] = (out[i]! - zeros[at]!) * scales[at]!;
    }
    return;
  }
  for (let i = 0; i < out.length; i++) {
    const at = columnOf === undefined ? first + i : offset + columnOf[from + i]!;
    const value = (out[i]! - (zeros === null ? 0 : zeros[at]!)) * scales[at]!;
    out[i] = biases === null ? value : value + biases[at]!;
  }
}
