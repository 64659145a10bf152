import { describe, expect, test } from "vitest";
import { closestTurn } from "../../../src/deep/stream-turn.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
import { polarFactor } from "../../../src/numerics/polar.ts";
import { prng } from "../../../src/numerics/prng.ts";

const WIDTH = 24;

const drawn = (count: number, purpose: string): Float32Array => {
  const random = prng(purpose);
  return Float32Array.from({ length: count }, () => random.normal());
};
const through = (rows: Float32Array, map: Float32Array): Float32Array =>
  matmul(rows, map, { rows: rows.length / WIDTH, depth: WIDTH, columns: WIDTH });
const noisy = (rows: Float32Array, size: number): Float32Array => {
  const noise = drawn(rows.length, "noise");
  return rows.map((x, i) => x + size * noise[i]!);
};
/** Largest difference of any two entries. */
const apart = (x: Float32Array, y: Float32Array): number => Math.max(...x.map((value, i) => Math.abs(value - y[i]!)));

const rotation = polarFactor(drawn(WIDTH * WIDTH, "rotation"), WIDTH)!;
const permutation = Float32Array.from({ length: WIDTH * WIDTH }, (_, at) => {
  const [i, j] = [Math.floor(at / WIDTH), at % WIDTH];
  return (5 * i) % WIDTH === j ? (i % 3 === 0 ? -1 : 1) : 0;
});
const transposedOf = (map: Float32Array): Float32Array =>
  map.map((_, at) => map[(at % WIDTH) * WIDTH + Math.floor(at / WIDTH)]!);
const rows = drawn(40 * WIDTH, "rows");

describe("the turn that brings one stream closest to another", () => {
  test("is the rotation that was made, whatever the lengths of the rows", () => {
    const a = rows.map((x, at) => x * (1 + Math.floor(at / WIDTH)));
    const turn = closestTurn([{ a, b: through(rows, transposedOf(rotation)) }], WIDTH, null)!;
    expect(apart(turn, rotation)).toBeLessThan(1e-3);
  });

  test("is finer with more rows", () => {
    const more = drawn(4000 * WIDTH, "more");
    const error = (of: Float32Array): number =>
      apart(closestTurn([{ a: noisy(of, 1), b: through(of, transposedOf(rotation)) }], WIDTH, null)!, rotation);
    expect(error(more)).toBeLessThan(error(rows) / 4);
  });

  test("with the way that the rows came, undoes a signed permutation exactly, through noise", () => {
    // The first map was a little off, as tokens alone tell it: the stream lies where a stored one went through `placing`.
    const placing = polarFactor(noisy(transposedOf(permutation), 0.02), WIDTH)!;
    const b = through(through(rows, permutation), placing);
    const turn = closestTurn([{ a: noisy(rows, 0.3), b }], WIDTH, placing)!;
    expect(apart(through(b, turn), rows)).toBeLessThan(1e-4);
    const loose = closestTurn([{ a: noisy(rows, 0.3), b }], WIDTH, null)!;
    expect(apart(through(b, loose), rows)).toBeGreaterThan(0.05);
  });

  test("takes no rotation for a permutation", () => {
    const b = through(rows, transposedOf(rotation));
    const identity = Float32Array.from({ length: WIDTH * WIDTH }, (_, at) => Number(at % (WIDTH + 1) === 0));
    expect(apart(closestTurn([{ a: rows, b }], WIDTH, identity)!, rotation)).toBeLessThan(1e-3);
  });

  test("is none of nothing", () => {
    expect(closestTurn([{ a: new Float32Array(3 * WIDTH), b: rows.slice(0, 3 * WIDTH) }], WIDTH, null)).toBeNull();
    expect(closestTurn([], WIDTH, null)).toBeNull();
  });
});
