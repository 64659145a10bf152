import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { decodedSource } from "../../src/decoding/decoded-source.ts";
import { stridedDecoder } from "../../src/decoding/strided.ts";
import type { StoredArray } from "../../src/formats/stored-array.ts";
import { announcedOnly } from "../support/decoders.ts";

/** Arrays of any layout over numbers that count themselves, so that every element tells where it was. */
const layouts = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 6 }), stride: fc.integer({ min: 0, max: 40 }) }), { maxLength: 4 })
  .chain((axes) =>
    fc.record({
      axes: fc.constant(axes),
      offset: fc.integer({ min: 0, max: 5 }),
      bigEndian: fc.boolean(),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );

function stored(count: number, bigEndian: boolean): Uint8Array {
  const bytes = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i++) bigEndian ? bytes.writeFloatBE(i, 4 * i) : bytes.writeFloatLE(i, 4 * i);
  return bytes;
}

/** Element by element, as a definition of strides has it. */
function plain(shape: readonly number[], strides: readonly number[], offset: number): number[] {
  let places = [offset];
  for (const [axis, size] of shape.entries()) {
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[axis]!));
  }
  return places;
}

describe("arrays at strides of their own", () => {
  test.prop([layouts], { numRuns: 400 })("are given in order, whichever part is asked for", async (layout) => {
    const { axes, offset, bigEndian, from, to } = layout;
    const shape = axes.map(({ size }) => size);
    const strides = axes.map(({ stride }) => stride);
    const expected = plain(shape, strides, offset);
    const bytes = stored(Math.max(...expected) + 1, bigEndian);
    const array: StoredArray = { name: "w", dtype: "F32", shape, strides, begin: 4 * offset, bigEndian };
    const parts = [{ begin: 0, elements: expected.length, decoder: stridedDecoder(array, 0) }];
    const source = decodedSource(parts, [memorySource(bytes)], "a");
    const whole = new Float32Array((await source.read(0, source.size)).slice().buffer);
    expect([...whole]).toEqual(expected);

    const [low, high] = [from, to].map((part) => Math.floor(part * source.size)).sort((a, b) => a - b) as [
      number,
      number,
    ];
    const far = decodedSource(parts, [announcedOnly(memorySource(bytes))], "a");
    if ("prefetch" in far) await far.prefetch([{ start: 0, end: source.size }]);
    expect(await far.read(low, high)).toEqual(new Uint8Array(whole.buffer).slice(low, high));
  });
});
