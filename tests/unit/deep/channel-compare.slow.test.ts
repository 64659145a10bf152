import { describe, expect, test } from "vitest";
import type { CompareResult, TestResult } from "../../../src/lineage/result.ts";
import { addNoise } from "../../support/derive.ts";
import { type Disguise, type LlamaShape, obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge, subjectOf } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 96, hidden: 128, layers: 2, vocabulary: 320, tied: false } as const;
const GROUPED: LlamaShape = { width: 96, hidden: 128, heads: 6, kvHeads: 3, headSize: 16, vocabulary: 320 };
const PLAIN: LlamaShape = { ...GROUPED, kvHeads: 6 };
const HIDDEN: Disguise = { residual: "rotation", neuronOrder: true, neuronSigns: true, neuronScales: true };

/** With a key and a value head for every query head, or for groups of two. */
function model(seed: number, shape: LlamaShape): Model {
  const drawn = randomModel({ init: seed }, DIMS);
  if (shape === GROUPED) return drawn;
  const other = randomModel({ init: 1000 + seed }, DIMS);
  const widened = [...drawn].map(([name, tensor]) => {
    const more = /(?:k|v)_proj/.test(name)
      ? other.get(name.replace("k_proj", "q_proj").replace("v_proj", "o_proj"))
      : null;
    return [name, more ?? tensor] as const;
  });
  return new Map(widened);
}

const deep = (suspect: Parameters<typeof judge>[0], base: Parameters<typeof judge>[1]): Promise<CompareResult> =>
  judge(suspect, base, { monteCarlo: false, deep: true });

function channelTests({ tests }: CompareResult): readonly TestResult[] {
  return tests.filter(({ axis, seenFrom }) => axis === "channels" && seenFrom === "tokens");
}

const KINDS = [
  ["grouped heads", GROUPED],
  ["a value head for every query head", PLAIN],
] as const;

describe.each(KINDS)("value channels, %s", (_, shape) => {
  const base = model(1, shape);
  const tuned = addNoise(base, 0.2);

  test.each([
    ["kept", {}, []],
    ["with turned signs", { values: "signs" }, []],
    ["of heads that were moved", { headOrder: true }, ["heads"]],
  ] as const)("%s: derived by an exact p, though every neuron was moved", async (_name, disguise, words) => {
    const found = await deep(obfuscate(tuned, shape, { ...HIDDEN, ...disguise }, 7), base);
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    expect(found.deep!.moved).toEqual(["residual-rotated", "neurons", ...words]);
    const [swap, fixed] = channelTests(found);
    expect(swap).toMatchObject({ name: "T1-swap", exact: true });
    expect(fixed).toMatchObject({ name: "T2", exact: true, fixedPoints: fixed!.n });
    expect(fixed!.log10P).toBeLessThan(-12);
    expect(found.log10P).toBeGreaterThanOrEqual(fixed!.log10P!);
  });

  test("mixed by a matrix: silent, and nothing is said of heads", async () => {
    const found = await deep(obfuscate(tuned, shape, { ...HIDDEN, headOrder: true, values: "dense" }, 7), base);
    expect(found).toMatchObject({ verdict: "derived", log10P: null, deep: { basis: "calibrated" } });
    expect(found.deep!.moved).toEqual(["residual-rotated", "neurons"]);
    for (const { log10P } of channelTests(found)) expect(log10P).toBeGreaterThan(-3);
  });

  test("a stranger's: silent", async () => {
    const found = await deep(obfuscate(model(2, shape), shape, HIDDEN, 7), base);
    expect(found.verdict).toBe("no-evidence");
    expect(channelTests(found)).toHaveLength(2);
    for (const { log10P } of channelTests(found)) expect(log10P).toBeGreaterThan(-3);
  });
});

test("of one start under other trainings: no more than shared-init", async () => {
  const sibling = randomModel({ init: 1, training: 3 }, DIMS);
  const found = await deep(obfuscate(sibling, GROUPED, HIDDEN, 7), model(1, GROUPED));
  expect(found.verdict).toBe("shared-init");
  expect(found.deep).toMatchObject({ basis: "exact" });
});

test("channels renumbered within heads are called so where something else tells", async () => {
  const base = model(1, GROUPED);
  const suspect = new Map(obfuscate(addNoise(base, 0.2), GROUPED, { residual: "rotation" }, 7));
  for (const [name, tensor] of suspect) {
    if (!name.includes("v_proj")) continue;
    const { values, shape } = tensor;
    const reversed = Float32Array.from(
      values,
      (_, at) => values[(shape[0]! - 1 - Math.floor(at / 96)) * 96 + (at % 96)]!,
    );
    suspect.set(name, { ...tensor, values: reversed });
  }
  expect((await deep(suspect, base)).deep).toMatchObject({ basis: "exact", moved: ["residual-rotated", "channels"] });
});

test("a config that is missing or lies about heads changes nothing", async () => {
  const base = model(1, GROUPED);
  const suspect = obfuscate(addNoise(base, 0.2), GROUPED, HIDDEN, 7);
  const plain = await deep(suspect, base);
  for (const heads of [0, 7, 96, 1e9]) {
    const config = { model_type: "llama", hidden_size: 96, num_attention_heads: heads, num_key_value_heads: heads };
    const lying = await subjectOf(await checkpointOf(suspect, { config }), { name: "suspect" });
    expect(channelTests(await deep(lying, base))).toEqual(channelTests(plain));
  }
});

test("values whose number is no multiple of four, or that are all zero, are survived", async () => {
  const base = model(1, GROUPED);
  const odd = (rows: number, keep: number): Model =>
    new Map(
      [...obfuscate(addNoise(base, 0.2), GROUPED, HIDDEN, 7)].map(([name, tensor]) => {
        if (!name.includes("v_proj")) return [name, tensor] as const;
        const values = tensor.values.slice(0, rows * 96).map((x) => keep * x);
        return [name, { ...tensor, shape: [rows, 96], values }] as const;
      }),
    );
  const [some, few, none] = [await deep(odd(46, 1), base), await deep(odd(3, 1), base), await deep(odd(48, 0), base)];
  expect(channelTests(some).map(({ n }) => n)).toEqual([88, 88]);
  expect([channelTests(few), channelTests(none)]).toEqual([[], []]);
});
