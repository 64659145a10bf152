import { fc, test } from "@fast-check/vitest";
import { describe, expect, test as plainly } from "vitest";
import { symmetricEigen, symmetricEigenvalues } from "../../../src/numerics/eigen.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { symmetricEigenPlain } from "../../oracles/eigen.ts";

/** Sum of squares of so many random rows. */
function products(n: number, rank: number, seed: number): Float64Array {
  const random = prng(seed);
  const rows = Array.from({ length: rank }, () => Float64Array.from({ length: n }, () => random.normal()));
  const matrix = new Float64Array(n * n);
  for (const row of rows) for (let k = 0; k < n * n; k++) matrix[k]! += row[Math.floor(k / n)]! * row[k % n]!;
  return matrix;
}

describe("eigenvalues and eigenvectors", () => {
  test.prop([fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 24 }), fc.nat()])(
    "eigenvalues alone are those that come with vectors, to the bit",
    (n, rank, seed) => {
      const matrix = products(n, Math.min(n, rank), seed);
      expect(symmetricEigenvalues(matrix, n)).toEqual(symmetricEigen(matrix, n).values);
    },
  );

  test.prop([fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }), fc.nat()])(
    "are those of the plain loops, to the bit",
    (n, rank, seed) => {
      const matrix = products(n, Math.min(n, rank), seed);
      expect(symmetricEigen(matrix, n)).toEqual(symmetricEigenPlain(matrix, n));
    },
  );

  plainly("also of as many rows as a wide slice has", () => {
    const matrix = products(130, 90, 7);
    expect(symmetricEigen(matrix, 130)).toEqual(symmetricEigenPlain(matrix, 130));
  });
});
