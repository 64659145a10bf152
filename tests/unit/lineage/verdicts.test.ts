import { beforeAll, describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { prng } from "../../../src/numerics/prng.ts";
import {
  addLora,
  addNoise,
  average,
  cast,
  extendVocabulary,
  lieAboutRoles,
  mapMatrices,
  prune,
  quantise,
  relayer,
  scramble,
} from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge, subjectOf } from "../../support/stored-model.ts";

const THRESHOLD = -9;
const model = randomModel({ init: 1 });
const stranger = randomModel({ init: 2 });
let base: Subject;
let root: Subject;
let foreign: Subject;

beforeAll(async () => {
  base = await subjectOf(model, { name: "base" });
  root = { ...base, root: true };
  foreign = await subjectOf(stranger, { name: "stranger" });
});

describe("derived", () => {
  const made: [string, () => Model, string?][] = [
    ["5 % noise", () => addNoise(model, 0.05)],
    ["20 % noise", () => addNoise(model, 0.2)],
    ["50 % pruned", () => prune(model, 0.5), "pruned"],
    ["int8", () => quantise(model, 8), "quantized"],
    ["int4", () => quantise(model, 4), "quantized"],
    ["LoRA of rank 4", () => addLora(model, 4, 0.1), "lora"],
    ["LoRA of rank 16", () => addLora(model, 16, 0.1), "lora"],
    ["layers dropped", () => relayer(model, [0, 2]), "depth-pruned"],
    ["layers repeated", () => relayer(model, [0, 1, 1, 2]), "depth-upscaled"],
    ["layers in another order, noisy", () => addNoise(relayer(model, [2, 0, 1]), 0.1)],
    ["vocabulary extended", () => extendVocabulary(model, 40), "vocabulary-extended"],
    ["names that say nothing, noisy", () => scramble(addNoise(model, 0.1))],
    ["names that lie, noisy", () => lieAboutRoles(addNoise(model, 0.1))],
    ["all layers' names traded, noisy", () => relayer(lieAboutRoles(addNoise(model, 0.1)), [1, 2, 0])],
  ];
  test.each(made)("%s", async (_, make, relation) => {
    const suspect = await subjectOf(make(), { name: "suspect" });
    const result = await judge(suspect, base);
    expect(result.verdict).toBe("derived");
    expect(result.log10P).toBeLessThanOrEqual(-20);
    expect(result.threshold).toBe(THRESHOLD);
    if (relation !== undefined) expect(result.relations).toContain(relation);
    expect((await judge(suspect, foreign)).verdict).toBe("no-evidence");
  });

  test("how a part was changed does not say how the model was made", async () => {
    const tuned = addLora(model, 4, 0.1);
    const patched = new Map([...tuned].map(([name, t]) => [name, /mlp/.test(name) ? stranger.get(name)! : t]));
    const deeper = new Map(tuned);
    for (const [name, t] of stranger) {
      const layer = /^model\.layers\.(\d+)\.(.*)/.exec(name);
      if (layer) deeper.set(`model.layers.${Number(layer[1]) + 40}.${layer[2]}`, t);
    }
    for (const suspect of [patched, deeper]) {
      const result = await judge(suspect, base);
      expect(result.verdict).toBe("derived");
      expect(result.relations).toEqual([]);
    }
  });

  test("an average counts for both of its parents, and for nobody else", async () => {
    const merged = await subjectOf(average(model, stranger, 0.7));
    expect((await judge(merged, base)).verdict).toBe("derived");
    expect((await judge(merged, foreign)).verdict).toBe("derived");
    expect((await judge(merged, await subjectOf(randomModel({ init: 3 })))).verdict).toBe("no-evidence");
  });

  test("calls no depth another where a layer is not the base's", async () => {
    const shorter = relayer(model, [0, 2]);
    expect((await judge(shorter, base)).relations).toEqual(["depth-pruned"]);
    const mixed = new Map([...shorter].map(([name, t]) => [name, /layers\.1\./.test(name) ? stranger.get(name)! : t]));
    expect((await judge(mixed, base)).relations).toEqual([]);
    expect((await judge(relayer(model, [0, 0, 2]), base)).relations).toEqual([]);
  });

  test.each([1, 4, 16])("tells the rank of an adapter: %i", async (rank) => {
    expect((await judge(addLora(model, rank, 0.2), base)).difference.loraRank).toBe(rank);
  });

  test("tells an adapter in a model that got more tokens, and none where the table was trained as well", async () => {
    const plain = randomModel({ init: 11 }, { vocabulary: 600 });
    const extended = extendVocabulary(addLora(plain, 4, 0.2), 40);
    const found = await judge(extended, plain);
    expect(found.relations).toEqual(["vocabulary-extended", "lora"]);
    expect(found.difference.loraRank).toBe(4);
    const table = [...extended.keys()].find((name) => /embed/.test(name))!;
    const trained = new Map(extended).set(table, addNoise(new Map([[table, extended.get(table)!]]), 0.1).get(table)!);
    expect((await judge(trained, plain)).difference.loraRank).toBeUndefined();
  });

  test.each(["gpt2", "neox", "phi3", "mixtral", "llava"] as const)("in the layout of %s", async (family) => {
    const one = await subjectOf(randomModel({ init: 11 }, { family }));
    const noisy = await judge(addNoise(randomModel({ init: 11 }, { family }), 0.1), one);
    expect(noisy.verdict).toBe("derived");
    for (const c of noisy.components) expect(c.log10P).toBeLessThanOrEqual(-20);
    expect((await judge(randomModel({ init: 12 }, { family }), one)).verdict).toBe("no-evidence");
  });

  test("prints which base layer each layer comes from", async () => {
    const { layers } = await judge(relayer(addNoise(model, 0.05), [2, 0, 0, 1]), base);
    expect(layers.map((l) => [l.suspect, l.base])).toEqual([
      [0, 2],
      [1, 0],
      [2, 0],
      [3, 1],
    ]);
    for (const l of layers) expect(l.log10P).toBeLessThan(-20);
  });
});

