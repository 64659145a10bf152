import {
  type ByteRange,
  type ByteSource,
  canPrefetch,
  isSync,
  type PrefetchingSource,
  type SyncByteSource,
} from "../bytes/byte-source.ts";
import { lastBegun } from "../bytes/last-begun.ts";
import { requireRange, unionOf } from "../bytes/range.ts";
import { requireHeld, withStoredRoom } from "../kernels/tiles.ts";
import { type DecodedPart, MAX_UNIT, type Opened, type Part, PIECE_ELEMENTS, type StoredRange } from "./decoder.ts";
import { cut, type Held, unionsOf } from "./stored-pieces.ts";
import { StoredWindows, type Window } from "./stored-windows.ts";

const F32_BYTES = 4;

/** Bytes of a range of the virtual file that were decoded before they are read. */
interface Announced extends ByteRange {
  readonly bytes: Uint8Array;
}

/**
 * Elements of one part that are decoded together, of a window or of what is stored of them alone, or stored bytes that are taken
 * as they are. `fill` writes what of a piece lies in the bytes that were asked for.
 */
type Piece =
  | { readonly window: Window; readonly fill: (opened: Opened, target: Uint8Array) => void }
  | {
      readonly window: null;
      readonly ranges: readonly StoredRange[];
      readonly fill: (stored: readonly Uint8Array[], target: Uint8Array) => void;
    };

