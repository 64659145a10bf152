import { expect, test } from "vitest";
import { symmetricEigen } from "../../../src/numerics/eigen.ts";
import { prng } from "../../../src/numerics/prng.ts";

function randomSymmetric(n: number, seed: number): Float64Array {
  const random = prng(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
  return a;
}

/** Largest |A v - lambda v| and largest |V V^T - I|. */
function defects(a: Float64Array, n: number): { residual: number; orthogonality: number } {
  const { values, vectors } = symmetricEigen(a, n);
  let residual = 0;
  let orthogonality = 0;
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      let product = 0;
      let inner = 0;
      for (let j = 0; j < n; j++) {
        product += a[i * n + j]! * vectors[k * n + j]!;
        inner += vectors[i * n + j]! * vectors[k * n + j]!;
      }
      residual = Math.max(residual, Math.abs(product - values[k]! * vectors[k * n + i]!));
      orthogonality = Math.max(orthogonality, Math.abs(inner - (i === k ? 1 : 0)));
    }
  }
  return { residual, orthogonality };
}

test.each([1, 2, 3, 5, 8, 33, 64, 128])("n = %d: residual and orthogonality at rounding level", (n) => {
  const { residual, orthogonality } = defects(randomSymmetric(n, n), n);
  expect(residual).toBeLessThan(2e-15 * n * 4);
  expect(orthogonality).toBeLessThan(2e-15 * n);
});

test("a matrix with known eigenvalues: second differences", () => {
  const n = 50;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    a[i * n + i] = 2;
    if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
  }
  const { values } = symmetricEigen(a, n);
  for (let k = 0; k < n; k++) expect(values[k]).toBeCloseTo(2 + 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 13);
});

test("order, sign convention and repeated eigenvalues", () => {
  const { values, vectors } = symmetricEigen(Float64Array.of(1, 0, 0, 0, 5, 0, 0, 0, 1), 3);
  expect([...values]).toEqual([5, 1, 1]);
  expect([...vectors]).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 1]);
  const two = symmetricEigen(Float64Array.of(0, -3, -3, 0), 2);
  expect([...two.values]).toEqual([expect.closeTo(3, 14), expect.closeTo(-3, 14)]);
  expect(two.vectors[0]! > 0 !== two.vectors[1]! > 0).toBe(true);
});

test("empty, zero, rank one, huge and tiny matrices", () => {
  expect(symmetricEigen(new Float64Array(0), 0)).toEqual({ values: new Float64Array(0), vectors: new Float64Array(0) });
  expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
  const ones = symmetricEigen(new Float64Array(100).fill(1), 10).values;
  expect(ones[0]).toBeCloseTo(10, 13);
  expect(Math.max(...ones.subarray(1).map(Math.abs))).toBeLessThan(1e-14);
  expect(symmetricEigen(Float64Array.of(1e308, 1e308, 1e308, -1e308), 2).values[0]! / 1e308).toBeCloseTo(
    Math.SQRT2,
    13,
  );
  expect(symmetricEigen(Float64Array.of(3e-310, 0, 0, 1e-310), 2).values[0]! / 3e-310).toBeCloseTo(1, 10);
  const graded = defects(
    Float64Array.from({ length: 64 }, (_, i) => 10 ** -(Math.floor(i / 8) + (i % 8))),
    8,
  );
  expect(graded.residual).toBeLessThan(1e-14);
});

test("the same bits every time, and the input untouched", () => {
  const a = randomSymmetric(20, 4);
  const copy = a.slice();
  expect(symmetricEigen(a, 20)).toEqual(symmetricEigen(a, 20));
  expect(a).toEqual(copy);
});

test("non-finite input is refused", () => {
  expect(() => symmetricEigen(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2)).toThrow("non-finite");
  expect(() => symmetricEigen(Float64Array.of(Number.POSITIVE_INFINITY), 1)).toThrow("non-finite");
});

test("blocks of zeros, where rounding leaves what underflows when squared, converge as well", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = prng(`degenerate ${seed}`);
    const n = 8 + random.below(57);
    const rank = 1 + random.below(n);
    const density = random.float();
    const levels = 1 + random.below(3);
    const factor = Float64Array.from({ length: rank * n }, () =>
      random.float() < density ? (1 + random.below(levels)) * (random.float() < 0.5 ? -0.377 : 0.377) : 0,
    );
    const a = new Float64Array(n * n);
    for (let k = 0; k < rank; k++) {
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j]! += factor[k * n + i]! * factor[k * n + j]!;
    }
    const { residual, orthogonality } = defects(a, n);
    const trace = Array.from({ length: n }, (_, i) => a[i * n + i]!).reduce((x, y) => x + y, 0);
    expect(residual).toBeLessThanOrEqual(1e-14 * trace);
    expect(orthogonality).toBeLessThan(1e-13);
  }
});
