import { expect, test } from "vitest";
import type { Slice } from "../../../src/fingerprint/fingerprint.ts";
import { SLICE_BLOCK } from "../../../src/fingerprint/slice.ts";
import { spectrumOf } from "../../../src/lineage/slice-spectrum.ts";
import { turnToAgree } from "../../../src/lineage/turned-slice.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { singularValues } from "../../../src/numerics/svd.ts";
import { unit } from "../../support/random-model.ts";

function sliceOf(values: Float32Array, height: number, width: number, gain: Float32Array | null = null): Slice {
  const blocks = Math.ceil(width / SLICE_BLOCK);
  const scale = new Float32Array(height * blocks);
  const q = new Int8Array(values.length);
  for (let i = 0; i < height; i++) {
    for (let b = 0; b < blocks; b++) {
      const at = i * width + b * SLICE_BLOCK;
      const part = values.subarray(at, Math.min((i + 1) * width, at + SLICE_BLOCK));
      const step = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
      scale[i * blocks + b] = step;
      part.forEach((x, k) => {
        q[at + k] = step === 0 ? 0 : Math.round(x / step);
      });
    }
  }
  return { sketch: 0, firstRow: 0, height, width, q, scale, gain };
}

function noise(height: number, width: number, seed: string): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: height * width }, () => random.normal());
}

/** `count` directions of `size` times the edge of noise. */
function planted(height: number, width: number, count: number, size: number, seed: string): Float32Array {
  const random = prng(`directions ${seed}`);
  const out = noise(height, width, seed);
  for (let k = 0; k < count; k++) {
    const [u, v] = [unit(height, random), unit(width, random)];
    const strength = size * (Math.sqrt(height) + Math.sqrt(width));
    for (let i = 0; i < out.length; i++) out[i]! += strength * u[Math.floor(i / width)]! * v[i % width]!;
  }
  return out;
}

const SHAPES = [
  [64, 96],
  [64, 256],
  [64, 64],
  [16, 400],
  [64, 48],
  [63, 33],
] as const;

test.each(SHAPES)("noise of %i x %i has no direction that is clear", (height, width) => {
  let found = 0;
  for (let seed = 0; seed < 30; seed++) {
    const random = prng(`sizes ${seed}`);
    const rows = Float64Array.from({ length: height }, () => Math.exp(0.5 * random.normal()));
    const columns = Float64Array.from({ length: width }, () => Math.exp(random.normal()));
    const values = noise(height, width, `noise ${seed}`).map(
      (x, i) => x * rows[Math.floor(i / width)]! * columns[i % width]!,
    );
    found += spectrumOf(sliceOf(values, height, width), false)!.learned.length;
  }
  // Of small slices an edge is no sharp one.
  expect(found).toBeLessThanOrEqual(Math.min(height, width) < 40 ? 6 : 1);
});

test.each(SHAPES)(
  "directions planted in noise of %i x %i are all found, nearly all of them learned",
  (height, width) => {
    const count = Math.min(5, Math.floor(Math.min(height, width) / 4));
    const { learned } = spectrumOf(sliceOf(planted(height, width, count, 3, "many"), height, width), false)!;
    expect(learned).toHaveLength(count);
    for (const share of learned) {
      // Of sixteen singular values the median is no good measure of noise.
      expect(share).toBeGreaterThan(height < 32 ? 0.5 : 0.75);
      expect(share).toBeLessThan(1);
    }
    const fewer = spectrumOf(sliceOf(planted(height, width, count, 1.5, "weak"), height, width), false)!;
    for (const share of fewer.learned) expect(share).toBeLessThan(Math.max(...learned));
  },
);

test("no more than a third of the spectrum, and sixteen, are taken for directions", () => {
  const few = spectrumOf(sliceOf(planted(16, 400, 12, 3, "few"), 16, 400), false)!;
  expect(few.learned.length).toBeLessThanOrEqual(5);
  const many = spectrumOf(sliceOf(planted(64, 256, 30, 3, "much"), 64, 256), false)!;
  expect(many.learned.length).toBeLessThanOrEqual(16);
});

test("the values are normalised, the shorter side first, and the singular values theirs", () => {
  for (const [height, width] of SHAPES) {
    const found = spectrumOf(sliceOf(planted(height, width, 2, 2, "normalised"), height, width), false)!;
    expect([found.m, found.n, found.transposed]).toEqual([
      Math.min(height, width),
      Math.max(height, width),
      height > width,
    ]);
    const values = found.values();
    const { m, n } = found;
    const rms = (line: (k: number) => number, count: number) =>
      Math.sqrt(Array.from({ length: count }, (_, k) => line(k) ** 2).reduce((a, b) => a + b, 0) / count);
    // Columns of the slice as it lies came last.
    for (let j = 0; j < width; j++) {
      expect(found.transposed ? rms((k) => values[j * n + k]!, n) : rms((k) => values[k * n + j]!, m)).toBeCloseTo(
        1,
        6,
      );
    }
    const s = singularValues(values, m, n);
    for (let i = 0; i < m; i++) expect(found.s[i]).toBeCloseTo(s[i]!, 5);
  }
});

test("is computed once of a slice, with gains or without, and not of what is no number", () => {
  const values = planted(64, 96, 2, 2, "once");
  const gain = Float32Array.from({ length: 96 }, (_, j) => 2 ** (j % 3));
  const slice = sliceOf(values, 64, 96, gain);
  expect(spectrumOf(slice, true)).toBe(spectrumOf(slice, true));
  expect(spectrumOf(slice, true)).not.toBe(spectrumOf(slice, false));
  // Columns are brought to one length: a gain by itself changes nothing that is learned.
  expect(spectrumOf(slice, true)!.learned.length).toBe(spectrumOf(slice, false)!.learned.length);
  const loud = { ...slice, scale: slice.scale.map(() => 2 ** 120), gain: gain.map(() => 2 ** 100) };
  expect(spectrumOf(loud, true)).toBeNull();
});

test("signs of rows and columns are turned to agree, whichever they were", () => {
  const random = prng("coins");
  for (const [height, width] of SHAPES) {
    const a = planted(height, width, 3, 3, "turned");
    const coins = (n: number) => Array.from({ length: n }, () => (random.below(2) === 0 ? 1 : -1));
    const [rows, columns] = [coins(height), coins(width)];
    const b = a.map((x, i) => x * rows[Math.floor(i / width)]! * columns[i % width]!);
    const back = turnToAgree(a, b, height, width);
    const agreement = a.reduce((sum, x, i) => sum + x * back[i]!, 0) / a.reduce((sum, x) => sum + x * x, 0);
    expect(agreement).toBeGreaterThan(0.99);
    expect(turnToAgree(a, a, height, width)).toEqual(a);
    // Of strangers it makes no more than choosing can.
    const other = noise(height, width, "stranger");
    const found = turnToAgree(noise(height, width, "base"), other, height, width);
    const base = noise(height, width, "base");
    const r = base.reduce((sum, x, i) => sum + x * found[i]!, 0) / (height * width);
    expect(r).toBeLessThan(1.1 * (1 / Math.sqrt(height) + 1 / Math.sqrt(width)));
  }
});
