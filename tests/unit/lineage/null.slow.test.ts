import { beforeAll, describe, expect, test } from "vitest";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { mapMatrices, prune, quantise, relayer } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const TINY = { width: 48, hidden: 64, layers: 2, vocabulary: 160 };

function zOf(result: CompareResult, axis: string): number[] {
  return result.tests.flatMap((t) => (t.name === "T1" && t.axis === axis && t.z !== null ? [t.z] : []));
}

function expectStandardNormal(z: readonly number[]): void {
  const mean = z.reduce((a, b) => a + b, 0) / z.length;
  const sd = Math.sqrt(z.reduce((a, b) => a + (b - mean) ** 2, 0) / z.length);
  // Five standard errors: pairs share models, so they are not quite as many as they look.
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(z.length));
  expect(Math.abs(sd - 1)).toBeLessThan(5 / Math.sqrt(2 * z.length));
}

describe("independent models", () => {
  const results: CompareResult[] = [];
  beforeAll(async () => {
    const subjects: Subject[] = [];
    for (let seed = 0; seed < 18; seed++) subjects.push(await subjectOf(randomModel({ init: 100 + seed }, TINY)));
    for (const [i, suspect] of subjects.entries()) {
      for (const base of subjects.slice(0, i)) results.push(await judge(suspect, base));
    }
  });

  test("never give more than no evidence", () => {
    expect(results).toHaveLength(153);
    expect(new Set(results.map((r) => r.verdict))).toEqual(new Set(["no-evidence"]));
    expect(new Set(results.flatMap((r) => r.components.map((c) => c.verdict)))).toEqual(new Set(["no-evidence"]));
  });

  test("have standard normal z on both axes", () => {
    expectStandardNormal(results.flatMap((r) => zOf(r, "residual")));
    expectStandardNormal(results.flatMap((r) => zOf(r, "neurons")));
  });

  test("have p-values that no correction is needed for", () => {
    const smallest = Math.min(...results.flatMap((r) => r.components.map((c) => c.log10P!)));
    expect(smallest).toBeGreaterThan(-3);
  });
});

type Edit = (model: Model) => Model;

const vectors =
  (edit: (i: number, value: number) => number): Edit =>
  (model) =>
    new Map(
      [...model].map(([name, t]) => [
        name,
        t.shape.length === 1 ? { ...t, values: t.values.map((x, i) => edit(i, x)) } : t,
      ]),
    );

/** The same draws for every model: structure that unrelated models have in common. */
const draw = (seed: string): Float64Array => {
  const random = prng(seed);
  return Float64Array.from({ length: 4096 }, () => random.normal());
};
const COMMON = { gains: draw("gains"), channels: draw("channels"), rows: draw("rows") };

const only =
  (pattern: RegExp, edit: (x: number, row: number, col: number, cols: number) => number): Edit =>
  (model) =>
    mapMatrices(model, (values, { shape }, name) => {
      const cols = shape[1]!;
      if (!pattern.test(name)) return values;
      return values.map((x, i) => edit(x, Math.floor(i / cols), i % cols, cols));
    });

/** Columns in falling order of `score`. */
const sortColumns =
  (pattern: RegExp, score: (column: Float32Array) => number): Edit =>
  (model) =>
    mapMatrices(model, (values, { shape }, name) => {
      const [rows, cols] = shape as [number, number];
      if (!pattern.test(name)) return values;
      const column = (j: number): Float32Array => Float32Array.from({ length: rows }, (_, i) => values[i * cols + j]!);
      const order = Array.from({ length: cols }, (_, j) => [score(column(j)), j] as const).sort((a, b) => b[0] - a[0]);
      return values.map((_, i) => values[i - (i % cols) + order[i % cols]![1]]!);
    });

const energy = (column: Float32Array): number => column.reduce((sum, x) => sum + x * x, 0);
const READERS = /embed_tokens|lm_head|[qkv]_proj|gate_proj|up_proj/;
const ALL = /./;

