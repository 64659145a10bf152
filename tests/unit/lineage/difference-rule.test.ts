import { describe, expect, test } from "vitest";
import { beyondRules } from "../../../src/lineage/difference-rule.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { singularValues } from "../../../src/numerics/svd.ts";

const HEIGHT = 48;
const WIDTH = 80;
const SIZE = HEIGHT * WIDTH;
const normals = (count: number, seed: string): number[] => {
  const random = prng(seed);
  return Array.from({ length: count }, () => random.normal());
};
const before = Float32Array.from(normals(SIZE, "before"), (x, i) => x * (1 + (i % 7)));
const rowOf = (i: number): number => Math.floor(i / WIDTH);
const rows = normals(HEIGHT, "rows");
const cols = normals(WIDTH, "cols");
const noise = normals(SIZE, "noise");
const largest = 1.5 * Math.sqrt(before.reduce((sum, x) => sum + x * x, 0) / SIZE);

const beyond = (edit: (x: number, i: number) => number, low = false): Float64Array | null =>
  beyondRules({ height: HEIGHT, width: WIDTH, before, after: before.map(edit), low, variance: 0 });

describe("a rule that takes no training is known", () => {
  test.each<[string, (x: number, i: number) => number]>([
    ["a factor", (x) => 0.98 * x],
    ["rows scaled", (x, i) => x * (1 + 0.1 * rows[rowOf(i)]!)],
    ["columns scaled", (x, i) => x * (1 + 0.1 * cols[i % WIDTH]!)],
    ["both", (x, i) => x * (1 + 0.1 * rows[rowOf(i)]!) * (1 + 0.1 * cols[i % WIDTH]!)],
    ["a constant added", (x) => x + 0.05],
    ["something added to every row", (x, i) => x + 0.2 * rows[rowOf(i)]!],
    ["something added to every column", (x, i) => x - 0.2 * cols[i % WIDTH]!],
    ["large values cut off", (x) => Math.min(largest, Math.max(-largest, x))],
    ["small values cut off", (x) => (Math.abs(x) < largest / 8 ? 0 : x)],
    ["rounded to so many digits", (x) => Number(x.toPrecision(1))],
    ["some of them dropped, the others made up for it", (x, i) => (i % 13 === 0 ? 0 : (13 / 12) * x)],
    ["noise of their own size", (x, i) => x * (1 + 0.05 * noise[i]!)],
    ["noise in some rows alone", (x, i) => (rowOf(i) % 3 === 0 ? x + 0.2 * noise[i]! : x)],
    ["noise in half of the columns", (x, i) => (i % 2 === 0 ? x + 0.2 * noise[i]! : x)],
    ["all of it lost", () => Number.NaN],
  ])("%s", (_, edit) => {
    expect(beyond(edit)).toBeNull();
  });
});

describe("what no rule explains", () => {
  test("is training of any rank, its rows and columns evened", () => {
    for (const rank of [1, 4, 16]) {
      const down = normals(rank * WIDTH, `down ${rank}`);
      const up = normals(rank * HEIGHT, `up ${rank}`);
      const trained = (i: number): number =>
        Array.from({ length: rank }, (_, k) => up[k * HEIGHT + rowOf(i)]! * down[k * WIDTH + (i % WIDTH)]!).reduce(
          (sum, x) => sum + x,
          0,
        );
      const rest = beyond((x, i) => 0.97 * x + 0.05 * (trained(i) + 0.3 * noise[i]!))!;
      expect(rest, `rank ${rank}`).not.toBeNull();
      for (let j = 0; j < WIDTH; j++) {
        const square = rest.reduce((sum, x, i) => sum + (i % WIDTH === j ? x * x : 0), 0) / HEIGHT;
        expect(square).toBeCloseTo(1, 6);
      }
    }
  });

  test("is a difference of one direction alone, unless that is a shift", () => {
    expect(beyond((x, i) => x + 0.1 * rows[rowOf(i)]! * cols[i % WIDTH]!, true)).not.toBeNull();
    expect(beyond((x) => x + 0.05, true)).toBeNull();
  });

  test("is noise, of one size or of another in every row, of which no direction stands out", () => {
    const edge = Math.sqrt(HEIGHT) + Math.sqrt(WIDTH);
    for (const spread of [0, 0.7, 1]) {
      for (const shift of [0, 0.05]) {
        const shifted = (i: number): number => shift * (cols[i % WIDTH]! + rows[rowOf(i)]!);
        const rest = beyond((x, i) => x + 0.1 * Math.exp(spread * rows[rowOf(i)]!) * noise[i]! + shifted(i))!;
        expect(singularValues(rest, HEIGHT, WIDTH)[0]!, `${spread} ${shift}`).toBeLessThan(1.1 * edge);
      }
    }
  });
});
