import { describe, expect, test } from "vitest";
import { layerCodes, sketchCode } from "../../../src/fingerprint/codes.ts";
import type { Sketch } from "../../../src/fingerprint/fingerprint.ts";
import { popcount32 } from "../../../src/kernels/bits.ts";
import { subset } from "../../../src/numerics/prng.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

const bitOf = (words: Uint32Array, i: number): number => (words[i >> 5]! >>> (i & 31)) & 1;

describe("codes", () => {
  test.each([
    [64, 64],
    [300, 64],
    [4096, 8],
  ])("are 256 signs of eight rows and a fixed subset of %i columns", (cols, height) => {
    const sketch = randomFingerprint({ seed: 1, layers: 1, cols }).sketches[0]!;
    expect(sketch.sampled).toHaveLength(height);
    const columns = subset(cols, 32, "weightmark code columns");
    const words = Math.ceil(cols / 32);
    const expected = new Uint8Array(32);
    for (let r = 0; r < 8; r++) {
      const row = sketch.bits.subarray(
        Math.floor((r * height) / 8) * words,
        (Math.floor((r * height) / 8) + 1) * words,
      );
      columns.forEach((j, c) => {
        const bit = r * 32 + c;
        expected[bit >> 3]! |= bitOf(row, j) << (bit & 7);
      });
    }
    expect(sketchCode(sketch)).toEqual(expected);
  });

  test.each([1, 2, 3, 5, 6, 7])("are made of %i rows as well", (height) => {
    const cols = 96;
    const sketch = randomFingerprint({ seed: 1, layers: 1, cols }).sketches[0]!;
    const rows = Array.from({ length: height }, (_, i) => i);
    const bits = new Uint32Array(height * (cols / 32)).fill(0xffffffff);
    const code = sketchCode({ ...sketch, sampled: rows, valid: rows.map(() => true), bits })!;
    const ones = code.reduce((sum, byte) => sum + popcount32(byte), 0);
    expect(ones).toBe(height * Math.min(cols, Math.floor(256 / height)));
  });

  test("leave out what cannot be used, token rows, and all experts but the first", () => {
    const fp = randomFingerprint({ seed: 2, layers: 1, roles: ["q", "k", "v", "up", "gate"] });
    const [q, k, v, up, gate] = fp.sketches as [Sketch, Sketch, Sketch, Sketch, Sketch];
    const sketches: Sketch[] = [
      q,
      { ...k, valid: k.valid.map(() => false) },
      { ...v, tokens: true },
      { ...up, expert: 0 },
      { ...gate, expert: 1 },
    ];
    expect(layerCodes({ ...fp, sketches }).map((c) => c.role)).toEqual(["q", "up"]);
  });
});
