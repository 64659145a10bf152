import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blockRounder } from "../../../src/decoding/ggml/round-blocks.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

/** Values, and of each type the digest of what ggml makes of them. */
interface Fixture {
  readonly values: string;
  readonly rounded: Readonly<Record<string, string>>;
}

/** Written by tests/interop/ggml.mjs. */
const fixture: Fixture = JSON.parse(readFileSync(new URL("../../fixtures/ggml/rounded.json", import.meta.url), "utf8"));
const bytes = Buffer.from(fixture.values, "base64");
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const TYPES = Object.keys(fixture.rounded);

function rounded(type: string, given: Float32Array): Float32Array {
  const out = new Float32Array(given.length);
  blockRounder(type)!(given, out);
  return out;
}

describe("blocks of ggml", () => {
  it.each(TYPES)("of %s are what its quantiser makes of values, to the bit", (type) => {
    // Zeros lose their sign in some order or other.
    const bits = rounded(type, values).map((value) => value + 0);
    expect(createHash("sha256").update(new Uint8Array(bits.buffer)).digest("hex")).toBe(fixture.rounded[type]);
  });

  it("are of all types that ggml quantises to by values alone", () => {
    expect(TYPES).toEqual([
      "Q4_0",
      "Q4_1",
      "Q5_0",
      "Q5_1",
      "Q8_0",
      "Q2_K",
      "Q3_K",
      "Q4_K",
      "Q5_K",
      "Q6_K",
      "IQ4_NL",
      "MXFP4",
    ]);
    expect(["IQ2_XXS", "F16", "Q8_K", ""].map(blockRounder)).toEqual([null, null, null, null]);
  });

  it.each(TYPES)("of %s are zeros where values are", (type) => {
    expect(rounded(type, new Float32Array(512)).every((value) => value === 0)).toBe(true);
  });

  /** Levels of a type over the widest range of a block; those of a table are further apart. */
  const LEVELS: Readonly<Record<string, number>> = { Q2_K: 3, Q3_K: 7, IQ4_NL: 7, MXFP4: 4 };
  const levelsOf = (type: string) => LEVELS[type] ?? 2 ** Number(type[1]) - 1;

  it.each(TYPES)("of %s lie within a step of the values", (type) => {
    const next = randomWords(7);
    const drawn = Float32Array.from({ length: 4096 }, () => (next() / 2 ** 31 - 1) * 0.1);
    const out = rounded(type, drawn);
    for (let at = 0; at < drawn.length; at += 256) {
      const block = drawn.subarray(at, at + 256);
      const size = Math.max(...block.map(Math.abs));
      const apart = Math.max(...block.map((value, i) => Math.abs(out[at + i]! - value)));
      expect(apart).toBeLessThanOrEqual((2.1 * size) / levelsOf(type));
    }
  });

  it("round ties of eight bits away from zero", () => {
    const given = new Float32Array(32);
    given.set([127, 0.5, -0.5, 1.5, -2.5, 3.49]);
    expect([...rounded("Q8_0", given).subarray(0, 6)]).toEqual([127, 1, -1, 2, -3, 3]);
  });

  it("take the largest value for the lowest code, whatever its sign", () => {
    const given = new Float32Array(32).fill(-1);
    given[3] = 8;
    expect([...new Set(rounded("Q4_0", given))]).toEqual([-1, 8]);
    given[4] = -7.9;
    expect(rounded("Q4_0", given)[4]).toBe(-7);
  });
});
