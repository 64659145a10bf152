import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { decodeToF32 } from "../kernels/decode.ts";
import type { Decoder, Levels, StoredRange } from "./decoder.ts";
import { numbersOfType } from "./quantised/numbers.ts";

/** Numbers of one type that are stored one after the other, those of less than a byte from the lowest bits on. */
export interface Codes {
  readonly file: number;
  /** Where the first one begins. */
  readonly start: number;
  /** A type of 8 bits or more, or how many bits of whole numbers. */
  readonly type: Dtype | { readonly bits: 2 | 4; readonly signed: boolean };
  /** Given where every `length` of them take the room of `stored`. */
  readonly rows?: { readonly length: number; readonly stored: number } | undefined;
}

/** Which codes have a scale and a zero point together. */
export interface Groups {
  /** All of them; those of one index of an axis; those of `block` neighbours along an axis. */
  readonly per: "tensor" | "axis" | "block";
  /** Length of the axis, and elements from one of its indices to the next. */
  readonly length: number;
  readonly inner: number;
  readonly block: number;
}

interface Span {
  readonly first: number;
  readonly end: number;
}

/** Elements of one row, of which all have the scale `group`, or each has the next one. */
interface Run extends Span {
  readonly group: number;
  readonly step: 0 | 1;
}

/**
 * The values (code - zero point) * scale of whole numbers, or of small floats, that were quantised in groups, as ONNX's
 * DequantizeLinear defines them: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 *
 * @param zero codes of one for each group, or one number for all
 */
export function affineDecoder(codes: Codes, scale: Codes, zero: Codes | number, groups: Groups): Decoder {
  return { ...valuesOf(codes, scale, zero, groups), levels: levelsOf(codes, scale, zero, groups) };
}

function levelsOf({ type }: Codes, scale: Codes, zero: Codes | number, groups: Groups): Levels | undefined {
  const step = valuesOf(1, scale, 0, groups);
  if (typeof type === "string" && type.startsWith("F8")) return { step, low: null, of: numbersOfType(type) };
  const [bits, signed] =
    typeof type !== "string" ? [type.bits, type.signed] : [DTYPE_BITS[type], !type.startsWith("U")];
  // Of more levels nobody rounds weights to, and every value would lie near one.
  if (bits > 8) return undefined;
  return { step, low: valuesOf(signed ? -(2 ** (bits - 1)) : 0, scale, zero, groups), of: 2 ** bits };
}

/** @param codes stored ones, or one number in the place of all */
function valuesOf(codes: Codes | number, scale: Codes, zero: Codes | number, groups: Groups): Decoder {
  const own = typeof codes === "number" ? 0 : 1;
  return {
    unit: 1,
    ranges(first, count) {
      const spans = spansOf(groups, first, count);
      const of = (these: Codes) => spans.map((span) => storedBehind(these, span.first, span.end));
      return [
        ...(typeof codes === "number" ? [] : [storedBehind(codes, first, first + count)]),
        ...of(scale),
        ...(typeof zero === "number" ? [] : of(zero)),
      ];
    },
    decode(stored, first, count, out) {
      if (typeof codes === "number") out.fill(codes, 0, count);
      else unpack(codes, stored[0]!, first, out.subarray(0, count));
      const spans = spansOf(groups, first, count);
      const numbersOf = (these: Codes, bytes: Uint8Array, span: Span) => {
        const values = new Float32Array(span.end - span.first);
        unpack(these, bytes, span.first, values);
        return values;
      };
      const scales = spans.map((span, i) => numbersOf(scale, stored[own + i]!, span));
      const zeros =
        typeof zero === "number"
          ? null
          : spans.map((span, i) => numbersOf(zero, stored[own + spans.length + i]!, span));
      for (const { first: from, end, group, step } of runsOf(groups, first, first + count)) {
        const last = group + step * (end - from - 1);
        const at = spans.findIndex((span) => group >= span.first && last < span.end);
        const factors = scales[at]!;
        const offsets = zeros?.[at];
        let of = group - spans[at]!.first;
        for (let i = from - first; i < end - first; i++, of += step) {
          out[i] = (out[i]! - (offsets === undefined ? (zero as number) : offsets[of]!)) * factors[of]!;
        }
      }
    },
  };
}

function bitsOf({ type }: Codes): number {
  return typeof type === "string" ? DTYPE_BITS[type] : type.bits;
}

