import { describe, expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { sliceRuns } from "../../../src/fingerprint/sampling.ts";
import { SLICE_BLOCK, sliceMatrix, sliceValues } from "../../../src/fingerprint/slice.ts";
import { RowReader } from "../../../src/rows/row-reader.ts";
import { mapMatrices, quantise } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const TINY = { width: 48, hidden: 64, layers: 1, vocabulary: 96 };
const sign = (s: MatrixSketch, row: number, col: number): number =>
  (s.bits[row * Math.ceil(s.cols / 32) + (col >> 5)]! >>> (col & 31)) & 1 ? -1 : 1;

async function sketchOf(model: Model, role: string): Promise<MatrixSketch> {
  const { sketches } = await fingerprintCheckpoint(await checkpointOf(model));
  return sketches.find((s) => s.role === role)!;
}

describe("signs", () => {
  test.each([
    ["llama", "up", "model.layers.0.mlp.up_proj.weight", "model.layers.0.post_attention_layernorm.weight"],
    ["gpt2", "up", "transformer.h.0.mlp.c_fc.weight", "transformer.h.0.ln_2.weight"],
  ] as const)("are those of the canonical matrix with its gain folded in: %s", async (family, role, name, norm) => {
    const plain = randomModel({ init: 1 }, { ...TINY, family });
    const model = new Map(plain).set(norm, {
      ...plain.get(norm)!,
      values: plain.get(norm)!.values.map((g, i) => (i % 5 ? g : -g)),
    });
    const sketch = await sketchOf(model, role);
    const { values } = model.get(name)!;
    const gain = model.get(norm)!.values;
    for (const [i, row] of sketch.sampled.entries()) {
      for (let j = 0; j < sketch.cols; j++) {
        const x = family === "gpt2" ? values[j * sketch.rows + row]! : values[row * sketch.cols + j]!;
        if (sign(sketch, i, j) !== Math.sign(x * gain[j]!)) expect.fail(`row ${row}, column ${j}`);
      }
    }
    expect([sketch.rows, sketch.cols]).toEqual([64, 48]);
  });

  test("of zeros are coins that fall alike for equal models and apart for others", async () => {
    const [one, two] = [randomModel({ init: 1 }, TINY), randomModel({ init: 2 }, TINY)];
    const zero = mapMatrices(one, (values, _, name) =>
      name.includes("up_proj") ? values.map((x, i) => (i % 48 === 7 ? x : 0)) : values,
    );
    const [first, again] = [await sketchOf(zero, "up"), await sketchOf(new Map(zero), "up")];
    expect(again.bits).toEqual(first.bits);
    // The same sparse matrix in another model: its zeros are tossed anew.
    const name = "model.layers.0.mlp.up_proj.weight";
    const elsewhere = await sketchOf(new Map(two).set(name, zero.get(name)!), "up");
    expect(elsewhere.digest).toEqual(first.digest);
    let [equal, coins, negative] = [0, 0, 0];
    for (let i = 0; i < first.sampled.length; i++) {
      for (let j = 0; j < 48; j++) {
        if (j === 7) {
          expect(sign(elsewhere, i, j)).toBe(sign(first, i, j));
          continue;
        }
        coins++;
        if (sign(elsewhere, i, j) === sign(first, i, j)) equal++;
        if (sign(first, i, j) < 0) negative++;
      }
    }
    for (const count of [equal, negative])
      expect(Math.abs(count / coins - 0.5)).toBeLessThan((5 * 0.5) / Math.sqrt(coins));
  });

  test("are left out of rows that are constant or not finite", async () => {
    const model = mapMatrices(randomModel({ init: 3 }, TINY), (values, { shape }, name) =>
      name.includes("up_proj")
        ? values.map((x, i) => {
            const row = Math.floor(i / shape[1]!);
            if (row === 2) return 0;
            if (row === 3) return 0.5;
            if (row === 4 && i % shape[1]! === 9) return Number.NaN;
            return row === 5 && i % shape[1]! === 9 ? Number.NEGATIVE_INFINITY : x;
          })
        : values,
    );
    const { valid } = await sketchOf(model, "up");
    expect(valid.flatMap((ok, i) => (ok ? [] : [i]))).toEqual([2, 3, 4, 5]);
  });
});

describe("sample moments", () => {
  test("are those of the sampled rows", async () => {
    const model = randomModel({ init: 4 }, TINY);
    const { moments, sampled, cols } = await sketchOf(model, "up");
    const { values } = model.get("model.layers.0.mlp.up_proj.weight")!;
    const rows = sampled.map((row) => [...values.subarray(row * cols, (row + 1) * cols)]);
    const all = rows.flat();
    const mean = (f: (x: number) => number): number => all.reduce((sum, x) => sum + f(x), 0) / all.length;
    expect(moments.rms).toBeCloseTo(Math.sqrt(mean((x) => x * x)), 6);
    expect(moments.kurtosis).toBeCloseTo(mean((x) => x ** 4) / mean((x) => x * x) ** 2, 4);
    expect(moments.zeroFraction).toBe(0);
    expect(moments.quantiles[0]).toBe(Math.min(...all));
    expect(moments.quantiles[16]).toBe(Math.max(...all));
    const norms = rows.map((row) => Math.hypot(...row));
    const average = norms.reduce((a, b) => a + b, 0) / norms.length;
    const spread = Math.sqrt(norms.reduce((sum, x) => sum + (x - average) ** 2, 0) / norms.length) / average;
    expect(moments.rowNormSpread).toBeCloseTo(spread, 5);
    expect(moments.grid).toBeNull();
  });

  test.each([
    [32, "4-bit grid, groups of 32"],
    [64, "4-bit grid, groups of 64"],
    [128, "4-bit grid, groups of 128 or more"],
    [256, "4-bit grid, groups of 128 or more"],
    [512, "4-bit grid, rows"],
  ])("name the widest groups that lie on one grid: of %i", async (group, label) => {
    const wide = randomModel({ init: 4 }, { ...TINY, width: 512, hidden: 32, vocabulary: 32 });
    const { moments } = await sketchOf(quantise(wide, 4, group), "up");
    expect(moments.grid).toBe(label);
  });
});

describe("slices", () => {
  test("keep 64 rows of a fixed column subset within half an int8 step", async () => {
    const checkpoint = await checkpointOf(randomModel({ init: 5 }, { ...TINY, width: 1200, vocabulary: 100 }));
    const { matrices } = describeAnatomy(checkpoint.tensors, null);
    const embed = matrices.find((m) => m.role === "embed")!;
    const reader = new RowReader(checkpoint);
    const slice = (await sliceMatrix(reader, embed, 0))!;
    const columns = sliceRuns(1200).flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
    const rows = await reader.rows(
      embed,
      Array.from({ length: 64 }, (_, i) => slice.firstRow + i),
    );
    const values = sliceValues(slice, false);
    expect([slice.firstRow, slice.height, slice.width]).toEqual([18, 64, 1024]);
    for (let i = 0; i < 64; i++) {
      columns.forEach((column, j) => {
        const step = slice.scale[i * (1024 / SLICE_BLOCK) + Math.floor(j / SLICE_BLOCK)]!;
        const error = Math.abs(values[i * 1024 + j]! - rows[i * 1200 + column]!);
        if (error > 0.5001 * step) expect.fail(`row ${i}, column ${column}: off by ${error / step} steps`);
      });
    }
  });

  test("are null for zeros and for values that are not finite, and survive the largest", async () => {
    const of = async (edit: (x: number) => number) => {
      const checkpoint = await checkpointOf(mapMatrices(randomModel({ init: 6 }, TINY), (v) => v.map(edit)));
      const { matrices } = describeAnatomy(checkpoint.tensors, null);
      return sliceMatrix(new RowReader(checkpoint), matrices.find((m) => m.role === "up")!, 0);
    };
    expect(await of(() => 0)).toBeNull();
    expect(await of((x) => (x > 0.01 ? Number.POSITIVE_INFINITY : x))).toBeNull();
    expect(sliceValues((await of((x) => Math.sign(x) * 3.4e38))!, false).every(Number.isFinite)).toBe(true);
  });
});
