import { describe, expect, test } from "vitest";
import { matmul } from "../../../src/kernels/matmul.ts";
import { polarFactor } from "../../../src/numerics/polar.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { randomRotation } from "../../support/obfuscate.ts";
import { trainedRows } from "../../support/token-rows.ts";

const WIDTH = 64;
const ROWS = 512;

describe("the polar factor", () => {
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

  test("is the map of least distance for a matrix of two rows, worked by hand", () => {
    // [2 0; 0 -3] turned by 30 degrees: the signs and the turn are the polar factor.
    const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
    const found = polarFactor(Float32Array.of(2 * c, -2 * s, -3 * s, -3 * c), 2)!;
    [c, -s, -s, -c].forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 5);
    });
  });

  test("leaves a direction that is not there at zero, and has the same answer at any scale", () => {
    const found = polarFactor(Float32Array.of(1e-12, 0, 0, 0), 2)!;
    expect(found[0]).toBeCloseTo(1, 5);
    expect([...found.subarray(1)]).toEqual([0, 0, 0]);
    expect(polarFactor(Float32Array.of(2 ** 40, 0, 0, 0), 2)![0]).toBeCloseTo(1, 5);
  });
});