/**
 * A virtual file in which every tensor stands as plain values, whatever is stored: reading it reads what is stored and decodes
 * whole units of that. Bytes between the parts are zeros. Synchronous where all of its files are, and prefetching where any can.
 * Memory: at most a mebibyte of values at a time, or one unit, beside what is asked for; and what is stored of the elements that
 * a decoder reads together.
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

  const windows = new StoredWindows(files);
  /** Values that were decoded when they were announced. */
  let announced: readonly Announced[] = [];
  const source: ByteSource = {
    location,
    size,
    async read(start, end) {
      requireRange(start, end, size, location);
      const known = announcedAt(announced, start, end);
      if (known !== null) return known.bytes.slice(start - known.start, end - known.start);
      const target = new Uint8Array(end - start);
      for (const piece of piecesOf(start, end)) {
        if (piece.window !== null) {
          piece.fill(await windows.later(piece.window), target);
          continue;
        }
        const { ranges, fill } = piece;
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
      announced = [];
      windows.forget();
      await Promise.all(files.map((file) => file.close()));
    },
  };

  if (files.every(isSync)) {
    const near = files as readonly SyncByteSource[];
    const sync: SyncByteSource = {
      ...source,
      readIntoSync(target, start) {
        const { length } = target;
        requireRange(start, start + length, size, location);
        clearGaps(sorted, start, target);
        for (const piece of piecesOf(start, start + length)) {
          if (piece.window !== null) {
            piece.fill(windows.now(piece.window), target);
            continue;
          }
          const { ranges, fill } = piece;
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
        requireHeld(target, length);
      },
    };
    return sync;
  }
  if (!files.some(canPrefetch)) return source;
  async function decodedEarly(ranges: readonly ByteRange[], signal?: AbortSignal): Promise<readonly Announced[]> {
    const early = ranges.map(({ start, end }): Announced => ({ start, end, bytes: new Uint8Array(end - start) }));
    const needed = new Map<number, { readonly window: Window; readonly within: Announced[] }>();
    for (const range of early) {
      for (const window of windowsIn(sorted, range.start, range.end)) {
        const known = needed.get(window.at);
        if (known === undefined) needed.set(window.at, { window, within: [range] });
        else known.within.push(range);
      }
    }
    const each = windows.announced(
      [...needed.values()].map(({ window }) => window),
      signal,
    );
    for await (const [{ at }, opened] of each) {
      for (const { start, end, bytes } of needed.get(at)!.within) {
        for (const piece of piecesOf(start, end)) {
          if (piece.window !== null && piece.window.at === at) piece.fill(opened, bytes);
        }
      }
    }
    // Neighbours that are stored as they are, or need no window.
    for (const { start, end, bytes } of early) {
      for (const piece of piecesOf(start, end)) {
        if (piece.window !== null) continue;
        const read: Held[] = [];
        for (const range of unionsOf(piece.ranges)) {
          read.push({ ...range, bytes: await files[range.file]!.read(range.start, range.end) });
        }
        piece.fill(cut(piece.ranges, read), bytes);
      }
    }
    return early;
  }
  const far: PrefetchingSource = {
    ...source,
    async prefetch(ranges, signal) {
      const unions = unionOf(ranges);
      for (const { start, end } of unions) requireRange(start, end, size, location);
      const early = unions.filter(({ start, end }) => windowsIn(sorted, start, end).length > 0);
      const isEarly = new Set(early);
      announced = [];
      // Their windows may be many, and large: each is used up before the next one is fetched.
      announced = await decodedEarly(early, signal);
      const wanted = files.map((): ByteRange[] => []);
      for (const range of unions) {
        if (isEarly.has(range)) continue;
        for (const { file, start, end } of storedBehind(sorted, range.start, range.end))
          wanted[file]!.push({ start, end });
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

/** The one of several ranges, ascending and apart, that holds the bytes [start, end). */
function announcedAt(ranges: readonly Announced[], start: number, end: number): Announced | null {
  const last = lastBegun(ranges, start);
  return last !== undefined && end <= last.end ? last : null;
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

/** Zeros where no part lies: what is decoded is not written twice. */
function clearGaps(sorted: readonly Part[], start: number, target: Uint8Array): void {
  let at = start;
  for (const { part, from, to } of partsIn(sorted, start, start + target.length)) {
    if (part.begin + from > at) target.fill(0, at - start, part.begin + from - start);
    at = part.begin + to;
  }
  target.fill(0, at - start);
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

/** What is read together with an element, where its decoder reads so. */
function windowAt({ begin, decoder, elements }: DecodedPart, element: number): Window | null {
  const { together } = decoder;
  if (together === undefined) return null;
  const size = together.elements;
  const first = Math.floor(element / size) * size;
  return { at: begin + first * F32_BYTES, decoder, together, first, count: Math.min(size, elements - first) };
}

function windowsIn(sorted: readonly Part[], start: number, end: number): Window[] {
  const windows: Window[] = [];
  for (const { part, from, to } of partsIn(sorted, start, end)) {
    if (!("decoder" in part) || part.decoder.together === undefined) continue;
    const [first, last] = unitsAround(part.decoder.unit, part.elements, from, to);
    for (let at = first; at < last; ) {
      const window = windowAt(part, at)!;
      windows.push(window);
      at = window.first + window.count;
    }
  }
  return windows;
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
      yield { ranges, window: null, fill: ([bytes], target) => target.set(bytes!, at + from) };
      continue;
    }
    const { decoder, elements } = part;
    const [first, last] = unitsAround(decoder.unit, elements, from, to);
    const step = Math.max(1, Math.floor(PIECE_ELEMENTS / decoder.unit)) * decoder.unit;
    for (let one = first, count = 0; one < last; one += count) {
      const window = windowAt(part, one);
      count = Math.min(step, last - one, (window?.first ?? 0) + (window?.count ?? last) - one);
      if (decoder.seam !== undefined) count = Math.min(count, decoder.seam - (one % decoder.seam));
      const [begin, length] = [one, count];
      const [low, high] = [Math.max(from, begin * F32_BYTES), Math.min(to, (begin + length) * F32_BYTES)];
      const fill = (target: Uint8Array, decode: (out: Float32Array) => void): void => {
        const there = target.byteOffset + at + low;
        // Whole and aligned, as nearly all are: decoded where it is wanted.
        if (high - low === length * F32_BYTES && there % F32_BYTES === 0) {
          decode(new Float32Array(target.buffer, there, length));
          return;
        }
        const values = scratchOf(length);
        decode(values);
        const bytes = new Uint8Array(values.buffer, values.byteOffset, length * F32_BYTES);
        target.set(bytes.subarray(low - begin * F32_BYTES, high - begin * F32_BYTES), at + low);
      };
      yield window === null
        ? {
            window,
            ranges: decoder.ranges(begin, length),
            fill: (stored, target) => fill(target, (out) => decoder.decode(stored, begin, length, out)),
          }
        : { window, fill: (opened, target) => fill(target, (out) => opened.decode(begin, length, out)) };
    }
  }
}