/** Where a code is among all that there is room for. */
function placeOf({ rows }: Codes, index: number): number {
  return rows === undefined ? index : Math.floor(index / rows.length) * rows.stored + (index % rows.length);
}

function storedBehind(codes: Codes, first: number, end: number): StoredRange {
  const bits = bitsOf(codes);
  const from = Math.floor((placeOf(codes, first) * bits) / 8);
  const to = Math.ceil(((placeOf(codes, end - 1) + 1) * bits) / 8);
  return { file: codes.file, start: codes.start + from, end: codes.start + Math.max(from, to) };
}

/** The codes from `first` on as numbers, as many as go into `out`. */
function unpack(codes: Codes, bytes: Uint8Array, first: number, out: Float32Array): void {
  const { type, rows } = codes;
  const bits = bitsOf(codes);
  const base = Math.floor((placeOf(codes, first) * bits) / 8);
  const length = rows?.length ?? Number.POSITIVE_INFINITY;
  for (let done = 0; done < out.length; ) {
    const index = first + done;
    const count = Math.min(out.length - done, length - (index % length));
    const place = placeOf(codes, index);
    const part = out.subarray(done, done + count);
    if (typeof type === "string") {
      const at = (place * bits) / 8 - base;
      decodeToF32(bytes.subarray(at, at + (count * bits) / 8), type, part);
    } else unpackSmall(bytes, place * bits - base * 8, type, part);
    done += count;
  }
}

function unpackSmall(
  bytes: Uint8Array,
  firstBit: number,
  { bits, signed }: { readonly bits: number; readonly signed: boolean },
  out: Float32Array,
): void {
  const mask = (1 << bits) - 1;
  const half = signed ? 1 << (bits - 1) : 1 << bits;
  let bit = firstBit;
  for (let i = 0; i < out.length; i++, bit += bits) {
    const code = (bytes[bit >>> 3]! >>> (bit & 7)) & mask;
    out[i] = code >= half ? code - 2 * half : code;
  }
}

/** Groups along the axis. */
function blocksOf({ length, block }: Groups): number {
  return Math.ceil(length / block);
}

/** The group of the first element of a row, which are the `inner` elements of one index of the axis. */
function groupOfRow(groups: Groups, row: number): number {
  const { per, length, inner, block } = groups;
  if (per === "tensor") return 0;
  const index = row % length;
  if (per === "axis") return index;
  return (Math.floor(row / length) * blocksOf(groups) + Math.floor(index / block)) * inner;
}

/** The groups that elements [first, first + count) belong to: one span, or two that lie apart. */
function spansOf(groups: Groups, first: number, count: number): Span[] {
  const { per, length, inner } = groups;
  const last = first + count - 1;
  const [top, bottom] = [Math.floor(first / inner), Math.floor(last / inner)];
  const [low, high] = [groupOfRow(groups, top), groupOfRow(groups, bottom)];
  if (per === "tensor") return [{ first: 0, end: 1 }];
  if (per === "axis") {
    if (bottom - top + 1 >= length) return [{ first: 0, end: length }];
    if (low <= high) return [{ first: low, end: high + 1 }];
    return [
      { first: low, end: length },
      { first: 0, end: high + 1 },
    ];
  }
  if (top === bottom) return [{ first: low + (first % inner), end: high + (last % inner) + 1 }];
  // Of two long rows what lies between their ends may be far more than what is asked for.
  if (bottom - top === 1) {
    return [
      { first: low + (first % inner), end: low + inner },
      { first: high, end: high + (last % inner) + 1 },
    ];
  }
  return [{ first: low, end: high + inner }];
}

/** Elements [first, end) in runs. */
function* runsOf(groups: Groups, first: number, end: number): Generator<Run> {
  const { per, length, inner, block } = groups;
  for (let at = first; at < end; ) {
    const row = Math.floor(at / inner);
    const index = row % length;
    const group = groupOfRow(groups, row);
    let size = inner - (at % inner);
    let step: 0 | 1 = 0;
    if (per === "tensor") size = end - at;
    else if (per === "block" && inner === 1) size = Math.min(block - (index % block), length - index);
    else if (per === "block") step = 1;
    else if (inner === 1) {
      size = length - index;
      step = 1;
    }
    const own = step === 1 && inner > 1 ? group + (at % inner) : group;
    const to = Math.min(end, at + size);
    yield { first: at, end: to, group: own, step };
    at = to;
  }
}
