import { describe, expect, test } from "vitest";
import { fromReference, toReference } from "../../../src/alignment/residual.ts";
import { findResidual } from "../../../src/alignment/rotation.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
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
