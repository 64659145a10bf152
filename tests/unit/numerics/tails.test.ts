import { expect, test } from "vitest";
import { log10ChiSquareTail, logUpperGamma } from "../../../src/numerics/chi-square.ts";
import { fisherLog10, stouffer } from "../../../src/numerics/combine.ts";
import { log10NormalTail, normalTail } from "../../../src/numerics/normal.ts";

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

test.each([
  [0.1, 1, -0.12388056017455268],
  [3.84, 1, -1.3006521393247688],
  [10, 2, -2.171472409516259],
  [50, 64, -0.04579026512237386],
  [64, 64, -0.321947753849244],
  [1000, 64, -167.36645635066014],
  [9000, 10000, -5.5145548122585984e-14],
  [10000, 10000, -0.3026665733674867],
  [10300, 10000, -1.7535477698764979],
  [1e6, 100, -216930.77548371872],
  [1e9, 2000, -217141115.28523493],
])("log10ChiSquareTail(%d, %d)", (x, degrees, expected) => {
  expect(Math.abs(log10ChiSquareTail(x, degrees) - expected)).toBeLessThan(1e-12 * Math.max(1, -expected));
});

test("one degree of freedom is the square of a normal score", () => {
  for (const z of [0.1, 0.9, 1.7, 4, 30, 3000]) {
    expect(log10ChiSquareTail(z * z, 1) / log10NormalTail(z)).toBeCloseTo(1, 12);
  }
});

test("the chi-square tail at its ends", () => {
  expect(log10ChiSquareTail(0, 7)).toBe(0);
  expect(log10ChiSquareTail(-1, 7)).toBe(0);
  expect(log10ChiSquareTail(Number.POSITIVE_INFINITY, 7)).toBe(Number.NEGATIVE_INFINITY);
  expect(() => logUpperGamma(0, 1)).toThrow("domain");
  expect(() => logUpperGamma(1, Number.NaN)).toThrow("domain");
});

test("Fisher's combination: none, one, two in closed form, and far beyond underflow", () => {
  expect(fisherLog10([])).toBe(0);
  expect(fisherLog10([-7])).toBeCloseTo(-7, 12);
  // For two p-values with product q the combined p is q (1 - ln q).
  const q = 1e-3 * 0.2;
  expect(fisherLog10([-3, Math.log10(0.2)])).toBeCloseTo(Math.log10(q * (1 - Math.log(q))), 12);
  expect(fisherLog10([-2000, -3000])).toBeCloseTo(-5000 + Math.log10(1 + 5000 * Math.LN10), 8);
  expect(fisherLog10([Number.NEGATIVE_INFINITY, 0])).toBe(Number.NEGATIVE_INFINITY);
});

test("a p-value above 1 cannot help", () => {
  expect(fisherLog10([-3, 2])).toBe(fisherLog10([-3, 0]));
});

test("Stouffer's combination", () => {
  expect(stouffer([])).toBe(0);
  expect(stouffer([3])).toBe(3);
  expect(stouffer([3, 4, 5, 4])).toBe(8);
  expect(stouffer([3, -3])).toBe(0);
});
