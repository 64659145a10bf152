import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { blockDecoder } from "../../src/decoding/ggml/decode-blocks.ts";
import { ggmlType } from "../../src/formats/gguf/ggml-type.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { withStoredRoom } from "../../src/kernels/tiles.ts";
import { PLAIN_BLOCKS } from "../oracles/ggml-blocks.ts";

const TYPES = Array.from({ length: 64 }, (_, id) => ggmlType(id)).filter((type) => type !== undefined);
const KERNELS = Object.keys(PLAIN_BLOCKS).map((name) => TYPES.find((type) => type.name === name)!);

/** Bits of values, of NaN only that it is none: plain code and kernels may give it another sign. */
function bitsOf(values: Float32Array): string {
  const bits = new Uint32Array(values.slice().buffer);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return Buffer.from(bits.buffer).toString("hex");
}

/** Any bytes: scales that are infinite, subnormal or none are among them. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed | 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

describe.each(KERNELS.map((type) => [type.name, type] as const))("blocks of %s", (name, { bytes, elements }) => {
  const decode = blockDecoder(name, bytes, true)!;

  test.prop([fc.integer(), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 3 })], { numRuns: 15 })(
    "are decoded by the kernel to the bit as plainly, wherever they lie",
    (seed, blocks, odd) => {
      const stored = noise(seed, blocks * bytes + odd).subarray(odd);
      const values = new Float32Array(blocks * elements);
      PLAIN_BLOCKS[name]!(stored, values);
      const expected = bitsOf(values);
      const found = new Float32Array(blocks * elements + odd).subarray(odd);
      decode(stored, found);
      expect(bitsOf(found)).toBe(expected);
      const { arena } = loadKernels();
      arena.scope(() => {
        const target = arena.f32(arena.alloc(found.length * 4 + 4 * odd), found.length);
        withStoredRoom(stored.length + odd, (memory) => {
          memory.set(stored, odd);
          decode(memory.subarray(odd), target);
        });
        expect(bitsOf(target)).toBe(expected);
      });
    },
  );
});

test("more blocks than a tile holds are decoded tile by tile", () => {
  for (const { name, bytes, elements } of KERNELS) {
    const blocks = Math.ceil((1 << 18) / elements) + 3;
    const stored = noise(7, blocks * bytes);
    const [expected, found] = [new Float32Array(blocks * elements), new Float32Array(blocks * elements)];
    PLAIN_BLOCKS[name]!(stored, expected);
    blockDecoder(name, bytes, true)!(stored, found);
    expect(bitsOf(found) === bitsOf(expected)).toBe(true);
  }
});

test("room that is taken is not given twice", () => {
  withStoredRoom(16, (outer) => {
    outer.fill(1);
    withStoredRoom(16, (inner) => inner.fill(2));
    expect([...outer]).toEqual(Array(16).fill(1));
  });
  expect(() =>
    withStoredRoom(1, () => {
      throw new Error("while it is taken");
    }),
  ).toThrow("while it is taken");
  const { memory } = loadKernels();
  withStoredRoom(1, (room) => expect(room.buffer).toBe(memory.buffer));
  withStoredRoom(1 << 20, (room) => expect(room.buffer).not.toBe(memory.buffer));
});
