import {
  type ByteRange,
  type ByteSource,
  canPrefetch,
  isSync,
  type PrefetchingSource,
  type SyncByteSource,
} from "../bytes/byte-source.ts";
import { requireRange, unionOf } from "../bytes/range.ts";
import { withStoredRoom } from "../kernels/tiles.ts";
import { MAX_UNIT, type Part, PIECE_ELEMENTS, type StoredRange } from "./decoder.ts";

const F32_BYTES = 4;

/** Elements of one part that are decoded together, or stored bytes that are taken as they are. */
interface Piece {
  readonly ranges: readonly StoredRange[];
  /** Writes what of the piece lies in the bytes that were asked for. */
  readonly fill: (stored: readonly Uint8Array[], target: Uint8Array) => void;
}

/**
 * A virtual file in which every tensor stands as plain values, whatever is stored: reading it reads what is stored and decodes
 * whole units of that. Bytes between the parts are zeros. Synchronous where all of its files are, and prefetching where any can.
 * Memory: at most a mebibyte of values at a time, or one unit, beside what is asked for.
 *
 * @param parts in any order, not overlapping
 * @param files what the ranges of the parts count; closed with this source
 * @param location what messages call it
 */
export function decodedSource(
  parts: readonly Part[],
  files: readonly ByteSource[],
  location: string,
): ByteSource | SyncByteSource | PrefetchingSource {
  const sorted = [...parts].sort((a, b) => a.begin - b.begin || endOf(a) - endOf(b));
  const last = sorted.at(-1);
  const size = last === undefined ? 0 : endOf(last);
  for (const [i, part] of sorted.entries()) {
    const unit = "decoder" in part ? part.decoder.unit : 1;
    const isApart = i === 0 || endOf(sorted[i - 1]!) <= part.begin;
    if (!isApart || !(unit >= 1 && unit <= MAX_UNIT)) throw new Error(`part ${i} of ${location} cannot be decoded`);
  }
  /** Decoding is synchronous, so one is enough for all reads. */
  let scratch = new Float32Array(0);

  function scratchOf(count: number): Float32Array {
    if (scratch.length < count) scratch = new Float32Array(count);
    return scratch.subarray(0, count);
  }

  const piecesOf = (start: number, end: number) => piecesIn(sorted, start, end, scratchOf);

  const source: ByteSource = {
    location,
    size,
    async read(start, end) {
      requireRange(start, end, size, location);
      const target = new Uint8Array(end - start);
      for (const { ranges, fill } of piecesOf(start, end)) {
        const unions = unionsOf(ranges);
        const held: Held[] = [];
        for (const range of unions) {
          held.push({ ...range, bytes: await files[range.file]!.read(range.start, range.end) });
        }
        fill(cut(ranges, held), target);
      }
      return target;
    },
    async verifyUnchanged() {
      for (const file of files) await file.verifyUnchanged();
    },
    async close() {
      await Promise.all(files.map((file) => file.close()));
    },
  };

  if (files.every(isSync)) {
    const near = files as readonly SyncByteSource[];
    const sync: SyncByteSource = {
      ...source,
      readIntoSync(target, start) {
        requireRange(start, start + target.length, size, location);
        target.fill(0);
        for (const { ranges, fill } of piecesOf(start, start + target.length)) {
          const unions = unionsOf(ranges);
          const total = unions.reduce((sum, { start: from, end }) => sum + end - from, 0);
          withStoredRoom(total, (memory) => {
            let at = 0;
            const held = unions.map((range): Held => {
              const bytes = memory.subarray(at, at + range.end - range.start);
              near[range.file]!.readIntoSync(bytes, range.start);
              at += bytes.length;
              return { ...range, bytes };
            });
            fill(cut(ranges, held), target);
          });
        }
      },
    };
    return sync;
  }
  if (!files.some(canPrefetch)) return source;
  const far: PrefetchingSource = {
    ...source,
    async prefetch(ranges, signal) {
      const wanted = files.map((): ByteRange[] => []);
      for (const { start, end } of unionOf(ranges)) {
        requireRange(start, end, size, location);
        for (const { file, ...range } of storedBehind(sorted, start, end)) wanted[file]!.push(range);
      }
      await Promise.all(
        files.map((file, i) => (canPrefetch(file) ? file.prefetch(unionOf(wanted[i]!), signal) : undefined)),
      );
    },
  };
  return far;
}

function endOf(part: Part): number {
  return part.begin + ("decoder" in part ? part.elements * F32_BYTES : part.stored.end - part.stored.start);
}

