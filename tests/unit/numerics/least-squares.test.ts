import { describe, expect, test } from "vitest";
import { dot, fitLinear, solveRidge } from "../../../src/numerics/least-squares.ts";
import { prng } from "../../../src/numerics/prng.ts";

const N = 7;
const COLS = 40;

function normals(count: number, seed: string): Float64Array {
  const random = prng(seed);
  return Float64Array.from({ length: count }, () => random.normal());
}

/** B x, row by row. */
function times(b: Float64Array, x: Float64Array): Float64Array {
  const y = new Float64Array(N * COLS);
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < N; k++) for (let c = 0; c < COLS; c++) y[i * COLS + c]! += b[i * N + k]! * x[k * COLS + c]!;
  }
  return y;
}

describe("fitLinear", () => {
  const x = normals(N * COLS, "x");
  const b = normals(N * N, "b");

  test("finds the map that made y, and nothing is left", () => {
    const { matrix, residuals } = fitLinear(x, times(b, x), N, COLS, 0)!;
    matrix.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i]!, 10);
    });
    for (const left of residuals) expect(left).toBeLessThan(1e-12);
  });

  test("what is left is at right angles to every row of x, and its share of the squares is told", () => {
    const y = normals(N * COLS, "y");
    const { matrix, residuals } = fitLinear(x, y, N, COLS, 0)!;
    const fitted = times(matrix, x);
    const rest = y.map((value, i) => value - fitted[i]!);
    for (let i = 0; i < N; i++) {
      const row = rest.subarray(i * COLS, (i + 1) * COLS);
      for (let k = 0; k < N; k++) expect(Math.abs(dot(row, x.subarray(k * COLS, (k + 1) * COLS)))).toBeLessThan(1e-10);
      const whole = y.subarray(i * COLS, (i + 1) * COLS);
      expect(residuals[i]).toBeCloseTo(dot(row, row) / dot(whole, whole), 10);
    }
  });

  test("a penalty is relative to the mean square of x's rows: one row, worked by hand", () => {
    const fit = fitLinear(Float64Array.of(3, 4), Float64Array.of(6, 8), 1, 2, 0.25)!;
    expect(fit.matrix[0]).toBeCloseTo(2 / 1.25, 14);
    expect(fit.residuals[0]).toBeCloseTo(1 - 1 / 1.25, 14);
  });

  test("the penalty that is taken unasked lets rows repeat each other", () => {
    const twice = x.slice();
    twice.copyWithin(COLS, 0, COLS);
    const y = times(b, twice);
    const { matrix, residuals } = fitLinear(twice, y, N, COLS)!;
    for (const left of residuals) expect(left).toBeLessThan(1e-4);
    // The two rows share their weight alike.
    for (let i = 0; i < N; i++) expect(matrix[i * N]).toBeCloseTo(matrix[i * N + 1]!, 3);
  });

  test("a row of zeros has nothing to explain: all of it counts as left", () => {
    const y = times(b, x);
    y.fill(0, 2 * COLS, 3 * COLS);
    const { matrix, residuals } = fitLinear(x, y, N, COLS, 0)!;
    expect(residuals[2]).toBe(1);
    expect([...matrix.subarray(2 * N, 3 * N)].every((value) => value === 0)).toBe(true);
  });

  test("no usable rows, no fit", () => {
    expect(fitLinear(new Float64Array(N * COLS), times(b, x), N, COLS)).toBeNull();
    expect(fitLinear(new Float64Array(N * COLS).fill(Number.NaN), times(b, x), N, COLS)).toBeNull();
    // Two equal rows without a penalty have no one answer.
    expect(fitLinear(Float64Array.of(1, 0, 1, 0), Float64Array.of(1, 0, 0, 1), 2, 2, 0)).toBeNull();
  });
});

describe("solveRidge", () => {
  // [[4, 1], [1, 2]]^-1 = [[2, -1], [-1, 4]] / 7.
  const a = Float64Array.of(4, 1, 1, 2);

  test("solves for every column; the penalty is in units of the mean diagonal", () => {
    const exact = solveRidge(a, 2, Float32Array.of(7, 0, 14, 7), 2, 0)!;
    expect([...exact]).toEqual([0, -1, 7, 4].map((x) => expect.closeTo(x, 5)));
    // 4 + 3 and 2 + 3 on the diagonal: the inverse is [[5, -1], [-1, 7]] / 34.
    const damped = solveRidge(a, 2, Float32Array.of(34, 68), 1, 1)!;
    expect([...damped]).toEqual([3, 13].map((x) => expect.closeTo(x, 5)));
    expect([...a]).toEqual([4, 1, 1, 2]);
  });

  test("nothing to divide by, no answer", () => {
    expect(solveRidge(new Float64Array(4), 2, Float32Array.of(1, 2), 1, 1)).toBeNull();
    expect(solveRidge(Float64Array.of(1, 2, 2, 1), 2, Float32Array.of(1, 2), 1, 0)).toBeNull();
  });
});
