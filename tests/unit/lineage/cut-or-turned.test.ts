import { describe, expect, test } from "vitest";
import { isCutOrTurned } from "../../../src/lineage/cut-or-turned.ts";
import { prng } from "../../../src/numerics/prng.ts";

const HEIGHT = 32;
const WIDTH = 96;
const random = prng("cut or turned");
const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
const before = normals(HEIGHT * WIDTH);

/** Orthonormal vectors of WIDTH. */
function basis(count: number): Float64Array[] {
  const found: Float64Array[] = [];
  while (found.length < count) {
    const vector = Float64Array.from(normals(WIDTH));
    for (const other of found) {
      const inner = vector.reduce((sum, x, i) => sum + x * other[i]!, 0);
      for (let i = 0; i < WIDTH; i++) vector[i]! -= inner * other[i]!;
    }
    const norm = Math.hypot(...vector);
    found.push(vector.map((x) => x / norm));
  }
  return found;
}

/** Every row edited by its coordinates. */
function rowsEdited(edit: (row: Float32Array) => Float64Array): Float32Array {
  const out = new Float32Array(before.length);
  for (let i = 0; i < HEIGHT; i++) out.set(edit(before.subarray(i * WIDTH, (i + 1) * WIDTH)), i * WIDTH);
  return out;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

const without = (directions: readonly Float64Array[]): Float32Array =>
  rowsEdited((row) => {
    const rest = Float64Array.from(row);
    for (const u of directions) {
      const inner = dot(row, u);
      for (let i = 0; i < WIDTH; i++) rest[i]! -= inner * u[i]!;
    }
    return rest;
  });

/** Turned by an angle in the planes of pairs of directions. */
const turned = (angle: number, planes: number): Float32Array => {
  const directions = basis(2 * planes);
  return rowsEdited((row) => {
    const out = Float64Array.from(row);
    for (let k = 0; k < planes; k++) {
      const [u, v] = [directions[2 * k]!, directions[2 * k + 1]!];
      const [a, b] = [dot(row, u), dot(row, v)];
      const [c, d] = [a * Math.cos(angle) - b * Math.sin(angle), a * Math.sin(angle) + b * Math.cos(angle)];
      for (let i = 0; i < WIDTH; i++) out[i]! += (c - a) * u[i]! + (d - b) * v[i]!;
    }
    return out;
  });
};

/** Asked of either as what was there before, and of one that was multiplied as well. */
const is = (after: Float32Array, error = 0): boolean => {
  const half = after.map((x) => x / 2);
  const answers = [
    isCutOrTurned({ height: HEIGHT, width: WIDTH, before, after }, error),
    isCutOrTurned({ height: HEIGHT, width: WIDTH, before: after, after: before }, error),
    isCutOrTurned({ height: HEIGHT, width: WIDTH, before, after: half }, error / 4),
  ];
  expect(new Set(answers).size).toBe(1);
  return answers[0]!;
};

describe("directions of what a matrix reads", () => {
  test.each([1, 8, 40])("were cut off: %i of them", (count) => {
    expect(is(without(basis(count)))).toBe(true);
  });

  test.each([0.05, 0.5])("were turned by %f", (angle) => {
    expect(is(turned(angle, 40))).toBe(true);
  });

  test("are found through rounding, and are not asked for where rounding is most of the difference", () => {
    const cut = without(basis(8));
    const rounded = cut.map((x) => Math.round(x * 16) / 16);
    const error = (HEIGHT * WIDTH) / 256 / 12;
    expect(is(rounded, error)).toBe(true);
    const barely = before.map((x) => Math.round(x * 16) / 16);
    expect(is(barely, error)).toBe(false);
  });

  test("are neither cut nor turned by noise, by training, or by decay", () => {
    expect(is(before.map((x) => x + 0.1 * random.normal()))).toBe(false);
    expect(is(before.map((x) => 0.97 * x))).toBe(false);
    for (const rank of [1, 4, 16]) {
      const [up, down] = [normals(HEIGHT * rank), normals(rank * WIDTH)];
      const trained = before.map((x, at) => {
        const [i, j] = [Math.floor(at / WIDTH), at % WIDTH];
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += up[i * rank + k]! * down[k * WIDTH + j]!;
        return x + 0.05 * sum;
      });
      expect(is(trained), `rank ${rank}`).toBe(false);
    }
  });
});
