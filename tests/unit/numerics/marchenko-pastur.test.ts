import { describe, expect, test } from "vitest";
import { medianOfNoise, signalShare } from "../../../src/numerics/marchenko-pastur.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { singularValues, thinSvd } from "../../../src/numerics/svd.ts";
import { unit } from "../../support/random-model.ts";

/** m x n entries of variance 1 / n. */
function noise(m: number, n: number, seed: string): Float64Array {
  const random = prng(seed);
  return Float64Array.from({ length: m * n }, () => random.normal() / Math.sqrt(n));
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("the median singular value of noise", () => {
  test.each([
    [16, 1024],
    [32, 256],
    [64, 128],
    [64, 96],
    [64, 64],
  ])("is that of simulated %i x %i matrices", (m, n) => {
    const runs = Array.from({ length: 12 }, (_, seed) => {
      const s = singularValues(noise(m, n, `noise ${seed}`), m, n);
      return (s[m / 2 - 1]! + s[m / 2]!) / 2;
    });
    // The limit; matrices of this size lie within a percent or two of it.
    expect(Math.abs(mean(runs) / medianOfNoise(m / n) - 1)).toBeLessThan(0.02);
  });

  test("is 1 for matrices that are all width, and lies between the edges, falling with the ratio", () => {
    expect(medianOfNoise(1e-9)).toBeCloseTo(1, 3);
    let before = Number.POSITIVE_INFINITY;
    for (let g = 0.02; g <= 1; g += 0.02) {
      const median = medianOfNoise(g);
      expect(median).toBeGreaterThan(1 - Math.sqrt(g));
      expect(median).toBeLessThan(1 + Math.sqrt(g));
      expect(median).toBeLessThan(before);
      before = median;
    }
    // Half of the quarter circle law's mass: x sqrt(4 - x^2) / 4 + asin(x / 2) = pi / 4.
    const x = medianOfNoise(1);
    expect((x * Math.sqrt(4 - x * x)) / 4 + Math.asin(x / 2)).toBeCloseTo(Math.PI / 4, 3);
  });
});

describe("the share of an observed direction that is signal", () => {
  test("is 0 up to the edge of noise, rises above it and never reaches 1", () => {
    for (const g of [0.05, 0.25, 0.5, 1]) {
      const edge = 1 + Math.sqrt(g);
      for (const x of [0, 0.5, 1, edge]) expect(signalShare(x, g)).toBe(0);
      let before = 0;
      for (let x = 1.01 * edge; x < 20 * edge; x *= 1.1) {
        const share = signalShare(x, g);
        expect(share).toBeGreaterThan(before);
        expect(share).toBeLessThan(1);
        before = share;
      }
      expect(before).toBeGreaterThan(0.98);
    }
    expect(signalShare(Number.NaN, 0.5)).toBe(0);
  });

  test.each([
    [64, 96, 1.3],
    [64, 128, 1.6],
    [64, 256, 2.5],
    [48, 48, 2],
  ])("is what a planted direction has of the one observed (%i x %i, strength %d)", (m, n, strength) => {
    const shares: number[] = [];
    const expected: number[] = [];
    for (let seed = 0; seed < 16; seed++) {
      const random = prng(`planted ${seed}`);
      const [left, right] = [unit(m, random), unit(n, random)];
      const a = noise(m, n, `around ${seed}`);
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) a[i * n + j]! += strength * left[i]! * right[j]!;
      const { s, u, vt } = thinSvd(a, m, n, 1);
      const cu = u.reduce((sum, x, i) => sum + x * left[i]!, 0);
      const cv = vt.reduce((sum, x, j) => sum + x * right[j]!, 0);
      shares.push((strength * cu * cv) / s[0]!);
      expected.push(signalShare(s[0]!, m / n));
    }
    expect(Math.abs(mean(shares) - mean(expected))).toBeLessThan(0.04);
  });
});
