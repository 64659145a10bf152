import { expect, test } from "vitest";
import { log10FixedPointTail, log10FixedPointTailOfRuns, log10FoursTail } from "../../../src/numerics/fixed-points.ts";
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

test("of labels that move in runs, the bound is that of all ways in which the runs may be permuted", () => {
  const runs = [
    { labels: 3, pairs: 2 },
    { labels: 4, pairs: 4 },
  ];
  // C(2, i) / 3!_i times C(4, j) / 4!_j, summed over i + j = 5 and 6.
  const five = (2 / 3) * (1 / 24) + (1 / 6) * (4 / 24);
  expect(log10FixedPointTailOfRuns(runs, 5)).toBeCloseTo(Math.log10(five), 12);
  expect(log10FixedPointTailOfRuns(runs, 6)).toBeCloseTo(Math.log10((1 / 6) * (1 / 24)), 12);
  expect(log10FixedPointTailOfRuns(runs, 0)).toBe(0);
  expect(log10FixedPointTailOfRuns(runs, 7)).toBe(Number.NEGATIVE_INFINITY);
  expect(log10FixedPointTailOfRuns([{ labels: 40, pairs: 20 }], 9)).toBe(log10FixedPointTail(40, 20, 9));
});

test("fixed points of several orders of four: as counted over all of them", () => {
  const one = permutations(4).map((pi) => pi.filter((image, label) => image === label).length);
  const two = one.flatMap((x) => one.map((y) => x + y));
  for (let k = 0; k <= 8; k++) {
    const share = two.filter((count) => count >= k).length / two.length;
    expect(log10FoursTail(2, k)).toBeCloseTo(Math.log10(share), 12);
  }
  expect(log10FoursTail(128, 512) / (-128 * Math.log10(24))).toBeCloseTo(1, 12);
  expect(log10FoursTail(0, 0)).toBe(0);
  expect(log10FoursTail(3, 0)).toBe(0);
  expect(log10FoursTail(3, 13)).toBe(Number.NEGATIVE_INFINITY);
});
