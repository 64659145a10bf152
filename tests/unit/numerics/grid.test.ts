import { describe, expect, test } from "vitest";
import { levelsOnGrid } from "../../../src/numerics/grid.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { STORAGES, toBf16, toF16 } from "./storage.ts";

function gaussians(n: number, seed: string): number[] {
  const random = prng(seed);
  return Array.from({ length: n }, () => 0.02 * random.normal());
}

/** Round to nearest on 2 q + 1 levels, the largest value on the last. */
function absmaxQuantised(values: number[], q: number): { step: number; values: number[] } {
  const step = Math.max(...values.map(Math.abs)) / q;
  return { step, values: values.map((value) => Math.round(value / step) * step) };
}

describe.each(Object.entries(STORAGES))("stored as %s", (name, store) => {
  test.each([
    [7, 128],
    [127, 64],
    [127, 512],
  ])("groups on %d steps to either side are found, n = %d", (q, n) => {
    let found = 0;
    for (let seed = 0; seed < 50; seed++) {
      const group = absmaxQuantised(gaussians(n, `${name} ${seed}`), q);
      const grid = levelsOnGrid(Float32Array.from(group.values.map(store)));
      if (grid === null) continue;
      found++;
      expect(grid.step / group.step).toBeCloseTo(1, 2);
      expect(grid.levels).toBeGreaterThan(q);
      expect(grid.levels).toBeLessThanOrEqual(2 * q + 1);
    }
    expect(found).toBeGreaterThanOrEqual(49);
  });

  test.each([4, 8, 16, 32, 128, 1024])("groups of %d Gaussian values are not", (n) => {
    for (let seed = 0; seed < (n > 500 ? 100 : 1000); seed++) {
      expect(levelsOnGrid(Float32Array.from(gaussians(n, `${name} ${n} ${seed}`).map(store)))).toBeNull();
    }
  });

  test("neither are trained norm gains near one, nor values within one binade", () => {
    const random = prng(name);
    for (let i = 0; i < 500; i++) {
      const gains = Float32Array.from({ length: 64 }, () => store(1 + 0.01 * random.normal()));
      const binade = Float32Array.from({ length: 64 }, () => store(1 + random.float()));
      expect(levelsOnGrid(gains)).toBeNull();
      expect(levelsOnGrid(binade)).toBeNull();
    }
  });
});

test("a zero point off the middle: levels -3 .. 12", () => {
  const levels = Array.from({ length: 64 }, (_, i) => (i % 16) - 3);
  const grid = levelsOnGrid(Float32Array.from(levels.map((level) => toBf16(level * 0.0123))));
  expect(grid?.levels).toBe(16);
  expect(grid?.step).toBeCloseTo(0.0123, 4);
});

test("rounded in f16 first, in bf16 afterwards", () => {
  for (let seed = 0; seed < 50; seed++) {
    const { values, step } = absmaxQuantised(gaussians(256, `twice ${seed}`), 127);
    const grid = levelsOnGrid(Float32Array.from(values.map((value) => toBf16(toF16(value)))));
    expect(grid!.step / step).toBeCloseTo(1, 2);
  }
});

test("the largest step that fits is given, not a divisor of it", () => {
  const even = Float32Array.from({ length: 31 }, (_, i) => (i - 15) * 2 * 0.25);
  expect(levelsOnGrid(even)).toEqual({ step: 0.5, levels: 31 });
});

test("one value off the grid is enough to refuse", () => {
  const values = Float32Array.from({ length: 255 }, (_, i) => (i - 127) * 0.01);
  expect(levelsOnGrid(values)).not.toBeNull();
  values[130] = 0.0347;
  expect(levelsOnGrid(values)).toBeNull();
});

test("no evidence, no grid: empty, zero, constant, sparse, two levels", () => {
  expect(levelsOnGrid(new Float32Array(0))).toBeNull();
  expect(levelsOnGrid(new Float32Array(32))).toBeNull();
  expect(levelsOnGrid(new Float32Array(32).fill(0.37))).toBeNull();
  expect(levelsOnGrid(Float32Array.from({ length: 32 }, (_, i) => (i === 3 ? 0.4 : 0)))).toBeNull();
  expect(levelsOnGrid(Float32Array.of(1, -1, 2, 1, 2, -2))).toBeNull();
});

test("more than 256 levels are no grid", () => {
  expect(levelsOnGrid(Float32Array.from({ length: 300 }, (_, i) => i + 1))).toBeNull();
  // -140 .. 140: within reach on each side, too many together.
  expect(levelsOnGrid(Float32Array.from({ length: 281 }, (_, i) => i - 140))).toBeNull();
});

test("non-finite values are on no grid; the smallest subnormals are", () => {
  const levels = Array.from({ length: 32 }, (_, i) => i - 16);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(levelsOnGrid(Float32Array.of(...levels, bad))).toBeNull();
  }
  expect(levelsOnGrid(Float32Array.from(levels, (level) => level * 2 ** -149))?.levels).toBe(32);
});

test("the input is left as it was", () => {
  const values = Float32Array.of(3, -1, 2, Number.NaN, 0);
  const copy = values.slice();
  levelsOnGrid(values);
  expect(values).toEqual(copy);
});
