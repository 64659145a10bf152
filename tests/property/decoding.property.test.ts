import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { canPrefetch, isSync } from "../../src/bytes/byte-source.ts";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { decodedSource } from "../../src/decoding/decoded-source.ts";
import type { Part } from "../../src/decoding/decoder.ts";
import { announcedOnly, reversedBlocks, slow } from "../support/decoders.ts";

const STORED = Uint8Array.from({ length: 4096 }, (_, i) => (i * 131 + (i >> 5)) & 255);

interface Laid {
  readonly plain: boolean;
  readonly file: number;
  readonly unit: number;
  readonly blocks: number;
  readonly less: number;
  readonly gap: number;
  readonly start: number;
}

const piece: fc.Arbitrary<Laid> = fc.record({
  plain: fc.boolean(),
  file: fc.integer({ min: 0, max: 1 }),
  unit: fc.integer({ min: 1, max: 9 }),
  blocks: fc.integer({ min: 0, max: 12 }),
  less: fc.integer({ min: 0, max: 8 }),
  gap: fc.integer({ min: 0, max: 5 }),
  start: fc.integer({ min: 0, max: 2000 }),
});

/** Parts one after the other, and what their bytes are, decoded all at once. */
function laid(pieces: readonly Laid[]): { parts: Part[]; bytes: Uint8Array } {
  const parts: Part[] = [];
  const bytes: number[] = [];
  for (const { plain, file, unit, blocks, less, gap, start } of pieces) {
    while (bytes.length % 4 !== 0) bytes.push(0);
    for (let i = 0; i < gap * 4; i++) bytes.push(0);
    const begin = bytes.length;
    if (plain) {
      const stored = { file, start, end: start + unit * blocks };
      parts.push({ begin, stored });
      bytes.push(...STORED.subarray(stored.start, stored.end));
      continue;
    }
    const decoder = reversedBlocks(file, start, unit, blocks);
    const elements = Math.max(0, unit * blocks - Math.min(less, unit - 1));
    parts.push({ begin, elements, decoder });
    const values = new Float32Array(elements);
    const count = blocks * unit;
    if (elements > 0) {
      const stored = decoder.ranges(0, count).map(({ start, end }) => STORED.subarray(start, end));
      decoder.decode(stored, 0, elements, values);
    }
    bytes.push(...new Uint8Array(values.buffer));
  }
  // Zeros behind the last part are no part of the file.
  const last = parts.at(-1)!;
  const end = last.begin + ("decoder" in last ? last.elements * 4 : last.stored.end - last.stored.start);
  return { parts, bytes: Uint8Array.from(bytes.slice(0, end)) };
}

describe("any range of a decoded source is that of the whole, decoded at once", () => {
  const files = () => [memorySource(STORED, "a"), memorySource(STORED, "b")];
  const pieces = fc.array(piece, { minLength: 1, maxLength: 6 });
  const ends = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000), fc.integer({ min: 0, max: 7 })), { maxLength: 8 });

  test.prop([pieces, ends], { numRuns: 300 })("read at once, later and after it was announced", async (all, wanted) => {
    const { parts, bytes } = laid(all);
    const near = decodedSource([...parts].reverse(), files(), "near");
    const later = decodedSource(parts, files().map(slow), "later");
    const far = decodedSource(parts, files().map(announcedOnly), "far");
    if (!isSync(near) || !canPrefetch(far)) throw new Error("not what its files are");
    expect(near.size).toBe(bytes.length);
    const ranges = wanted.map(([a, b, odd]) => {
      const [start, end] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y);
      return { start: start!, end: end!, odd };
    });
    await far.prefetch(ranges);
    for (const { start, end, odd } of ranges) {
      const expected = bytes.subarray(start, end);
      expect(await near.read(start, end)).toEqual(expected);
      expect(await later.read(start, end)).toEqual(expected);
      expect(await far.read(start, end)).toEqual(expected);
      // Memory that is not aligned, and holds something already.
      const target = new Uint8Array(end - start + odd).fill(7).subarray(odd);
      near.readIntoSync(target, start);
      expect(target).toEqual(expected);
    }
  });
});