describe("shared-init", () => {
  test("another training of the same initial weights, from both sides and after a cast", async () => {
    const sibling = randomModel({ init: 1, training: 9 });
    for (const suspect of [sibling, cast(sibling, "BF16"), quantise(sibling, 4), addNoise(sibling, 0.1)]) {
      const result = await judge(suspect, root);
      expect(result.verdict).toBe("shared-init");
      expect(result.log10P).toBeLessThanOrEqual(THRESHOLD);
      expect(result).toMatchObject({ direction: "not-established", parents: [], relations: [] });
      expect(result.summary).toMatch(/same initial weights/);
      for (const c of result.components) expect(c.verdict).not.toBe("derived");
    }
    expect((await judge(base, await subjectOf(sibling))).verdict).toBe("shared-init");
  });

  test("untrained weights share an initialisation and nothing else", async () => {
    const flat = mapMatrices(model, (values) => {
      const random = prng(`untrained ${values.length}`);
      return values.map(() => 0.02 * random.normal());
    });
    const result = await judge(addNoise(flat, 0.1), await subjectOf(flat));
    expect(result.verdict).toBe("shared-init");
    expect(result.components.map((c) => c.reason).join()).toMatch(/either trained little/);
  });
});

describe("direction", () => {
  const noisy = addNoise(model, 0.1);

  test("is claimed from a registered root to what is none, and never otherwise", async () => {
    const child = await subjectOf(noisy, { name: "child" });
    const from = await judge(child, root);
    expect(from).toMatchObject({ direction: "suspect-from-base", parents: [{ name: "base" }] });
    expect(from.summary).toBe("child derives from base.");
    const swapped = await judge(root, child);
    expect(swapped).toMatchObject({ direction: "base-from-suspect", parents: [{ name: "base" }] });
    expect(swapped.summary).toBe("child derives from base.");
    for (const [suspect, other] of [
      [child, base],
      [{ ...child, root: true }, root],
    ] as const) {
      const result = await judge(suspect, other);
      expect(result).toMatchObject({ verdict: "derived", direction: "not-established", parents: [] });
      expect(result.summary).toBe("child shares trained weights with base, direction not established.");
      expect(result.caveats.join()).toMatch(/which came first is not shown/);
    }
  });

  test("two fine-tunes of one base are never parent and child", async () => {
    const [one, two] = [await subjectOf(addNoise(model, 0.05, 1)), await subjectOf(addNoise(model, 0.3, 2))];
    for (const result of [await judge(one, two), await judge(two, one)]) {
      expect(result).toMatchObject({ verdict: "derived", direction: "not-established", parents: [] });
    }
  });
});