/** The parts that hold any of the bytes [start, end), with what of each is asked for. */
function* partsIn(
  sorted: readonly Part[],
  start: number,
  end: number,
): Generator<{ readonly part: Part; readonly from: number; readonly to: number }> {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(sorted[middle]!) <= start) low = middle + 1;
    else high = middle;
  }
  for (; low < sorted.length && sorted[low]!.begin < end; low++) {
    const part = sorted[low]!;
    const [from, to] = [Math.max(start, part.begin) - part.begin, Math.min(end, endOf(part)) - part.begin];
    if (from < to) yield { part, from, to };
  }
}

/** Whole units around the bytes [from, to) of a decoded part: its elements [first, last). */
function unitsAround(unit: number, elements: number, from: number, to: number): readonly [first: number, last: number] {
  const first = Math.floor(Math.floor(from / F32_BYTES) / unit) * unit;
  return [first, Math.min(elements, Math.ceil(Math.ceil(to / F32_BYTES) / unit) * unit)];
}

/** What is stored of the bytes [start, end), in no order. */
function* storedBehind(sorted: readonly Part[], start: number, end: number): Generator<StoredRange> {
  for (const { part, from, to } of partsIn(sorted, start, end)) {
    if ("stored" in part) {
      const { file, start: at } = part.stored;
      yield { file, start: at + from, end: at + to };
      continue;
    }
    const { decoder, elements } = part;
    const [first, last] = unitsAround(decoder.unit, elements, from, to);
    yield* decoder.ranges(first, last - first);
  }
}

function* piecesIn(
  sorted: readonly Part[],
  start: number,
  end: number,
  scratchOf: (count: number) => Float32Array,
): Generator<Piece> {
  for (const { part, from, to } of partsIn(sorted, start, end)) {
    const at = part.begin - start;
    if ("stored" in part) {
      const { file, start: first } = part.stored;
      const ranges = [{ file, start: first + from, end: first + to }];
      yield { ranges, fill: ([bytes], target) => target.set(bytes!, at + from) };
      continue;
    }
    const { decoder, elements } = part;
    const [first, last] = unitsAround(decoder.unit, elements, from, to);
    const step = Math.max(1, Math.floor(PIECE_ELEMENTS / decoder.unit)) * decoder.unit;
    for (let one = first; one < last; one += step) {
      const count = Math.min(step, last - one);
      const [low, high] = [Math.max(from, one * F32_BYTES), Math.min(to, (one + count) * F32_BYTES)];
      yield {
        ranges: decoder.ranges(one, count),
        fill(stored, target) {
          const there = target.byteOffset + at + low;
          // Whole and aligned, as nearly all are: decoded where it is wanted.
          if (high - low === count * F32_BYTES && there % F32_BYTES === 0) {
            decoder.decode(stored, one, count, new Float32Array(target.buffer, there, count));
            return;
          }
          const values = scratchOf(count);
          decoder.decode(stored, one, count, values);
          const bytes = new Uint8Array(values.buffer, values.byteOffset, count * F32_BYTES);
          target.set(bytes.subarray(low - one * F32_BYTES, high - one * F32_BYTES), at + low);
        },
      };
    }
  }
}

interface Held extends StoredRange {
  readonly bytes: Uint8Array;
}

/** Ranges of all files as few as cover the same bytes, ascending within each file. */
function unionsOf(ranges: readonly StoredRange[]): StoredRange[] {
  if (ranges.length === 1) return [...ranges];
  const byFile = new Map<number, ByteRange[]>();
  for (const range of ranges) {
    const list = byFile.get(range.file);
    if (list === undefined) byFile.set(range.file, [range]);
    else list.push(range);
  }
  return [...byFile].flatMap(([file, list]) => unionOf(list).map(({ start, end }) => ({ file, start, end })));
}

/** The bytes of each range, out of what was read. */
function cut(ranges: readonly StoredRange[], held: readonly Held[]): Uint8Array[] {
  if (held.length === 1) {
    const { start: base, bytes } = held[0]!;
    return ranges.map(({ start, end }) => bytes.subarray(start - base, end - base));
  }
  const byFile = new Map<number, Held[]>();
  for (const piece of held) {
    const list = byFile.get(piece.file);
    if (list === undefined) byFile.set(piece.file, [piece]);
    else list.push(piece);
  }
  return ranges.map(({ file, start, end }) => {
    const pieces = byFile.get(file) ?? [];
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pieces[middle]!.start <= start) low = middle + 1;
      else high = middle;
    }
    const piece = pieces[low - 1];
    return piece === undefined ? new Uint8Array() : piece.bytes.subarray(start - piece.start, end - piece.start);
  });
}
