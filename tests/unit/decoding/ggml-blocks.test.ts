import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blockDecoder } from "../../../src/decoding/ggml/decode-blocks.ts";
import { ggmlType } from "../../../src/formats/gguf/ggml-type.ts";

/** A few blocks of a type, quantised by ggml, drawn and hostile, and the digest of what ggml makes of them. */
interface Fixture {
  readonly type: string;
  readonly bytes: number;
  readonly elements: number;
  readonly blocks: string;
  readonly values: string;
}

/** Written by tests/interop/ggml.mjs. */
const FIXTURES: readonly Fixture[] = JSON.parse(
  readFileSync(new URL("../../fixtures/ggml/blocks.json", import.meta.url), "utf8"),
);
const TYPES = Array.from({ length: 64 }, (_, id) => ggmlType(id)).filter((type) => type !== undefined);

function decoded({ type, bytes, elements, blocks }: Fixture, littleEndian = true, turn = (block: Buffer) => block) {
  const stored = Buffer.from(blocks, "base64");
  const count = stored.length / bytes;
  const each = Array.from({ length: count }, (_, i) => turn(Buffer.from(stored.subarray(i * bytes, (i + 1) * bytes))));
  const values = new Float32Array(count * elements);
  blockDecoder(type, bytes, littleEndian)!(new Uint8Array(Buffer.concat(each)), values);
  return values;
}

function digestOf(values: Float32Array): string {
  const bits = new Uint32Array(values.buffer.slice(0));
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return createHash("sha256").update(new Uint8Array(bits.buffer)).digest("hex");
}

describe("blocks of ggml", () => {
  it.each(FIXTURES.map((fixture) => [fixture.type, fixture] as const))(
    "of %s decode to the bit as ggml does",
    (_, fixture) => {
      const type = TYPES.find(({ name }) => name === fixture.type);
      expect(type).toEqual({ name: fixture.type, elements: fixture.elements, bytes: fixture.bytes });
      expect(digestOf(decoded(fixture))).toBe(fixture.values);
    },
  );

  it("are of all types that ggml stores weights in", () => {
    const known = FIXTURES.map(({ type }) => type);
    const others = TYPES.map(({ name }) => name).filter((name) => !known.includes(name));
    // Integers are read as they are, and Q8_1 is what activations are quantised to.
    expect(others).toEqual(["Q8_1", "I8", "I16", "I32", "I64", "F64"]);
    expect(blockDecoder("Q8_1", 36, true)).toBeNull();
    expect(blockDecoder("I32", 4, true)).toBeNull();
  });

  it("keep what F64 has in f32", () => {
    const stored = new Uint8Array(new Float64Array([0.1, -3, Number.NaN, 1e300]).buffer);
    const values = new Float32Array(4);
    blockDecoder("F64", 8, true)!(stored, values);
    expect(values).toEqual(Float32Array.of(0.1, -3, Number.NaN, Number.POSITIVE_INFINITY));
  });

  it.each([
    ["F32", [0, 1, 2, 3]],
    ["F16", [0, 1]],
    ["BF16", [0, 1]],
    ["Q4_0", [0, 1]],
    ["Q8_0", [0, 1]],
    ["Q4_K", [0, 1], [2, 3]],
    ["Q6_K", [208, 209]],
    ["MXFP4"],
    ["NVFP4"],
  ] as const)("of %s decode alike in the other byte order", (name, ...words) => {
    const fixture = FIXTURES.find(({ type }) => type === name)!;
    const turn = (block: Buffer) => {
      for (const word of words as readonly (readonly number[])[]) block.subarray(word[0], word.at(-1)! + 1).reverse();
      return block;
    };
    expect(digestOf(decoded(fixture, false, turn))).toBe(fixture.values);
    expect(blockDecoder("Q5_K", 176, false)).toBeNull();
  });
});
