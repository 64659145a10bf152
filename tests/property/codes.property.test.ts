import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { MatrixSketch } from "../../src/fingerprint/fingerprint.ts";
import { laneBits, sketchCode } from "../../src/fingerprint/layer-codes.ts";
import { laneCount, nearestCodes } from "../../src/kernels/bits.ts";
import { randomFingerprint, randomWords } from "../support/random-fingerprint.ts";
import { turnedRows } from "../support/turned-rows.ts";

const ROOT = "ab".repeat(32);

function randomSketch(seed: number, cols: number, height: number, tokens: boolean): MatrixSketch {
  const next = randomWords(seed);
  const words = Math.ceil(cols / 32);
  const sampled = Array.from({ length: height }, (_, i) => i);
  const bits = Uint32Array.from({ length: height * words }, (_, i) => {
    const used = Math.min(32, cols - 32 * (i % words));
    return next() >>> (32 - used);
  });
  const template = randomFingerprint({ seed: 1, layers: 1, roles: ["q"] }).sketches[0]!;
  return { ...template, cols, sampled, tokens, valid: sampled.map(() => next() % 8 > 0), bits };
}

function distance(a: Uint8Array, b: Uint8Array, cols: number): number {
  let found = Number.NaN;
  nearestCodes(a, b, laneBits(cols), 0, Float64Array.of(1), (_, __, nearest) => {
    found = nearest[0]!;
  });
  return found;
}

describe("distances of codes", () => {
  const seed = fc.integer();
  const cols = fc.integer({ min: 2, max: 300 });

  test.prop([seed, cols, fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.array(fc.boolean(), { maxLength: 40 })])(
    "do not change when rows have their signs turned",
    (s, width, height, tokens, turns) => {
      const sketch = randomSketch(s, width, height, tokens);
      const other = sketchCode(randomSketch(s + 1, width, height, tokens), ROOT);
      const code = sketchCode(sketch, ROOT);
      const turned = sketchCode(
        turnedRows(sketch, (row) => turns[row] ?? false),
        ROOT,
      );
      expect(turned === null).toBe(code === null);
      if (code === null || turned === null) return;
      expect(distance(turned, code, width)).toBe(0);
      if (other !== null) expect(distance(turned, other, width)).toBe(distance(code, other, width));
    },
  );

  test.prop([seed, cols])("are at most half of the bits in use", (s, width) => {
    const [a, b] = [s, s + 1].map(
      (x) => sketchCode({ ...randomSketch(x, width, 8, false), valid: Array(8).fill(true) }, ROOT)!,
    );
    expect(distance(a!, b!, width)).toBeLessThanOrEqual(laneCount(laneBits(width)) * Math.floor(laneBits(width) / 2));
  });
});
