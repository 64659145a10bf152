import { expect, test } from "vitest";
import { symmetricEigen } from "../../../src/numerics/eigen.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { gram, singularValues, thinSvd } from "../../../src/numerics/svd.ts";

/** n x n orthogonal: the eigenvectors of a random symmetric matrix. */
function orthogonal(n: number, seed: number): Float64Array {
  const random = prng(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
  return symmetricEigen(a, n).vectors;
}

/** rows x cols with the given singular values. */
function withSpectrum(s: Float64Array, cols: number, seed: number): Float64Array {
  const rows = s.length;
  const left = orthogonal(rows, seed);
  const right = orthogonal(cols, seed + 1);
  const a = new Float64Array(rows * cols);
  for (let k = 0; k < rows; k++) {
    for (let i = 0; i < rows; i++) {
      const weight = s[k]! * left[k * rows + i]!;
      for (let j = 0; j < cols; j++) a[i * cols + j]! += weight * right[k * cols + j]!;
    }
  }
  return a;
}

test("known singular values from 1 to 1e-8 come back with the stated errors", () => {
  const rows = 33;
  const truth = Float64Array.from({ length: rows }, (_, i) => 10 ** (-i / 4));
  const a = withSpectrum(truth, 90, 5);
  const { s } = thinSvd(a, rows, 90);
  const plain = singularValues(a, rows, 90);
  for (let i = 0; i < rows; i++) {
    const error = Math.abs(s[i]! / truth[i]! - 1);
    if (truth[i]! >= 1e-4) expect(error).toBeLessThan(1e-12);
    if (truth[i]! >= 1e-6) expect(error).toBeLessThan(1e-7);
    expect(Math.abs(plain[i]! - truth[i]!) * truth[i]!).toBeLessThan(rows * 2 ** -52);
  }
});

test.each([
  [1, 1],
  [1, 7],
  [2, 2],
  [5, 9],
  [16, 100],
  [64, 257],
  [9, 5],
])("%d x %d: factors are orthonormal, ordered and multiply back", (rows, cols) => {
  const random = prng(rows * 1000 + cols);
  const a = Float32Array.from({ length: rows * cols }, () => random.normal());
  const { s, u, vt } = thinSvd(a, rows, cols);
  const rank = Math.min(rows, cols);
  for (let i = 1; i < rows; i++) expect(s[i]!).toBeLessThanOrEqual(s[i - 1]!);
  for (let i = rank; i < rows; i++) expect(s[i]! / s[0]!).toBeLessThan(1e-12);
  let defect = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += u[i * rows + k]! * s[k]! * vt[k * cols + j]!;
      defect = Math.max(defect, Math.abs(sum - a[i * cols + j]!));
    }
  }
  expect(defect).toBeLessThan(1e-12);
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      let left = 0;
      let right = 0;
      for (let k = 0; k < rows; k++) left += u[k * rows + i]! * u[k * rows + j]!;
      for (let k = 0; k < cols; k++) right += vt[i * cols + k]! * vt[j * cols + k]!;
      expect(Math.abs(left - (i === j ? 1 : 0))).toBeLessThan(1e-12);
      expect(Math.abs(right - (i === j ? 1 : 0))).toBeLessThan(1e-9);
    }
  }
});

test("zero and low-rank matrices", () => {
  const zero = thinSvd(new Float32Array(12), 3, 4);
  expect([...zero.s]).toEqual([0, 0, 0]);
  expect([...zero.vt]).toEqual(new Array(12).fill(0));
  const ones = thinSvd(new Float64Array(200).fill(0.5), 10, 20);
  expect(ones.s[0]).toBeCloseTo(0.5 * Math.sqrt(200), 12);
  expect(ones.s[1]! / ones.s[0]!).toBeLessThan(1e-12);
  expect(ones.u[0]).toBeCloseTo(Math.sqrt(0.1), 12);
});

test("the sign convention does not depend on the sign of the input's noise", () => {
  const a = withSpectrum(Float64Array.of(5, 3, 1), 8, 2);
  const { u } = thinSvd(a, 3, 8);
  for (let i = 0; i < 3; i++) {
    const column = [u[i]!, u[3 + i]!, u[6 + i]!];
    expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
  }
});

test.each([1, 2, 3, 8])("gram of %d rows equals its definition", (rows) => {
  const random = prng(rows);
  const cols = 11;
  const a = Float64Array.from({ length: rows * cols }, () => random.below(100) - 50);
  const g = gram(a, rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      let sum = 0;
      for (let k = 0; k < cols; k++) sum += a[i * cols + k]! * a[j * cols + k]!;
      expect(g[i * rows + j]).toBe(sum);
    }
  }
});

test("the leading triples alone are those of the whole", () => {
  const random = prng("leading");
  const a = Float64Array.from({ length: 20 * 33 }, () => random.normal());
  const whole = thinSvd(a, 20, 33);
  const leading = thinSvd(a, 20, 33, 5);
  expect(leading.s).toEqual(whole.s.slice(0, 5));
  expect(leading.vt).toEqual(whole.vt.slice(0, 5 * 33));
  for (let r = 0; r < 20; r++) {
    for (let i = 0; i < 5; i++) expect(leading.u[r * 5 + i]).toBe(whole.u[r * 20 + i]);
  }
});
