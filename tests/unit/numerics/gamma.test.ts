import { expect, test } from "vitest";
import { logBinomial, logFactorial, logGamma } from "../../../src/numerics/gamma.ts";

// Reference values: mpmath at 60 digits.
test.each([
  [0.5, 0.5723649429247001],
  [1.5, -0.12078223763524522],
  [2.5, 0.2846828704729192],
  [7.5, 7.534364236758733],
  [14.9, 24.924132002217277],
  [15, 25.19122118273868],
  [100.5, 361.4355404677776],
  [12345.5, 103958.24296512322],
  [1e9, 19723265827.503716],
])("logGamma(%d)", (x, expected) => {
  expect(Math.abs(logGamma(x) - expected)).toBeLessThan(1e-13 + 1e-15 * expected);
});

test("logGamma at its zeros, its pole and outside its domain", () => {
  expect(Math.abs(logGamma(1))).toBeLessThan(1e-13);
  expect(Math.abs(logGamma(2))).toBeLessThan(1e-13);
  expect(logGamma(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(logGamma(0)).toBeNaN();
  expect(logGamma(-1.5)).toBeNaN();
});

test("logFactorial is the sum of logarithms, across the end of its table", () => {
  let sum = 0;
  for (let n = 0; n <= 400; n++) {
    if (n > 1) sum += Math.log(n);
    expect(logFactorial(n)).toBeCloseTo(sum, 10);
  }
});

test.each([
  [10, 3, 4.787491742782046],
  [170, 85, 115.0398595442661],
  [171, 2, 9.584314812992977],
  [171, 85, 115.72717580451526],
  [100000, 7, 72.06510688917604],
  [1e12, 3, 81.10130387855459],
  [1e12, 5e11, 693147180545.904],
])("logBinomial(%d, %d)", (n, k, expected) => {
  expect(Math.abs(logBinomial(n, k) / expected - 1)).toBeLessThan(1e-14);
  expect(logBinomial(n, n - k)).toBe(logBinomial(n, k));
});

test("logBinomial at and beyond its ends", () => {
  expect(logBinomial(500, 0)).toBe(0);
  expect(logBinomial(500, 500)).toBe(0);
  expect(logBinomial(5, 6)).toBe(Number.NEGATIVE_INFINITY);
  expect(logBinomial(5, -1)).toBe(Number.NEGATIVE_INFINITY);
});
