import { describe, expect, test } from "vitest";
import { type LabelBlock, labelTests } from "../../../src/deep/label-tests.ts";
import { mutualNearest } from "../../../src/deep/nearest.ts";
import { kolmogorovP } from "../../../src/numerics/kolmogorov.ts";
import { normalTail } from "../../../src/numerics/normal.ts";
import { permutation, prng } from "../../../src/numerics/prng.ts";

const WIDTH = 24;

function normals(n: number, seed: string): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: n * WIDTH }, () => random.normal());
}

function related(n: number, seed: string, noise: number): LabelBlock {
  const a = normals(n, seed);
  const other = normals(n, `${seed} noise`);
  return { width: WIDTH, a, b: a.map((x, i) => x + noise * other[i]!) };
}

function renumbered(rows: Float32Array, seed: string): Float32Array {
  const order = permutation(rows.length / WIDTH, seed);
  const out = new Float32Array(rows.length);
  order.forEach((from, to) => {
    out.set(rows.subarray(from * WIDTH, (from + 1) * WIDTH), to * WIDTH);
  });
  return out;
}

describe("labelTests", () => {
  test("finds the labels of two noisy copies, block by block", () => {
    const found = labelTests([related(60, "one", 0.5), related(40, "two", 0.5)])!;
    expect(found.labels).toBe(100);
    expect(found.r).toBeGreaterThan(0.8);
    expect(found.fixed).toBeGreaterThan(90);
    expect(found.fixedLog10P).toBeLessThan(-70);
    expect(found.swapLog10P).toBeLessThan(-8);
  });

  test("a layer that both models store twice counts once", () => {
    const block = related(60, "twice", 1.5);
    const [once, twice] = [labelTests([block])!, labelTests([block, block])!];
    expect(twice.swapZ).toBeCloseTo(once.swapZ, 10);
    expect(twice.fixedLog10P).toBeCloseTo(once.fixedLog10P + Math.log10(2), 10);
  });

  test("is silent where the same copies were renumbered", () => {
    const block = related(200, "renumbered", 0.1);
    const found = labelTests([{ ...block, b: renumbered(block.b, "away") }])!;
    expect(found.matched).toBeGreaterThan(190);
    expect(found.fixed).toBeLessThan(6);
    expect(Math.min(found.swapLog10P, found.fixedLog10P)).toBeGreaterThan(-3);
  });

  test("its z of strangers is standard normal, and no tail is smaller than it may be", () => {
    const draws = 2000;
    const found = Array.from({ length: draws }, (_, i) => {
      const block = { width: WIDTH, a: normals(64, `a ${i}`), b: normals(64, `b ${i}`) };
      return labelTests([block])!;
    });
    const uniform = found
      .map(({ swapZ: z }) => (z > 0 ? 1 - normalTail(z) / 2 : normalTail(z) / 2))
      .sort((x, y) => x - y);
    const distance = Math.max(...uniform.map((u, i) => Math.max(u - i / draws, (i + 1) / draws - u)));
    expect(kolmogorovP(distance, draws)).toBeGreaterThan(0.01);
    for (const level of [-1, -2, -3]) {
      const share = found.filter((one) => Math.min(one.swapLog10P, one.fixedLog10P) <= level).length / draws;
      expect(share / 2).toBeLessThanOrEqual(10 ** level);
    }
  });

  test("labels that are empty or another's equal say nothing", () => {
    const block = related(40, "copies", 0);
    for (const side of [block.a, block.b]) {
      side.copyWithin(WIDTH, 0, WIDTH);
      side.fill(0, 2 * WIDTH, 3 * WIDTH);
    }
    expect(labelTests([block])!.labels).toBe(37);
    expect(labelTests([{ width: WIDTH, a: new Float32Array(20 * WIDTH), b: normals(20, "b") }])).toBeNull();
    expect(labelTests([related(7, "few", 0)])).toBeNull();
    expect(labelTests([])).toBeNull();
  });
});

test("mutual nearest neighbours of a matrix worked by hand", () => {
  // Row 0 likes column 1 and is liked by it; rows 1 and 2 both like column 0, which likes row 2.
  const products = Float32Array.of(1, 9, 5, 2, 6, 3);
  expect(mutualNearest(products, 3, 2)).toEqual([
    { row: 0, column: 1, alone: true },
    { row: 2, column: 0, alone: true },
  ]);
  // By cosine row 0 likes column 0 as well, but row 2 is nearer to it; of two that are as near the first is taken.
  expect(mutualNearest(products, 3, 2, { left: Float64Array.of(1, 1, 1), right: Float64Array.of(0.1, 1) })).toEqual([
    { row: 2, column: 0, alone: true },
  ]);
  expect(mutualNearest(Float32Array.of(1, 1, 0, 0), 2, 2)).toEqual([{ row: 0, column: 0, alone: false }]);
  expect(mutualNearest(Float32Array.of(2, 0, 2, 1), 2, 2)).toEqual([{ row: 0, column: 0, alone: false }]);
});

test("rows of one number are all alike or opposite: no places are counted, whatever the runs have in common", () => {
  const side = (seed: string) => {
    const own = normals(512, seed);
    return Float32Array.from({ length: 512 }, (_, i) => own[i * WIDTH]! + 2 * own[(i >> 6) * WIDTH + 1]!);
  };
  const blocks = Array.from({ length: 6 }, (_, k) => ({ width: 1, a: side(`a ${k}`), b: side(`b ${k}`), run: 8 }));
  expect(labelTests(blocks)!.fixedLog10P).toBe(0);
});

test("labels in runs are matched within those, and renumbered runs are silent", () => {
  const block = related(64, "in runs", 0.3);
  const found = labelTests([{ ...block, run: 4 }])!;
  expect(found.fixed).toBe(64);
  expect(found.fixedLog10P).toBeCloseTo(-16 * Math.log10(24), 6);
  const moved = Array.from({ length: 16 }, (_, at) =>
    renumbered(block.b.subarray(4 * at * WIDTH, 4 * (at + 1) * WIDTH), `run ${at}`),
  );
  const b = Float32Array.from(moved.flatMap((rows) => [...rows]));
  expect(labelTests([{ ...block, b, run: 4 }])!.fixedLog10P).toBeGreaterThan(-3);
});
