import { beforeAll, describe, expect, test } from "vitest";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise, relayer, scramble } from "../../support/derive.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const SHAPE = { width: 64, hidden: 96, layers: 6, vocabulary: 200 };
const model = randomModel({ init: 1 }, SHAPE);
const stranger = randomModel({ init: 2 }, SHAPE);
let base: Subject;
beforeAll(async () => {
  base = await subjectOf(model, { name: "base", root: true });
});

/** The stranger with these tensors of the base. */
const holding = (pattern: RegExp): Model =>
  new Map([...stranger].map(([name, t]) => [name, pattern.test(name) ? model.get(name)! : t]));

/** Rows of one tensor above those of the next. */
function stacked(tensors: readonly ModelTensor[]): ModelTensor {
  const values = new Float32Array(tensors.reduce((sum, t) => sum + t.values.length, 0));
  let at = 0;
  for (const t of tensors) {
    values.set(t.values, at);
    at += t.values.length;
  }
  return { shape: [tensors.reduce((sum, t) => sum + t.shape[0]!, 0), tensors[0]!.shape[1]!], values, dtype: "F32" };
}

/** Queries, keys and values in one matrix, gate and up in another, as Phi-3 stores them. */
function fused(m: Model): Model {
  const out = new Map<string, ModelTensor>();
  for (const [name, t] of m) {
    const at = (part: string) => m.get(name.replace(/(?:q|gate)_proj/, part))!;
    if (name.includes("q_proj")) {
      out.set(name.replace("q_proj", "qkv_proj"), stacked([t, at("k_proj"), at("v_proj")]));
    } else if (name.includes("gate_proj"))
      out.set(name.replace("gate_proj", "gate_up_proj"), stacked([t, at("up_proj")]));
    else if (!/[kv]_proj|up_proj/.test(name)) out.set(name, t);
  }
  return out;
}

describe("a stranger that holds some of a model bit for bit", () => {
  test.each([
    ["the norms", /norm/],
    ["one matrix", /layers\.1\.self_attn\.q_proj/],
  ])("%s: is no relative", async (_, pattern) => {
    const suspect = await subjectOf(holding(pattern), { name: "suspect" });
    for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
      expect(result).toMatchObject({ verdict: "no-evidence", direction: "not-established", parents: [] });
    }
  });

  test.each([
    ["one layer of six", /layers\.1\./],
    ["two layers of six", /layers\.[14]\./],
    ["queries of three layers", /layers\.[024]\.self_attn\.q_proj/],
    ["all queries", /self_attn\.q_proj/],
    ["all that neurons write", /down_proj/],
  ])("%s: has no parent for that, whatever it is called", async (_, pattern) => {
    for (const suspect of [
      await subjectOf(holding(pattern), { name: "suspect" }),
      await subjectOf(scramble(holding(pattern)), { name: "suspect" }),
    ]) {
      for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
        expect(result).toMatchObject({ direction: "not-established", parents: [] });
        expect(result.summary).not.toMatch(/derives from/);
        // What is equal bit for bit is evidence of that.
        expect(result.summary).not.toMatch(/^No evidence/);
      }
    }
  });

  test("is said to hold more where it holds more", async () => {
    const rank = async (pattern: RegExp) => {
      const { verdict } = await judge(holding(pattern), base);
      return ["derived", "shared-init", "no-evidence"].indexOf(verdict);
    };
    const ranks = [
      await rank(/layers\.1\./),
      await rank(/layers\.[14]\./),
      await rank(/layers\.[0145]\./),
      await rank(/layers\./),
    ];
    expect([...ranks].sort((a, b) => b - a)).toEqual(ranks);
    expect(ranks.at(-1)).toBe(0);
  });
});

describe("a model that holds all of another", () => {
  test("fused otherwise is equal wherever sampled, and a derivative when tuned", async () => {
    const copy = await judge(fused(model), base);
    expect(copy).toMatchObject({ verdict: "identical", direction: "suspect-from-base" });
    expect(copy.summary).toBe("suspect is equal to base wherever sampled.");
    expect(copy.relations).not.toContain("copy");
    const tuned = await judge(fused(addNoise(model, 0.1)), base);
    expect(tuned).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect((await judge(fused(stranger), base)).verdict).toBe("no-evidence");
  });

  test("between other layers derives from it, layer by layer", async () => {
    const shifted = [...stranger].flatMap(([name, t]) => {
      const match = /^(.*layers\.)(\d+)(\..*)$/.exec(name);
      return match === null ? [] : [[`${match[1]}${Number(match[2]) + 6}${match[3]}`, t] as const];
    });
    const order = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11];
    const result = await judge(relayer(new Map([...model, ...shifted]), order), base);
    expect(result).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect(result.layers.map((l) => l.base)).toEqual(order.map((old) => (old < 6 ? old : null)));
  });

  test("or some of its layers and nothing else, derives from it", async () => {
    for (const [pattern, verdict] of [
      [/layers|embed_tokens/, "derived"],
      [/layers\.[01]\.|embed_tokens/, "derived"],
      [/layers\.[01]\./, "derived"],
    ] as const) {
      const part = new Map([...model].filter(([name]) => pattern.test(name)));
      expect((await judge(part, base)).verdict).toBe(verdict);
    }
  });
});
