import { expect, test } from "vitest";
import { logBinomial, logFactorial, logGamma } from "../../../src/numerics/gamma.ts";

// Reference values: mpmath at 60 digits.
test.each([
  [0.5, 0.57236494292470008707],
  [1.5, -0.12078223763524522235],
  [2.5, 0.28468287047291915963],
  [7.5, 7.5343642367587329552],
  [14.9, 24.924132002217277353],
  [15, 25.1912211827386815],
  [100.5, 361.43554046777762156],
  [12345.5, 103958.24296512322913],
  [1e9, 19723265827.503716771],
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
  [10, 3, 4.7874917427820459942],
  [170, 85, 115.03985954426609907],
  [171, 2, 9.5843148129929762976],
  [171, 85, 115.72717580451525118],
  [100000, 7, 72.065106889176037635],
  [1e12, 3, 81.101303878554589624],
  [1e12, 5e11, 693147180545.90400751],
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
