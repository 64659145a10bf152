import { type ByteSource, canPrefetch, type PrefetchingSource } from "../../src/bytes/byte-source.ts";
import { unionOf } from "../../src/bytes/range.ts";
import type { Decoder, StoredRange } from "../../src/decoding/decoder.ts";

/** Bytes as numbers, `unit` of them a block behind a byte that is added to each; whole blocks lie from the last to the first. */
export function reversedBlocks(file: number, start: number, unit: number, blocks: number): Decoder {
  const size = unit + 1;
  return {
    unit,
    ranges(first, count) {
      const ranges: StoredRange[] = [];
      for (let block = first / unit; block < (first + count) / unit; block++) {
        const at = start + (blocks - 1 - block) * size;
        ranges.push({ file, start: at, end: at + size });
      }
      return ranges;
    },
    decode(stored, _first, _count, out) {
      for (const [i, bytes] of stored.entries()) {
        const values = Math.min(unit, out.length - i * unit);
        for (let j = 0; j < values; j++) out[i * unit + j] = bytes[0]! + bytes[j + 1]!;
      }
    },
  };
}

/** A source that cannot be read at once. */
export function slow(source: ByteSource): ByteSource {
  const { location, size } = source;
  return {
    location,
    size,
    read: (start, end) => source.read(start, end),
    verifyUnchanged: () => source.verifyUnchanged(),
    close: () => source.close(),
  };
}

/** A source that gives what was announced to it last, and refuses everything else. */
export function announcedOnly(source: ByteSource): PrefetchingSource {
  let fetched: readonly { readonly start: number; readonly end: number }[] = [];
  return {
    ...slow(source),
    async read(start, end) {
      const isThere = start === end || fetched.some((range) => range.start <= start && end <= range.end);
      if (!isThere) throw new Error(`[${start}, ${end}) was not announced`);
      return source.read(start, end);
    },
    async prefetch(ranges) {
      fetched = unionOf(ranges);
      if (canPrefetch(source)) await source.prefetch(ranges);
    },
  };
}