/** Structure that independently trained models of one recipe share, and that must not look like shared weights. */
const SHARED: [string, Edit][] = [
  ["equal norm gains", vectors((i) => 1 + 0.3 * COMMON.gains[i]!)],
  ["norm gains of cosine .99", vectors((i, x) => 1 + 0.3 * COMMON.gains[i]! + 0.1 * (x - 1))],
  ["norm gains with signs in common", vectors((i) => (i % 3 === 0 ? -1 : 1))],
  ["equal scales of channels", only(ALL, (x, _, j) => x * Math.exp(COMMON.channels[j]!))],
  ["equal scales of rows", only(ALL, (x, i) => x * Math.exp(COMMON.rows[i % 4096]!))],
  ["zeros at the same half of all places", only(ALL, (x, i, j) => ((i * 7919 + j * 104_729) % 97 < 48 ? 0 : x))],
  ["zeros at the same nine tenths of all places", only(ALL, (x, i, j) => ((i * 7919 + j * 104_729) % 97 < 87 ? 0 : x))],
  ["2:4 sparsity at the same places", only(ALL, (x, i, j) => ((i + j) % 4 < 2 ? 0 : x))],
  ["half of it pruned", (m) => prune(m, 0.5)],
  ["int4 weights", (m) => quantise(m, 4, 16)],
  ["rows of zeros at the end", only(ALL, (x, i) => (i % 50 > 40 ? 0 : x))],
  ["columns of zeros at the end", only(ALL, (x, _, j, cols) => (j > 0.8 * cols ? 0 : x))],
  ["columns of one constant at the end", only(ALL, (x, _, j, cols) => (j > 0.8 * cols ? 1e-3 : x))],
  ["one constant matrix", only(/layers\.0.*q_proj/, () => 0.02)],
  ["one identity matrix", only(/layers\.0.*q_proj/, (_, i, j) => (i === j ? 1 : 0))],
  ["identities for all queries and keys", only(/[qk]_proj/, (_, i, j) => (i === j ? 1 : 0))],
  ["the same four massive channels", only(READERS, (x, _, j) => (j % 12 === 5 ? -Math.abs(50 * x) : x))],
  ["channels that act as a bias in both", only(/gate_proj|up_proj/, (x, _, j) => (j < 16 ? x - 0.03 : x))],
  ["rows of one sign", only(READERS, (x, i) => (i % 2 ? Math.abs(x) : x))],
  ["neurons sorted by size", sortColumns(/down_proj/, energy)],
  ["neurons sorted by their mean", sortColumns(/down_proj/, (c) => c.reduce((s, x) => s + Math.sign(x), 0))],
  ["channels sorted by size in every matrix", sortColumns(ALL, energy)],
  ["one layer again and again", (m) => relayer(m, [0, 0, 0, 0, 0, 0])],
];

describe("independent models with structure in common", () => {
  test.each(SHARED)("%s", async (_, edit) => {
    const worst: number[] = [];
    for (let pair = 0; pair < 3; pair++) {
      const [a, b] = [randomModel({ init: 300 + pair }, TINY), randomModel({ init: 400 + pair }, TINY)];
      const result = await judge(edit(a), await subjectOf(edit(b)));
      expect(["no-evidence", "not-testable"]).toContain(result.verdict);
      for (const c of result.components) worst.push(c.log10P ?? 0);
    }
    // Nothing comes near the threshold of 1e-9, corrected.
    expect(Math.min(...worst)).toBeGreaterThan(-5);
  });

  test("equal norm vectors are no evidence, though their cosine is above .98", async () => {
    const edit = SHARED[1]![1];
    const [a, b] = [edit(randomModel({ init: 1 }, TINY)), edit(randomModel({ init: 2 }, TINY))];
    const [x, y] = [a, b].map((m) => [...m].flatMap(([, t]) => (t.shape.length === 1 ? [...t.values] : [])));
    const dot = (u: number[], v: number[]): number => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
    expect(dot(x!, y!) / Math.sqrt(dot(x!, x!) * dot(y!, y!))).toBeGreaterThan(0.98);
    expect((await judge(a, await subjectOf(b))).verdict).toBe("no-evidence");
  });
});
