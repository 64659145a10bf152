import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { symmetricEigen, symmetricEigenvalues } from "../../../src/numerics/eigen.ts";
import { prng } from "../../../src/numerics/prng.ts";

test.prop([fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 24 }), fc.nat()])(
  "eigenvalues alone are those that come with vectors, to the bit",
  (n, rank, seed) => {
    const random = prng(seed);
    const rows = Array.from({ length: Math.min(n, rank) }, () =>
      Float64Array.from({ length: n }, () => random.normal()),
    );
    const matrix = new Float64Array(n * n);
    for (const row of rows) for (let k = 0; k < n * n; k++) matrix[k]! += row[Math.floor(k / n)]! * row[k % n]!;
    expect(symmetricEigenvalues(matrix, n)).toEqual(symmetricEigen(matrix, n).values);
  },
);
