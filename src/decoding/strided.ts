import type { StoredArray } from "../formats/stored-array.ts";
import { DTYPE_BITS } from "../formats/tensor-info.ts";
import { decodeToF32 } from "../kernels/decode.ts";
import type { Decoder, StoredRange } from "./decoder.ts";

/** An axis of a block: how many elements, and how far it is from one to the next in the stored array and in the block. */
interface Axis {
  readonly count: number;
  readonly stored: number;
  readonly block: number;
}

/** Elements of an array that are a block of some of its axes, whole in all but the first of them. */
interface Block {
  /** Elements of the stored array before its first. */
  readonly offset: number;
  /** Where it begins among the elements that are decoded together. */
  readonly first: number;
  /** Read in one piece for each index of `outer`; `inner` lie within such a piece, the shortest strides first. */
  readonly outer: readonly Axis[];
  readonly inner: readonly Axis[];
  /** Elements from the first to the last of a piece. */
  readonly span: number;
}

/** Bytes that nobody asked for between elements, read to save a read. */
const GAP_BYTES = 4096;
/** How much more may be read than is asked for: memory is bounded by what is decoded at a time. */
const MAX_WASTE = 16;

/**
 * The values of an array whose elements lie in an order or at distances of their own, or with their bytes the other way round,
 * as those of an array with the last axis fastest.
 *
 * @param array of a type with values
 * @param file what the ranges are of
 */
export function stridedDecoder(array: StoredArray, file: number): Decoder {
  const { shape, strides, dtype, begin, bigEndian } = array;
  const width = DTYPE_BITS[dtype] / 8;
  const axes = joined(shape, strides);
  const sizes = axes.map((_, axis) => axes.slice(axis + 1).reduce((n, { count }) => n * count, 1));
  let scratch = new Uint8Array(0);

  /** The elements [first, first + count) as blocks: what is left of each axis, whole ones, and what is begun of the next. */
  function blocksOf(first: number, count: number): Block[] {
    const blocks: Block[] = [];
    const cut = (axis: number, from: number, to: number, offset: number, at: number): void => {
      const { stored } = axes[axis]!;
      const size = sizes[axis]!;
      const [low, high] = [Math.ceil(from / size), Math.floor(to / size)];
      if (low <= high) {
        if (from < low * size) cut(axis + 1, from - (low - 1) * size, size, offset + (low - 1) * stored, at);
        if (low < high) blocks.push(blockOf(axis, high - low, offset + low * stored, at + low * size - from));
        if (high * size < to) cut(axis + 1, 0, to - high * size, offset + high * stored, at + high * size - from);
        return;
      }
      // Both ends lie within one index of the axis.
      cut(axis + 1, from - high * size, to - high * size, offset + high * stored, at);
    };
    cut(0, first, first + count, 0, 0);
    return blocks;
  }

  function blockOf(axis: number, count: number, offset: number, first: number): Block {
    const own = axes.slice(axis).map(({ count: size, stored }, i): Axis => {
      return { count: i === 0 ? count : size, stored, block: sizes[axis + i]! };
    });
    const sorted = own.filter((one) => one.count > 1).sort((a, b) => a.stored - b.stored);
    const inner: Axis[] = [];
    let span = 1;
    let wanted = 1;
    for (const one of sorted) {
      // More elements are never read in smaller pieces than fewer: what was announced of many holds what is read of some.
      const isNear = (one.stored - span) * width <= GAP_BYTES && one.stored <= MAX_WASTE * wanted;
      if (!isNear) break;
      inner.push(one);
      span += (one.count - 1) * one.stored;
      wanted *= one.count;
    }
    return { offset, first, span, inner, outer: sorted.slice(inner.length).reverse() };
  }

  return {
    unit: 1,
    ranges(first, count) {
      const ranges: StoredRange[] = [];
      for (const { offset, outer, span } of blocksOf(first, count)) {
        for (const { stored } of indices(outer)) {
          const start = begin + (offset + stored) * width;
          ranges.push({ file, start, end: start + span * width });
        }
      }
      return ranges;
    },
    decode(stored, first, count, out) {
      if (scratch.length < count * width) scratch = new Uint8Array(count * width);
      const bytes = scratch.subarray(0, count * width);
      const words = wordsOf(bytes, width);
      let piece = 0;
      for (const { first: at, outer, inner } of blocksOf(first, count)) {
        for (const { block } of indices(outer)) gather(wordsOf(stored[piece++]!, width), inner, words, at + block);
      }
      if (bigEndian) turnBytes(bytes, width);
      decodeToF32(bytes, dtype, out);
    },
  };
}

/** The axes that have a length, neighbours as one where the one goes on where the other ends. */
function joined(shape: readonly number[], strides: readonly number[]): Omit<Axis, "block">[] {
  const axes: Omit<Axis, "block">[] = [];
  for (const [axis, count] of shape.entries()) {
    const stored = strides[axis]!;
    const last = axes.at(-1);
    if (count === 1) continue;
    if (last !== undefined && last.stored === count * stored)
      axes[axes.length - 1] = { count: last.count * count, stored };
    else axes.push({ count, stored });
  }
  return axes.length === 0 ? [{ count: 1, stored: 1 }] : axes;
}

/** Where each index of some axes lies, the last of them running fastest. */
function* indices(axes: readonly Axis[]): Generator<{ readonly stored: number; readonly block: number }> {
  const [axis, ...rest] = axes;
  if (axis === undefined) {
    yield { stored: 0, block: 0 };
    return;
  }
  for (let i = 0; i < axis.count; i++) {
    for (const { stored, block } of indices(rest)) {
      yield { stored: stored + i * axis.stored, block: block + i * axis.block };
    }
  }
}

/** Elements by their size in bytes, as integers: a number that is moved as one may change where it is none. */
type Words = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

function wordsOf(bytes: Uint8Array, width: number): Words {
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  if (width === 1) return new Uint8Array(buffer, byteOffset, length);
  if (width === 2) return new Uint16Array(buffer, byteOffset, length / 2);
  return width === 4
    ? new Uint32Array(buffer, byteOffset, length / 4)
    : new BigUint64Array(buffer, byteOffset, length / 8);
}

/** Copies the elements of one piece to their places. */
function gather(from: Words, inner: readonly Axis[], to: Words, at: number): void {
  const [stored, gathered] = [from, to] as [Uint32Array, Uint32Array];
  const [fastest = { count: 1, stored: 1, block: 1 }, ...rest] = inner;
  const { count, stored: step, block: stride } = fastest;
  for (const { stored: first, block } of indices(rest)) {
    if (step === 1 && stride === 1) {
      gathered.set(stored.subarray(first, first + count), at + block);
      continue;
    }
    let source = first;
    let target = at + block;
    for (let i = 0; i < count; i++) {
      gathered[target] = stored[source]!;
      source += step;
      target += stride;
    }
  }
}

/** Gives every element its bytes the other way round. */
function turnBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}