describe("components", () => {
  const VISION = "vision_tower.vision_model.encoder.layers";
  const LANGUAGE = "language_model.model.layers";
  const llava = randomModel({ init: 21 }, { family: "llava" });
  const other = randomModel({ init: 22 }, { family: "llava" });
  const parts = (language: Model, vision: Model): Model =>
    new Map([...language].map(([name, t]) => [name, name.startsWith("vision_tower") ? vision.get(name)! : t]));

  test("a copied vision tower is found beside a new language model, and named", async () => {
    const one = await subjectOf(llava, { name: "one", root: true });
    const result = await judge(addNoise(parts(other, llava), 0.05), one);
    const of = (name: string) => result.components.find((c) => c.component === name)!.verdict;
    expect([of(VISION), of(LANGUAGE), of("embeddings")]).toEqual(["derived", "no-evidence", "no-evidence"]);
    // The root's language model is not there: both may have the tower from a third.
    expect(result).toMatchObject({ verdict: "derived", direction: "not-established", parents: [] });
    expect(result.summary).toBe(`suspect shares the weights of its ${VISION} with one, whoever had them first.`);
    expect(result.caveats.join()).toMatch(/only a part of the registered root is found/);
  });

  test("a new vision tower does not hide a copied language model", async () => {
    const result = await judge(addNoise(parts(llava, other), 0.05), await subjectOf(llava, { name: "one" }));
    expect(result.summary).toBe(`suspect shares the weights of its ${LANGUAGE} with one, whoever had them first.`);
  });

  test("copied embeddings alone are said to be the same table, and tuned ones nothing at all", async () => {
    const kept = new Map([...stranger].map(([name, t]) => [name, /embed|lm_head/.test(name) ? model.get(name)! : t]));
    const of = (result: CompareResult, name: string) => result.components.find((c) => c.component === name)!;
    for (const [suspect, same] of [
      [kept, "identical"],
      [cast(kept, "BF16"), "recast"],
    ] as const) {
      const result = await judge(suspect, root);
      expect(of(result, "model.layers").verdict).toBe("no-evidence");
      expect(of(result, "embeddings")).toMatchObject({ verdict: same, reason: expect.stringMatching(/same wherever/) });
      expect(result).toMatchObject({
        verdict: "shared-init",
        direction: "not-established",
        parents: [],
        relations: [],
      });
      expect(result.summary).toMatch(/holds the same token table as base, whoever had it first; nothing else is shown/);
    }
    const tuned = await judge(addNoise(kept, 0.05), root);
    expect(of(tuned, "embeddings")).toMatchObject({
      verdict: "not-testable",
      reason: expect.stringMatching(/agree column by column/),
    });
    expect(tuned).toMatchObject({ verdict: "no-evidence", direction: "not-established", parents: [] });
  });

  test("a whole copy names no part", async () => {
    expect((await judge(addNoise(llava, 0.05), await subjectOf(llava, { name: "one" }))).summary).not.toMatch(/\(/);
  });
});

describe("no-evidence and not-testable", () => {
  test("the wrong base of the same shape", async () => {
    const result = await judge(stranger, root, {});
    expect(result).toMatchObject({ verdict: "no-evidence", direction: "not-established", relations: [], parents: [] });
    expect(result.summary).toMatch(/does not prove that they are unrelated/);
    for (const t of result.tests)
      if (t.name === "T1" && t.axis === "residual") expect(t.monteCarloP).toBeGreaterThan(1e-3);
  });

  test("another width and another depth", async () => {
    for (const shape of [{ width: 128 }, { layers: 5 }, { family: "gpt2" as const }]) {
      expect((await judge(randomModel({ init: 3 }, shape), base)).verdict).toMatch(/no-evidence|not-testable/);
    }
  });

  test.each([
    ["zeros", 0],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a constant", 0.125],
  ])("%s in all matrices cannot be tested, and is no copy of another such model", async (_, value) => {
    const kill = (m: Model) => mapMatrices(m, (values) => values.map(() => value));
    const [dead, gone] = [await subjectOf(kill(model)), await subjectOf(kill(stranger))];
    for (const result of [await judge(dead, base), await judge(base, dead), await judge(dead, gone)]) {
      expect(result).toMatchObject({ verdict: "not-testable", log10P: null, relations: [] });
      expect(result.caveats.join()).toMatch(/constant or not finite/);
    }
    // Norms that vary are content, and equal.
    expect(await judge(dead, dead)).toMatchObject({ verdict: "identical", log10P: null });
  });

  test.each([0, Number.NaN, 0.125])("%d in every tensor cannot be tested, not even against itself", async (value) => {
    const kill = (m: Model): Model => new Map([...m].map(([n, t]) => [n, { ...t, values: t.values.map(() => value) }]));
    const dead = await subjectOf(kill(model), { name: "dead" });
    for (const result of [await judge(dead, dead), await judge(dead, base), await judge(base, dead)]) {
      expect(result).toMatchObject({ verdict: "not-testable", log10P: null, relations: [] });
      expect(result.caveats.join()).toMatch(/dead: every tensor is constant .*: the weights were lost or never saved/);
    }
  });

  test("no tensors, and integers only", async () => {
    const empty = await subjectOf(new Map());
    const checkpoint = await checkpointOf(model);
    const integers = await subjectOf({
      ...checkpoint,
      tensors: new Map([...checkpoint.tensors].map(([name, t]) => [name, { ...t, dtype: "I32" as const }])),
    });
    for (const [nothing, why] of [
      [empty, /nothing was saved/],
      [integers, /quantisation codes.*dequantise the model first/],
    ] as const) {
      for (const result of [await judge(nothing, base), await judge(base, nothing), await judge(empty, nothing)]) {
        expect(result).toMatchObject({ verdict: "not-testable", log10P: null });
        expect(result.caveats).toContain("the models have no comparable matrices");
        expect(result.caveats.join()).toMatch(why);
      }
    }
    // Codes cannot be tested, but equal ones are equal.
    expect(await judge(integers, integers)).toMatchObject({ verdict: "identical", log10P: null });
    expect(await judge(empty, empty)).toMatchObject({ verdict: "not-testable", log10P: null });
  });

  test("one row with NaN costs that row alone", async () => {
    const holed = mapMatrices(model, (values, { shape }) => values.map((x, i) => (i < shape[1]! ? Number.NaN : x)));
    const result = await judge(holed, base);
    expect(result.verdict).toBe("derived");
    expect(result.log10P).toBeLessThan(-20);
  });
});

describe("correction", () => {
  test("p grows with every hypothesis and is printed after correction", async () => {
    const suspect = await subjectOf(addNoise(model, 0.1));
    const one = await judge(suspect, base, { monteCarlo: false });
    const many = await judge(suspect, base, { monteCarlo: false, hypotheses: 1000 });
    expect(many.log10P! - one.log10P!).toBeCloseTo(3, 6);
    expect(many.log10Tried - one.log10Tried).toBeCloseTo(3, 6);
  });

  test("T1 alone never decides: beyond 1e-6 its normal tail is not counted", async () => {
    // The same sign bits, but only twelve labels: z is large, 12! relabelings are not many.
    const narrow = randomModel({ init: 31 }, { width: 12, hidden: 16, layers: 2, vocabulary: 64 });
    const result = await judge(addNoise(narrow, 0.01), await subjectOf(narrow));
    const t1 = result.tests.find((t) => t.name === "T1" && t.axis === "residual")!;
    expect(Math.abs(t1.z!)).toBeGreaterThan(6);
    expect(result.log10P).toBeGreaterThan(-9);
    expect(result.verdict).toBe("not-testable");
    expect(result.caveats.join()).toMatch(/too few rows or labels: the best that these could show is p = 1e-[0-8]/);
  });

  test("a fingerprint without slices cannot rule out a common initialisation", async () => {
    const bare = (fp: Fingerprint): Fingerprint => ({ ...fp, slices: [] });
    const suspect = await subjectOf(addNoise(model, 0.1), { weights: false });
    const blind = { ...base, fingerprint: bare(base.fingerprint), checkpoint: null };
    expect((await judge({ ...suspect, fingerprint: bare(suspect.fingerprint) }, blind)).verdict).toBe("shared-init");
    // With the weights at hand the slices are read from them.
    expect((await judge(addNoise(model, 0.1), { ...blind, checkpoint: base.checkpoint })).verdict).toBe("derived");
  });
});
