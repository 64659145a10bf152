import { describe, expect, test } from "vitest";
import { fromReference, toReference } from "../../../src/alignment/residual.ts";
import { findResidual } from "../../../src/alignment/rotation.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
import { polarFactor } from "../../../src/numerics/polar.ts";
import { permutation, prng } from "../../../src/numerics/prng.ts";
import { randomRotation, rotateColumns } from "../../support/obfuscate.ts";
import { trainedRows } from "../../support/token-rows.ts";

const WIDTH = 64;
const ROWS = 512;

function noisy(rows: Float32Array, size: number): Float32Array {
  const random = prng("rotation noise");
  const scale = size * Math.sqrt(rows.reduce((sum, x) => sum + x * x, 0) / rows.length);
  return rows.map((x) => x + scale * random.normal());
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe("polarFactor", () => {
  test("of a product of a rotation and a positive matrix is the rotation", () => {
    const rotation = randomRotation(WIDTH, prng(1));
    const rows = trainedRows(1, ROWS, WIDTH);
    const gram = new Float32Array(WIDTH * WIDTH);
    for (let i = 0; i < WIDTH; i++) {
      for (let j = 0; j < WIDTH; j++) {
        for (let r = 0; r < ROWS; r++) gram[i * WIDTH + j]! += rows[r * WIDTH + i]! * rows[r * WIDTH + j]!;
      }
    }
    const product = matmul(rotation, gram, { rows: WIDTH, depth: WIDTH, columns: WIDTH });
    const found = polarFactor(product, WIDTH)!;
    expect(Math.max(...found.map((x, i) => Math.abs(x - rotation[i]!)))).toBeLessThan(2e-3);
  });

  test("is orthogonal up to f32, over a thousandfold range of singular values", () => {
    const random = prng(2);
    const factors = Float32Array.from({ length: WIDTH }, (_, i) => 1000 ** (-i / WIDTH));
    const left = randomRotation(WIDTH, random).map((x, i) => x * factors[i % WIDTH]!);
    const x = polarFactor(
      matmul(left, randomRotation(WIDTH, random), { rows: WIDTH, depth: WIDTH, columns: WIDTH }),
      WIDTH,
    )!;
    const product = matmul(x, x, { rows: WIDTH, depth: WIDTH, columns: WIDTH, transposedB: true });
    product.forEach((value, i) => {
      expect(Math.abs(value - Number(i % (WIDTH + 1) === 0))).toBeLessThan(1e-4);
    });
  });

  test("has none for zeros and for what is not finite", () => {
    expect(polarFactor(new Float32Array(9), 3)).toBeNull();
    expect(polarFactor(new Float32Array(9).fill(Number.NaN), 3)).toBeNull();
  });
});

describe("findResidual", () => {
  const rows = trainedRows(3, ROWS, WIDTH);

  test.each([0, 0.3, 0.6])("nothing was done, noise %d", (size) => {
    expect(findResidual(rows, noisy(rows, size), WIDTH)).toEqual({ kind: "none" });
  });

  test.each([0, 0.3])("a signed permutation is found to the last coordinate, noise %d", (size) => {
    const signs = Float32Array.from({ length: WIDTH }, (_, i) => (i % 3 === 0 ? -1 : 1));
    const map = { order: permutation(WIDTH, 5), signs };
    const found = findResidual(rows, noisy(rotateColumns(rows, WIDTH, map), size), WIDTH);
    expect(found.kind).toBe("signed-permutation");
    expect(toReference(rotateColumns(rows, WIDTH, map), WIDTH, found)).toEqual(rows);
  });

  test("signs alone", () => {
    const signs = Float32Array.from({ length: WIDTH }, (_, i) => (i === 7 ? -1 : 1));
    const found = findResidual(rows, rotateColumns(rows, WIDTH, { order: permutationOf(WIDTH), signs }), WIDTH);
    expect(found).toMatchObject({ kind: "signed-permutation", signs: Int8Array.from(signs) });
  });

  test.each([
    [0, 0.9999],
    [0.3, 0.97],
  ])("a rotation comes back, noise %d", (size, least) => {
    const matrix = randomRotation(WIDTH, prng(4));
    const suspect = matmul(rows, matrix, { rows: ROWS, depth: WIDTH, columns: WIDTH });
    const found = findResidual(rows, noisy(suspect, size), WIDTH);
    expect(found.kind).toBe("orthogonal");
    // On directions of all sizes, not only where tokens are strong.
    const probes = randomRotation(WIDTH, prng(6));
    const turned = matmul(probes, matrix, { rows: WIDTH, depth: WIDTH, columns: WIDTH });
    expect(cosine(toReference(turned, WIDTH, found), probes)).toBeGreaterThan(least);
    expect(cosine(fromReference(probes, WIDTH, found), turned)).toBeGreaterThan(least);
  });
});

function permutationOf(n: number): Uint32Array {
  return Uint32Array.from({ length: n }, (_, i) => i);
}
