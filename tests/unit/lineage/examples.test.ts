import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { RowReader } from "../../../src/rows/row-reader.ts";
import {
  addLora,
  addNoise,
  cast,
  extendVocabulary,
  lieAboutRoles,
  metaNames,
  prune,
  quantise,
  refold,
  relayer,
  rename,
  reorderTensors,
  scramble,
  shard,
} from "../../support/derive.ts";
import type { Model, ModelTensor } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const MODELS = join(import.meta.dirname, "../../../examples/models");
const opened: Checkpoint[] = [];

async function example(name: string): Promise<Subject> {
  const checkpoint = await openCheckpoint(join(MODELS, name));
  opened.push(checkpoint);
  return subjectOf(checkpoint, { name, root: name.startsWith("base") });
}

/** A stored model as values, all of type BF16. */
async function valuesOf(checkpoint: Checkpoint): Promise<Model> {
  const reader = new RowReader(checkpoint);
  const tensors = new Map<string, ModelTensor>();
  for (const { name, shape } of checkpoint.tensors.values()) {
    const count = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { shape, values: await reader.elements(name, 0, count), dtype: "BF16" });
  }
  return tensors;
}

let baseA: Subject;
let baseB: Subject;
let model: Model;

beforeAll(async () => {
  [baseA, baseB] = [await example("base-a"), await example("base-b")];
  model = await valuesOf(baseA.checkpoint!);
});
afterAll(async () => {
  for (const checkpoint of opened) await checkpoint.close();
});

describe("the models of examples/", () => {
  test.each(["finetune", "renamed-lora"])("%s derives from base-a and not from base-b", async (name) => {
    const suspect = await example(name);
    const result = await judge(suspect, baseA);
    expect(result).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect(result.log10P).toBeLessThanOrEqual(-20);
    expect((await judge(suspect, baseB)).verdict).toBe("no-evidence");
  });

  test("two seeds of one recipe show no evidence, nor does another architecture", async () => {
    for (const [suspect, base] of [
      [baseA, baseB],
      [baseB, baseA],
      [await example("unrelated"), baseA],
      [await example("unrelated"), baseB],
    ] as const) {
      const result = await judge(suspect, base, {});
      expect(result.verdict).toBe("no-evidence");
      for (const t of result.tests) if (t.name === "T1") expect(Math.abs(t.z!)).toBeLessThan(4.5);
    }
  });
});

describe("what needs no training, made from base-a", () => {
  const exact: [string, () => Model | Model[], string][] = [
    ["f32", () => cast(model, "F32"), "identical"],
    ["f64", () => cast(model, "F64"), "identical"],
    ["f16", () => cast(model, "F16"), "recast"],
    ["three shards", () => shard(model, 3), "identical"],
    ["other tensor order", () => reorderTensors(model), "identical"],
    ["systematic names", () => rename(model, metaNames), "identical"],
    ["names that say nothing", () => scramble(model), "identical"],
  ];
  const derived: [string, () => Model][] = [
    ["int8", () => quantise(model, 8)],
    ["int4", () => quantise(model, 4)],
    ["int8 by rows", () => quantise(model, 8, 128)],
    ["30 % pruned", () => prune(model, 0.3)],
    ["5 % noise", () => addNoise(model, 0.05)],
    ["20 % noise", () => addNoise(model, 0.2)],
    ["LoRA of rank 8", () => addLora(model, 8, 0.1)],
    ["a layer dropped", () => relayer(model, [0, 2, 3])],
    ["layers repeated", () => relayer(model, [0, 1, 2, 1, 2, 3])],
    ["vocabulary extended", () => extendVocabulary(model, 64)],
    ["norm gains folded otherwise", () => refold(model)],
    ["10 % noise and names that lie", () => lieAboutRoles(addNoise(model, 0.1))],
    ["20 % noise and names that say nothing", () => scramble(addNoise(model, 0.2))],
  ];

  test("50 % pruned, without a parent: an earlier checkpoint that was pruned looks like this", async () => {
    const result = await judge(await subjectOf(prune(model, 0.5)), baseA);
    expect(result).toMatchObject({ verdict: "derived", direction: "not-established", relations: ["pruned"] });
  });

  test.each(exact)("%s", async (_, make, verdict) => {
    const suspect = await subjectOf(make());
    const result = await judge(suspect, baseA);
    expect(result.verdict).toBe(verdict);
    expect(result.log10P).toBeLessThanOrEqual(-20);
  });

  test.each(derived)("%s", async (_, make) => {
    // As most tools would leave it, in f32: rounding to bf16 again would be a second change.
    const suspect = await subjectOf(new Map([...make()].map(([name, t]) => [name, { ...t, dtype: "F32" as const }])));
    const result = await judge(suspect, baseA);
    expect(result).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect(result.log10P).toBeLessThanOrEqual(-20);
    expect((await judge(suspect, baseB)).verdict).toBe("no-evidence");
  });
});
