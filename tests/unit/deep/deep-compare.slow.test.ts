import { describe, expect, test } from "vitest";
import type { CompareResult } from "../../../src/lineage/result.ts";
import { addNoise, extendVocabulary, quantise, relayer, restream } from "../../support/derive.ts";
import { type Disguise, obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 64, hidden: 160, layers: 3, vocabulary: 320, tied: false } as const;
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320 };

const model = (init: number, training = init): Model => randomModel({ init, training }, DIMS);
const deep = (suspect: Model, base: Model): Promise<CompareResult> =>
  judge(suspect, base, { monteCarlo: false, deep: true });

/** As a tuned copy is. */
const tuned = quantise(addNoise(model(1), 0.2), 8);

const KEEPING_NEURONS: readonly (readonly [string, Disguise, readonly string[]])[] = [
  ["a permuted stream", { residual: "permutation" }, ["residual-permuted"]],
  ["a permuted stream with signs", { residual: "signed-permutation", foldNorms: true }, ["residual-permuted"]],
  ["a rotated stream", { residual: "rotation" }, ["residual-rotated"]],
  [
    "a rotated stream, and heads moved",
    { residual: "rotation", headOrder: true, values: "dense" },
    ["residual-rotated"],
  ],
];

describe("compare, deep", () => {
  test.each(KEEPING_NEURONS)("%s: derived, by an exact p", async (_, disguise, moved) => {
    const suspect = obfuscate(tuned, SHAPE, disguise, 7);
    expect((await judge(suspect, model(1))).verdict).toBe("no-evidence");
    const found = await deep(suspect, model(1));
    expect(found.verdict).toBe("derived");
    expect(found.deep).toMatchObject({ basis: "exact", moved });
    expect(found.log10P).toBeLessThan(-100);
    expect(found.relations).toEqual(["obfuscated"]);
    expect(found.direction).toBe("not-established");
  });

  test("neurons added behind the others: the order of the rest tells", async () => {
    const found = await deep(obfuscate(tuned, SHAPE, { residual: "rotation", dummyNeurons: 30 }, 7), model(1));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    const orders = found.tests.filter(({ name, axis }) => name === "LIS" && axis === "neurons");
    expect(orders.map(({ log10P }) => log10P! < -100)).toEqual([true]);
  });

  test.each([
    ["one dropped", [0, 2]],
    ["another order", [2, 0, 1]],
    ["one repeated", [0, 1, 1, 2]],
  ] as const)("layers: %s, behind a rotated stream", async (_, order) => {
    const found = await deep(relayer(obfuscate(tuned, SHAPE, { residual: "rotation" }, 7), order), model(1));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    const strange = await deep(relayer(obfuscate(model(2), SHAPE, { residual: "rotation" }, 7), order), model(1));
    expect(strange.verdict).toBe("no-evidence");
  });

  test("every label moved: derived by strength alone, without a p", async () => {
    const everything: Disguise = {
      residual: "rotation",
      neuronOrder: true,
      neuronSigns: true,
      neuronScales: true,
      headOrder: true,
      values: "dense",
    };
    const found = await deep(obfuscate(tuned, SHAPE, everything, 7), model(1));
    expect(found).toMatchObject({ verdict: "derived", log10P: null });
    expect(found.deep).toMatchObject({ basis: "calibrated", moved: ["residual-rotated", "neurons"] });
    expect(found.summary).toContain("no label that could be tested shows it");
    expect(found.caveats[0]).toContain("no exact p-value exists");
  });

  test("tokens renumbered: found by content, and neurons tell exactly", async () => {
    const found = await deep(obfuscate(tuned, SHAPE, { residual: "rotation", tokenOrder: true }, 7), model(1));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    expect(found.deep!.moved).toContain("vocabulary");
    expect(found.deep!.strength!.tokens).toBeNull();
    const strange = await deep(obfuscate(model(2), SHAPE, { residual: "rotation", tokenOrder: true }, 7), model(1));
    expect(strange.verdict).toBe("no-evidence");
  });

  test.each([
    ["cut to three quarters", 4],
    // So little is cut that the plain tests find neurons in place, and no slices to lay over each other.
    ["cut by a sixteenth", 16],
    ["padded by one in front", null],
  ] as const)("a stream %s: derived, by the order of what is left", async (_, nth) => {
    const found = await deep(restream(tuned, nth), model(1));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    expect(found.deep!.moved).toContain("width");
    expect(found.caveats.filter((caveat) => caveat.includes("not ruled out"))).toEqual([]);
    expect((await deep(restream(model(1, 3), nth), model(1))).verdict).not.toBe("derived");
    expect((await deep(restream(model(2), nth), model(1))).verdict).toBe("no-evidence");
  });

  test("more tokens than the base has", async () => {
    const found = await deep(extendVocabulary(obfuscate(tuned, SHAPE, { residual: "rotation" }, 7), 40), model(1));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
  });

  test.each([
    ["as it lies", {}],
    ["rotated", { residual: "rotation" }],
    ["rotated, neurons renumbered", { residual: "rotation", neuronOrder: true, neuronSigns: true }],
  ] as const)("a stranger, %s: no evidence", async (_, disguise) => {
    const found = await deep(obfuscate(model(2), SHAPE, disguise, 7), model(1));
    expect(found.verdict).toBe("no-evidence");
    expect(found.deep).toMatchObject({ basis: null, moved: [] });
    expect(found.deep!.strength!.gate).toBeLessThan(0.1);
    expect(found.log10P).toBeGreaterThan(-3);
  });

  test("a sibling of one start, rotated: never derived", async () => {
    const found = await deep(obfuscate(model(1, 3), SHAPE, { residual: "rotation" }, 7), model(1));
    expect(found.verdict).toBe("shared-init");
    expect(found.deep).toMatchObject({ basis: "exact" });
  });

  test("says the same both ways round", async () => {
    const suspect = obfuscate(tuned, SHAPE, { residual: "rotation" }, 7);
    const [one, other] = [await deep(suspect, model(1)), await deep(model(1), suspect)];
    expect(other.verdict).toBe(one.verdict);
    expect(other.log10P).toBe(one.log10P);
    expect(other.deep!.strength).toEqual(one.deep!.strength);
    expect(other.deep!.learned!.baseInSuspect).toEqual(one.deep!.learned!.suspectInBase);
  });

  test("what the plain tests found is not asked again", async () => {
    expect((await deep(tuned, model(1))).deep).toBeUndefined();
  });
});
