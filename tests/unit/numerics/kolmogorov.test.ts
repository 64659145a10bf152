import { expect, test } from "vitest";
import { kolmogorovP, kolmogorovTail, normalDistance } from "../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../src/numerics/prng.ts";

/** Points of the limit distribution as tables of the test give them. */
test.each([
  [0.82757, 0.5],
  [1.22385, 0.1],
  [1.3581, 0.05],
  [1.62762, 0.01],
  [1.94947, 0.001],
])("P(sqrt(n) D > %f) = %f", (x, p) => {
  expect(kolmogorovTail(x) / p).toBeCloseTo(1, 3);
});

test("both series agree where they meet", () => {
  expect(kolmogorovTail(1 - 1e-12)).toBeCloseTo(kolmogorovTail(1), 11);
  expect(kolmogorovTail(0)).toBe(1);
  expect(kolmogorovTail(0.2)).toBeCloseTo(1, 10);
});

test("the exact critical value of twenty observations has its level", () => {
  expect(kolmogorovP(0.29408, 20)).toBeCloseTo(0.05, 2);
  expect(kolmogorovP(0.35241, 20)).toBeCloseTo(0.01, 2);
});

test("distances are those of the two one-sided steps", () => {
  // The normal distribution function at 0 and 1 is .5 and .841345.
  expect(normalDistance(Float64Array.of(0))).toBeCloseTo(0.5, 12);
  expect(normalDistance(Float64Array.of(1, 0))).toBeCloseTo(0.5, 12);
  expect(normalDistance(Float64Array.of(1, 1))).toBeCloseTo(0.841345, 6);
});

test("p-values of normal samples are uniform, those of shifted ones are not", () => {
  const random = prng(5);
  const samples = Array.from({ length: 400 }, () => Float64Array.from({ length: 60 }, () => random.normal()));
  const p = samples.map((sample) => kolmogorovP(normalDistance(sample), 60)).sort((a, b) => a - b);
  const distance = Math.max(...p.map((value, i) => Math.abs(value - (i + 0.5) / p.length)));
  expect(kolmogorovP(distance, 400)).toBeGreaterThan(0.001);
  const shifted = samples[0]!.map((x) => x + 1);
  expect(kolmogorovP(normalDistance(shifted), 60)).toBeLessThan(1e-6);
});
