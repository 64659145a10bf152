import { expect, test } from "vitest";
import { gramVariance } from "../../oracles/gram-variance.ts";
import { permutationMoments } from "./permutations.ts";

test("two labels: the two sums and nothing else", () => {
  // Sums are 1 + 4 and 2 + 3 for the array below, 1 + 6 and 2 + 3 for the second.
  expect(permutationMoments(Float64Array.of(1, 2, 3, 4), 2)).toEqual({ mean: 5, variance: 0 });
  expect(permutationMoments(Float64Array.of(1, 2, 3, 6), 2)).toEqual({ mean: 6, variance: 1 });
});

test("one label has one permutation", () => {
  expect(permutationMoments(Float64Array.of(7), 1)).toEqual({ mean: 7, variance: 0 });
  expect(permutationMoments(new Float64Array(0), 0)).toEqual({ mean: 0, variance: 0 });
  expect(gramVariance([4], [4], 1, 1)).toBe(0);
});

test("gramVariance of one row is the product of the squared lengths over n - 1", () => {
  // Rows (1, 0, -1) and (2, -1, -1): squared lengths 2 and 6.
  expect(gramVariance([2], [6], 1, 3)).toBe(6);
});
