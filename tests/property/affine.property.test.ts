import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { affineDecoder, type Codes, type Groups } from "../../src/decoding/affine.ts";
import { decodedSource } from "../../src/decoding/decoded-source.ts";
import { announcedOnly } from "../support/decoders.ts";
import { floats } from "../support/onnx-file.mjs";

const quantised = fc.record({
  outer: fc.integer({ min: 1, max: 4 }),
  length: fc.integer({ min: 1, max: 7 }),
  inner: fc.integer({ min: 1, max: 6 }),
  block: fc.integer({ min: 1, max: 8 }),
  per: fc.constantFrom("tensor", "axis", "block"),
  bits: fc.constantFrom(2, 4, 8),
  signed: fc.boolean(),
  zero: fc.constantFrom("none", "codes", "floats"),
  padded: fc.boolean(),
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  to: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** Small numbers that differ from one another, as codes of so many bits. */
const codeAt = (place: number, bits: number): number => (place * 7 + 3) % 2 ** bits;
const signedCode = (code: number, bits: number, signed: boolean): number =>
  signed && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;

function packed(count: number, bits: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((count * bits) / 8));
  for (let i = 0; i < count; i++) bytes[(i * bits) >> 3]! |= codeAt(i, bits) << ((i * bits) % 8);
  return bytes;
}

describe("values that were quantised in groups", () => {
  test.prop([quantised], { numRuns: 600 })(
    "are (code - zero point) * scale, whichever part is asked for",
    async (drawn) => {
      const { outer, length, inner, block, per, bits, signed, zero, padded, from, to } = drawn;
      const elements = outer * length * inner;
      const blocks = Math.ceil(length / block);
      // Rows with room for more, as those of whole blocks.
      const room = padded && inner === 1 ? blocks * block : length;
      const type: Codes["type"] = bits === 8 ? (signed ? "I8" : "U8") : { bits: bits as 2 | 4, signed };
      const rows = room === length ? undefined : { length, stored: room };
      const count = per === "tensor" ? 1 : per === "axis" ? length : outer * blocks * inner;
      const scales = Array.from({ length: count }, (_, i) => 1 + i);
      const halves = scales.map((scale) => scale / 2);
      const groups: Groups = { per: per as Groups["per"], length, inner, block };
      const files = [packed(outer * room * inner, bits), floats(...scales), packed(count, bits), floats(...halves)];
      const zeros = {
        none: 2,
        codes: { file: 2, start: 0, type },
        floats: { file: 3, start: 0, type: "F32" } as const,
      }[zero as "none"];
      const decoder = affineDecoder(
        { file: 0, start: 0, type, rows },
        { file: 1, start: 0, type: "F32" },
        zeros,
        groups,
      );

      const expected = Array.from({ length: elements }, (_, e) => {
        const [i, a, o] = [e % inner, Math.floor(e / inner) % length, Math.floor(e / (inner * length))];
        const group = per === "tensor" ? 0 : per === "axis" ? a : (o * blocks + Math.floor(a / block)) * inner + i;
        const place = rows === undefined ? e : o * room + a;
        const point = { none: 2, codes: signedCode(codeAt(group, bits), bits, signed), floats: halves[group]! }[
          zero as "none"
        ];
        return (signedCode(codeAt(place, bits), bits, signed) - point) * scales[group]! + 0;
      });
      const sources = files.map((file) => announcedOnly(memorySource(file)));
      const source = decodedSource([{ begin: 0, elements, decoder }], sources, "here");
      if ("prefetch" in source) await source.prefetch([{ start: 0, end: source.size }]);
      const [low, high] = [from, to].map((part) => Math.floor(part * elements)).sort((a, b) => a - b) as [
        number,
        number,
      ];
      const read = await source.read(4 * low, 4 * high);
      expect([...new Float32Array(read.slice().buffer)].map((value) => value + 0)).toEqual(expected.slice(low, high));
    },
  );
});
