import { expect, test } from "vitest";
import { log10IncreasingTail, longestIncreasing } from "../../../src/numerics/increasing.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { permutations } from "./permutations.ts";

/** By trying every end: O(n^2). */
function longestByHand(values: readonly number[]): number {
  const best: number[] = [];
  values.forEach((value, i) => {
    best.push(1 + values.slice(0, i).reduce((most, other, j) => (other < value ? Math.max(most, best[j]!) : most), 0));
  });
  return Math.max(0, ...best);
}

test("the longest increasing subsequence", () => {
  expect(longestIncreasing([])).toBe(0);
  expect(longestIncreasing([3, 1, 4, 1, 5, 9, 2, 6])).toBe(4);
  expect(longestIncreasing([5, 5, 5])).toBe(1);
  const random = prng("increasing");
  for (let round = 0; round < 200; round++) {
    const values = Array.from({ length: random.below(40) }, () => random.below(30));
    expect(longestIncreasing(values)).toBe(longestByHand(values));
  }
});

test("its bound holds over all permutations of up to 7 values", () => {
  for (let n = 1; n <= 7; n++) {
    const lengths = permutations(n).map(longestIncreasing);
    for (let k = 0; k <= n; k++) {
      const exact = lengths.filter((length) => length >= k).length / lengths.length;
      expect(Math.log10(exact)).toBeLessThanOrEqual(log10IncreasingTail(n, k) + 1e-12);
    }
    // One order in n! rises all the way.
    expect(log10IncreasingTail(n, n)).toBeCloseTo(-Math.log10(lengths.length), 12);
  }
  expect(log10IncreasingTail(5, 6)).toBe(Number.NEGATIVE_INFINITY);
});
