import type { ByteRange } from "../bytes/byte-source.ts";
import { lastBegun } from "../bytes/last-begun.ts";
import { unionOf } from "../bytes/range.ts";
import type { StoredRange } from "./decoder.ts";

/** Stored bytes that were read. */
export interface Held extends StoredRange {
  readonly bytes: Uint8Array;
}

/** Ranges of all files as few as cover the same bytes, ascending within each file. */
export function unionsOf(ranges: readonly StoredRange[]): StoredRange[] {
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
export function cut(ranges: readonly StoredRange[], held: readonly Held[]): Uint8Array[] {
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
    const piece = lastBegun(byFile.get(file) ?? [], start);
    return piece === undefined ? new Uint8Array() : piece.bytes.subarray(start - piece.start, end - piece.start);
  });
}
