import { expect, test } from "vitest";
import { log10FixedPointTail, log10PoissonTail } from "../../../src/numerics/fixed-points.ts";
import { logBinomial } from "../../../src/numerics/gamma.ts";
import { log10PermutationBound } from "../../../src/numerics/permutation-bound.ts";
import { permutations } from "./permutations.ts";

// Reference values: mpmath, C(k0, k) (n - k)! / n!.
test.each([
  [512, 512, 20, -18.386124616877716],
  [512, 300, 170, -358.952488723267],
  [4096, 1000, 500, -1492.9479673883723],
])("log10FixedPointTail(%d, %d, %d)", (n, k0, k, expected) => {
  expect(log10FixedPointTail(n, k0, k) / expected).toBeCloseTo(1, 12);
});

test("the fixed-point bound holds over all permutations of up to 7 labels and every size of matching", () => {
  for (let n = 1; n <= 7; n++) {
    const all = permutations(n);
    for (let k0 = 0; k0 <= n; k0++) {
      const hits = all.map((pi) => pi.slice(0, k0).filter((image, label) => image === label).length);
      for (let k = 0; k <= k0; k++) {
        const exact = hits.filter((count) => count >= k).length / all.length;
        expect(Math.log10(exact)).toBeLessThanOrEqual(log10FixedPointTail(n, k0, k) + 1e-12);
        // At k = k0 the event is one placement of k0 labels and the bound is the probability itself.
        if (k === k0) expect(log10FixedPointTail(n, k0, k)).toBeCloseTo(Math.log10(exact), 12);
      }
    }
  }
});

test("fixed points: no hits are certain, more hits than pairs impossible, impossible counts refused", () => {
  expect(log10FixedPointTail(10, 5, 0)).toBe(0);
  expect(log10FixedPointTail(0, 0, 0)).toBe(0);
  expect(log10FixedPointTail(10, 5, 6)).toBe(Number.NEGATIVE_INFINITY);
  expect(() => log10FixedPointTail(5, 6, 1)).toThrow("impossible");
  expect(() => log10FixedPointTail(5, 3, -1)).toThrow("impossible");
  expect(() => log10FixedPointTail(5, 2.5, 1)).toThrow("impossible");
});

test("the Poisson bound lies between the exact Poisson tail and Chernoff's bound", () => {
  for (const lambda of [0.05, 0.5, 1, 3.7, 12]) {
    let below = 0;
    let term = Math.exp(-lambda);
    for (let k = 0; k <= 40; k++) {
      const bound = log10PoissonTail(lambda, k);
      // 1 - below loses all digits far out; there the first term is a lower bound on the tail.
      const exact = Math.max(1 - below - 1e-14, term);
      expect(bound).toBeGreaterThanOrEqual(Math.log10(exact) - 1e-12);
      if (k > lambda) expect(bound).toBeLessThanOrEqual((k - lambda + k * Math.log(lambda / k)) / Math.LN10 + 1e-12);
      below += term;
      term *= lambda / (k + 1);
    }
  }
});

test("the Poisson bound covers fixed points summed over independent strata, by enumeration", () => {
  const strata = [
    { n: 3, k0: 3 },
    { n: 4, k0: 2 },
    { n: 5, k0: 5 },
  ];
  let distribution = [1];
  let lambda = 0;
  for (const { n, k0 } of strata) {
    const all = permutations(n);
    const next = new Array<number>(distribution.length + k0).fill(0);
    for (const pi of all) {
      const hits = pi.slice(0, k0).filter((image, label) => image === label).length;
      for (const [count, p] of distribution.entries()) next[count + hits]! += p / all.length;
    }
    distribution = next;
    lambda += k0 / n;
  }
  for (let k = 0; k < distribution.length; k++) {
    const exact = distribution.slice(k).reduce((sum, p) => sum + p, 0);
    expect(log10PoissonTail(lambda, k)).toBeGreaterThanOrEqual(Math.log10(exact) - 1e-12);
  }
});

test("the Poisson bound at its ends", () => {
  expect(log10PoissonTail(2, 2)).toBe(0);
  expect(log10PoissonTail(0, 0)).toBe(0);
  expect(log10PoissonTail(0, 1)).toBe(Number.NEGATIVE_INFINITY);
  expect(log10PoissonTail(32, 4096)).toBeLessThan(-6000);
  expect(() => log10PoissonTail(-1, 2)).toThrow("domain");
  expect(() => log10PoissonTail(Number.NaN, 2)).toThrow("domain");
});

test("the permuted-sum bound at its ends", () => {
  const array = { n: 100, sumSquares: 1e4, maxAbs: 3 };
  expect(log10PermutationBound({ ...array, t: 0 })).toBe(0);
  expect(log10PermutationBound({ ...array, t: 1 })).toBe(0);
  expect(log10PermutationBound({ ...array, t: -800 })).toBe(log10PermutationBound({ ...array, t: 800 }));
  expect(log10PermutationBound({ n: 5, sumSquares: 0, maxAbs: 0, t: 1e-9 })).toBe(Number.NEGATIVE_INFINITY);
});

test("the permuted-sum bound, worked by hand", () => {
  // theta = 2.5 ln 3 - 2/3 = 2.07986...; 16 * (theta / 10 * 50 + 1 * 60 / 3) = 486.389...; ln 4 - 3600 / 486.389...
  const theta = 2.0798640550036076;
  const expected = (Math.log(4) - 3600 / (16 * (5 * theta + 20))) / Math.LN10;
  expect(log10PermutationBound({ n: 10, sumSquares: 50, maxAbs: 1, t: 60 })).toBeCloseTo(expected, 12);
});

test("the permuted-sum bound covers the hypergeometric tail exactly, and says something", () => {
  // x marks half of 200 labels, y the other table's half: S = sum x_i y_pi(i) is hypergeometric. Centred entries are +-1/4.
  const n = 200;
  const log10Exact = (least: number): number => {
    let sum = 0;
    for (let k = least; k <= 100; k++) sum += Math.exp(2 * logBinomial(100, k) - logBinomial(n, 100));
    return Math.log10(2 * sum);
  };
  const bound = (t: number): number => log10PermutationBound({ n, sumSquares: (n * n) / 16, maxAbs: 0.25, t });
  for (let t = 1; t <= 50; t++) expect(bound(t)).toBeGreaterThanOrEqual(Math.min(0, log10Exact(50 + t)));
  for (let t = 2; t <= 50; t++) expect(bound(t)).toBeLessThanOrEqual(bound(t - 1));
  expect(bound(50)).toBeLessThan(-1.5);
});
