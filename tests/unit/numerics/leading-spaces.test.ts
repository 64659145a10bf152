import { describe, expect, test } from "vitest";
import { leadingSpaces, timesMatrix, timesTransposed, transpose } from "../../../src/numerics/leading-spaces.ts";
import { orthonormalRows } from "../../../src/numerics/orthonormal.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { thinSvd } from "../../../src/numerics/svd.ts";
import { deltaMatrix, held } from "../../../src/watermark/carriers/difference/delta-matrix.ts";
import { subspaceRank } from "../../../src/watermark/carriers/difference/subspace-rank.ts";

const random = prng("leading spaces test");
const view = (rows: number, cols: number) =>
  ({ rows, cols, rowOffset: (row: number) => row * cols, colStride: 1 }) as Parameters<typeof deltaMatrix>[1];

function matrixOf(values: Float32Array, cols: number) {
  const rows = values.length / cols;
  return deltaMatrix("a", view(rows, cols), async (first, count) => values.slice(first * cols, (first + count) * cols));
}

/** Six strong directions over noise. */
function structured(rows: number, cols: number): Float32Array {
  const out = Float32Array.from({ length: rows * cols }, () => 0.02 * random.normal());
  for (let k = 0; k < 6; k++) {
    const left = Float32Array.from({ length: rows }, () => random.normal());
    const right = Float32Array.from({ length: cols }, () => (1 - k / 10) * random.normal());
    for (let i = 0; i < out.length; i++) out[i]! += left[Math.floor(i / cols)]! * right[i % cols]!;
  }
  return out;
}

describe("leading spaces", () => {
  test("hold what the exact decomposition holds, and diagonalise the matrix", async () => {
    const [rows, cols] = [96, 200];
    const a = structured(rows, cols);
    const { left, right } = await leadingSpaces(matrixOf(a, cols), 6);
    const { s } = thinSvd(a, rows, cols, 6);
    for (let k = 0; k < 6; k++) {
      for (let l = 0; l < 6; l++) {
        let core = 0;
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < cols; j++) core += left[k * rows + i]! * a[i * cols + j]! * right[l * cols + j]!;
        }
        expect(Math.abs(core - (k === l ? s[k]! : 0))).toBeLessThan(1e-3 * s[0]!);
      }
    }
  });

  test("are the same for the same matrix, held or not", async () => {
    const a = matrixOf(structured(64, 96), 96);
    const [one, other] = [await leadingSpaces(a, 8), await leadingSpaces(await held(a), 8)];
    expect(one).toEqual(other);
  });

  test("of a matrix of lower rank are finite", async () => {
    const a = new Float32Array(64 * 80);
    for (let i = 0; i < a.length; i++) a[i] = ((i % 80) - 40) * Math.floor(i / 80);
    const { left, right } = await leadingSpaces(matrixOf(a, 80), 8);
    expect(left.every(Number.isFinite) && right.every(Number.isFinite)).toBe(true);
  });
});

test("products over tiles are products", async () => {
  const a = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const matrix = matrixOf(a, 3);
  expect([...(await timesTransposed(matrix, Float32Array.from([1, 0, 1])))]).toEqual([4, 10]);
  expect([...(await timesMatrix(matrix, Float32Array.from([1, 10])))]).toEqual([41, 52, 63]);
  expect([...transpose(a, 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
});

test("the rank of the subspace half falls with the size of the model", () => {
  const layers = (n: number) => Array.from({ length: n }, () => ({ rows: 4096, cols: 4096 }));
  expect([10, 200, 400, 4000].map((n) => subspaceRank(layers(n)))).toEqual([32, 16, 8, 8]);
});

describe("orthonormal rows", () => {
  test("are so, also when nearly parallel, and free of what they are taken out of", () => {
    const against = Float64Array.from([1, 0, 0, 0, 0]);
    const rows = Float64Array.from([1, 1, 0, 0, 0, 1, 1, 1e-5, 0, 1e-5, 3, 0, 0, 2, 0]);
    orthonormalRows(rows, 5, against);
    for (let k = 0; k < 3; k++) {
      expect(rows[5 * k]).toBeCloseTo(0, 12);
      for (let l = 0; l < 3; l++) {
        let inner = 0;
        for (let c = 0; c < 5; c++) inner += rows[5 * k + c]! * rows[5 * l + c]!;
        expect(inner).toBeCloseTo(k === l ? 1 : 0, 10);
      }
    }
  });

  test("that depend on others become zero, as do rows of nothing and of infinity", () => {
    const rows = Float64Array.from([1, 2, 2, 4, 0, 0, Number.POSITIVE_INFINITY, 0]);
    orthonormalRows(rows, 2);
    expect([...rows.subarray(2)].every((x) => x === 0 || Object.is(x, -0))).toBe(true);
  });
});
