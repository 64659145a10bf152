import { expect, test } from "vitest";
import { stouffer } from "../../../src/numerics/combine.ts";
import { log10NormalTail, normalTail } from "../../../src/numerics/normal.ts";
import { exchangeSum, log10RademacherTail } from "../../../src/numerics/rademacher.ts";

// Reference values: mpmath at 60 digits.
test.each([
  [0.01, -0.0034790084018169664],
  [0.5, -0.2096619936012596],
  [1, -0.4985155458279893],
  [1.96, -1.3010665622238702],
  [2.5, -1.9059018101313199],
  [2.8284, -2.3299275846739547],
  [2.83, -2.3320989357760666],
  [3, -2.568669040265388],
  [6, -8.704834331812723],
  [12, -32.44940916552788],
  [38, -315.2387597082985],
  [100, -2173.5705128733703],
  [1000, -217150.33901199873],
  [10000, -21714728.193222534],
])("log10NormalTail(%d)", (z, expected) => {
  expect(Math.abs(log10NormalTail(z) / expected - 1)).toBeLessThan(1e-13);
  expect(log10NormalTail(-z)).toBe(log10NormalTail(z));
});

test("the normal tail at its ends", () => {
  expect(log10NormalTail(0)).toBeCloseTo(0, 15);
  expect(normalTail(0)).toBe(1);
  expect(normalTail(1.959963984540054)).toBeCloseTo(0.05, 14);
  expect(normalTail(50)).toBe(0);
  expect(log10NormalTail(Number.POSITIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  expect(log10NormalTail(Number.NaN)).toBeNaN();
});

test("Stouffer's combination", () => {
  expect(stouffer([])).toBe(0);
  expect(stouffer([3])).toBe(3);
  expect(stouffer([3, 4, 5, 4])).toBe(8);
  expect(stouffer([3, -3])).toBe(0);
});

test("the Rademacher bound is capped at 1, symmetric, and worked by hand at z = 10", () => {
  expect(log10RademacherTail(0)).toBe(0);
  expect(log10RademacherTail(-10)).toBe(log10RademacherTail(10));
  expect(log10RademacherTail(10)).toBeCloseTo(Math.log10(2) - 50 * Math.LOG10E, 12);
});

test("the Rademacher bound covers every sum of up to 12 signs, by enumeration", () => {
  for (const weights of [[1], [3, 1, 1], Array.from({ length: 12 }, (_, i) => 1 + i), new Array<number>(12).fill(1)]) {
    const length = Math.sqrt(weights.reduce((sum, d) => sum + d * d, 0));
    const sums = Array.from({ length: 2 ** weights.length }, (_, mask) =>
      Math.abs(weights.reduce((sum, d, k) => sum + ((mask >> k) & 1 ? -d : d), 0)),
    );
    for (const t of new Set(sums)) {
      const exact = sums.filter((x) => x >= t).length / sums.length;
      expect(log10RademacherTail(t / length)).toBeGreaterThanOrEqual(Math.log10(exact) - 1e-12);
    }
  }
});

test("exchanges: their sum in units of its standard deviation, without those that change nothing", () => {
  const { z, pairs } = exchangeSum([Float64Array.of(3, 0, -1), Float64Array.of(1e-12, 2)])!;
  expect(pairs).toBe(3);
  expect(z).toBeCloseTo(4 / Math.sqrt(14), 14);
  expect(exchangeSum([Float64Array.of(0, 1e-10), new Float64Array(0)])).toBeNull();
  expect(exchangeSum([])).toBeNull();
});
