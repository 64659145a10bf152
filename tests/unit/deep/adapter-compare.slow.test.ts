import { describe, expect, test } from "vitest";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise, rename } from "../../support/derive.ts";
import { loraAdapter } from "../../support/lora-adapter.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const DIMS = { width: 256, hidden: 64, layers: 3, vocabulary: 128 } as const;
const base = randomModel({ init: 1 }, DIMS);
const stranger = randomModel({ init: 2 }, DIMS);
const adapter = loraAdapter(base, 1);
/** Only what A learned: B says nothing. */
const byStream = loraAdapter(base, 3, { roles: ["q", "k"], stream: 2 });

const deep = (suspect: Model | Subject, other: Model | Subject): Promise<CompareResult> =>
  judge(suspect, other, { monteCarlo: false, deep: true });
const changed = (model: Model, change: (values: Float32Array, name: string) => Float32Array): Model =>
  new Map([...model].map(([name, t]) => [name, { ...t, values: change(t.values, name) }]));

describe("compare, deep, of an adapter alone", () => {
  test("with its own base: derived, by an exact p, and never said to be of that very model", async () => {
    expect((await judge(adapter, base)).verdict).toBe("not-testable");
    const found = await deep(adapter, base);
    expect(found).toMatchObject({ verdict: "derived", direction: "not-established", relations: ["lora"] });
    expect(found.deep).toMatchObject({ basis: "exact", moved: [] });
    expect(found.log10P).toBeLessThan(-9);
    expect(found.summary).toContain("or of a model that shares its labels (a relative of it)");
    expect(found.caveats.join()).not.toContain("merge it into its base first");
  });

  test("with a tuned copy of its base: the same", async () => {
    expect((await deep(adapter, addNoise(base, 0.2))).verdict).toBe("derived");
  });

  test("says the same whichever of the two is called the base", async () => {
    for (const model of [base, stranger]) {
      const [one, other] = [await deep(adapter, model), await deep(model, adapter)];
      expect(other.verdict).toBe(one.verdict);
      expect(other.log10P).toBe(one.log10P);
      expect(other.tests).toEqual(one.tests);
    }
    expect((await deep(base, adapter)).claim).toMatch(/^is what suspect|^is what base/);
  });

  test("a direction takes a base that is registered as a root", async () => {
    const root = await subjectOf(base, { name: "root", root: true });
    expect(await deep(adapter, root)).toMatchObject({ direction: "suspect-from-base", parents: [{ name: "root" }] });
    expect(await deep(root, adapter)).toMatchObject({ direction: "base-from-suspect", relations: [] });
  });

  test("what only A shows is no more than a common start", async () => {
    const found = await deep(byStream, base);
    expect(found).toMatchObject({ verdict: "shared-init", deep: { basis: "exact" } });
    expect(found.claim).toContain("at least initial weights or a token table");
    expect((await deep(byStream, stranger)).verdict).toBe("no-evidence");
  });

  test("a stranger: no evidence, and what stays silent is said", async () => {
    const found = await deep(adapter, stranger);
    expect(found).toMatchObject({ verdict: "no-evidence", deep: { basis: null } });
    expect(found.log10P).toBeGreaterThan(-3);
    expect(found.caveats.join()).toContain("silent against adapters that were hardly trained");
  });

  test.each([
    ["B is zero", changed(adapter, (v, name) => (name.includes("lora_B") ? v.map(() => 0) : v)), "was never trained"],
    [
      "of a narrower model",
      loraAdapter(randomModel({ init: 1 }, { ...DIMS, width: 128 }), 1),
      "other shapes or layers",
    ],
    ["of a deeper model", loraAdapter(randomModel({ init: 1 }, { ...DIMS, layers: 4 }), 1), "other shapes or layers"],
    [
      "of feed-forward networks",
      rename(adapter, (name) =>
        name.replace(/self_attn\.[qv]_proj/, (m) => (m.includes("q") ? "mlp.up_proj" : "mlp.gate_proj")),
      ),
      "changes nothing that can be tested",
    ],
  ])("not testable: %s", async (_, suspect, why) => {
    const found = await deep(suspect, base);
    expect(found.verdict).toBe("not-testable");
    expect(found.caveats.join()).toContain(why);
  });

  test.each([
    [
      "NaN and infinities",
      (v: Float32Array) => v.map((x, i) => (i % 50 === 0 ? Number.NaN : i % 51 === 0 ? Infinity : x)),
    ],
    ["values near the largest", (v: Float32Array) => v.map((x) => x * 1e39)],
    ["one value", (v: Float32Array) => v.map(() => 1)],
  ])("hostile values claim nothing: %s", async (_, change) => {
    const verdicts = [await deep(changed(adapter, change), stranger), await deep(adapter, changed(stranger, change))];
    for (const { verdict } of verdicts) expect(["no-evidence", "not-testable"]).toContain(verdict);
  });

  test.each([
    ["peft before it is saved", (name: string) => name.replace(/\.weight$/, ".default.weight")],
    ["kohya-ss", kohya],
    ["a bare model", (name: string) => name.replace("base_model.model.model.", "")],
  ])("names of %s", async (_, naming) => {
    expect((await deep(rename(adapter, naming), base)).verdict).toBe("derived");
  });
});

function kohya(name: string): string {
  const [module, factor] = name.replace("base_model.model.", "").split(/\.(?=lora_)/) as [string, string];
  return `lora_te_${module.replaceAll(".", "_")}.${factor.replace("_A", "_down").replace("_B", "_up")}`;
}
