import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect } from "vitest";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import type { CompareResult } from "../../src/lineage/result.ts";
import type { Subject } from "../../src/lineage/subject.ts";
import {
  addNoise,
  cast,
  lieAboutRoles,
  mapMatrices,
  metaNames,
  quantise,
  refold,
  relayer,
  rename,
  reorderTensors,
  scramble,
  shard,
} from "../support/derive.ts";
import { type Model, randomModel } from "../support/random-model.ts";
import { checkpointOf, judge, subjectOf } from "../support/stored-model.ts";

const TINY = { width: 64, hidden: 96, layers: 2, vocabulary: 256 };
const RUNS = { numRuns: 6 };
const seed = fc.integer({ min: 1, max: 1_000_000 });

/** What must not depend on how a model is stored. Sums over rows in another order may differ in the last digits. */
function expectSame(a: CompareResult, b: CompareResult): void {
  expect(b.verdict).toBe(a.verdict);
  expect(b.direction).toBe(a.direction);
  expect(b.relations).toEqual(a.relations);
  expect(b.log10P!).toBeCloseTo(a.log10P!, 9);
  const verdicts = (r: CompareResult) => r.components.map((c) => [c.component, c.verdict, c.log10P?.toFixed(9)]).sort();
  expect(verdicts(b)).toEqual(verdicts(a));
}

describe("verdict, p and direction do not depend on", () => {
  let base: Subject;
  let suspects: Model[];
  let expected: CompareResult[];
  beforeAll(async () => {
    base = await subjectOf(randomModel({ init: 1 }, TINY), { name: "base", root: true });
    const model = randomModel({ init: 1 }, TINY);
    // Already rounded, so that wider types hold it without loss: a derivative, a sibling and a stranger.
    suspects = [addNoise(model, 0.15), randomModel({ init: 1, training: 2 }, TINY), randomModel({ init: 3 }, TINY)].map(
      (m) => cast(m, "BF16"),
    );
    expected = [];
    for (const suspect of suspects) expected.push(await judge(suspect, base));
    expect(expected.map((r) => r.verdict)).toEqual(["derived", "shared-init", "no-evidence"]);
  });
  const which = fc.integer({ min: 0, max: 2 });

  test.prop([which], RUNS)("systematic names", async (i) => {
    expectSame(expected[i]!, await judge(rename(suspects[i]!, metaNames), base));
    expectSame(
      expected[i]!,
      await judge(
        rename(suspects[i]!, (name) => `base_model.model.${name}`),
        base,
      ),
    );
  });

  test.prop([which, seed], RUNS)("tensor order", async (i, s) => {
    expectSame(expected[i]!, await judge(reorderTensors(suspects[i]!, s), base));
  });

  test.prop([which, fc.integer({ min: 1, max: 7 }), seed], RUNS)("shards", async (i, count, s) => {
    expectSame(expected[i]!, await judge(shard(reorderTensors(suspects[i]!, s), count), base));
  });

  test.prop([which, fc.dictionary(fc.string(), fc.string())], RUNS)("container metadata", async (i, metadata) => {
    const checkpoint = await checkpointOf(suspects[i]!, { metadata });
    expectSame(expected[i]!, await judge(await subjectOf(checkpoint, { name: "suspect" }), base));
  });

  test.prop([which, fc.constantFrom("F32" as const, "F64" as const)], RUNS)("casts without loss", async (i, dtype) => {
    expectSame(expected[i]!, await judge(cast(suspects[i]!, dtype), base));
  });

  test.prop([which, seed], RUNS)("where norm gains are folded", async (i, s) => {
    const result = await judge(cast(refold(suspects[i]!, s), "F32"), base);
    expect(result).toMatchObject({ verdict: expected[i]!.verdict, direction: expected[i]!.direction });
    expect(result.log10P!).toBeCloseTo(expected[i]!.log10P!, 9);
  });

  test.prop([which, fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())], { numRuns: 10 })(
    "what config.json says",
    async (i, heads, rest) => {
      const lie = { num_attention_heads: heads, num_hidden_layers: 1, hidden_size: -4, model_type: "bert", ...rest };
      for (const config of [lie, null]) {
        const checkpoint: Checkpoint = {
          ...(await checkpointOf(suspects[i]!)),
          config: config as Checkpoint["config"],
        };
        expectSame(expected[i]!, await judge(await subjectOf(checkpoint, { name: "suspect" }), base));
      }
    },
  );
});

describe("names that say nothing or lie", () => {
  test.prop([seed, fc.boolean()], RUNS)("cost the printed multiplicity and no verdict", async (s, lying) => {
    const model = randomModel({ init: s }, TINY);
    const base = await subjectOf(model, { name: "base", root: true });
    const noisy = addNoise(model, 0.1, s);
    const plain = await judge(noisy, base);
    const renamed = await judge(lying ? lieAboutRoles(noisy) : scramble(noisy, s), base);
    expect(renamed).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect(plain.verdict).toBe("derived");
    // The same evidence, corrected for more: never more significant, and the reader sees by how much it was corrected.
    expect(renamed.log10P!).toBeGreaterThanOrEqual(plain.log10P! - 1e-9);
    expect(renamed.log10P!).toBeLessThan(-20);
    expect(renamed.log10Tried).toBeGreaterThanOrEqual(plain.log10Tried - 1e-9);
  });

  test.prop([seed], RUNS)("make no stranger related", async (s) => {
    const base = await subjectOf(randomModel({ init: s }, TINY));
    const stranger = randomModel({ init: s + 1 }, TINY);
    for (const suspect of [scramble(stranger, s), lieAboutRoles(stranger), relayer(stranger, [1, 0])]) {
      expect((await judge(suspect, base)).verdict).toMatch(/no-evidence|not-testable/);
    }
  });
});

describe("any derivative of any small model", () => {
  const family = fc.constantFrom("llama", "gpt2", "neox", "phi3", "mixtral", "llava" as const);
  const width = fc.constantFrom(48, 64, 80);
  const layers = fc.integer({ min: 2, max: 4 });
  const edit = fc.constantFrom<(m: Model, s: number) => Model>(
    (m, s) => addNoise(m, 0.2, s),
    (m) => quantise(m, 4, 16),
    (m) => cast(m, "BF16"),
    (m) => mapMatrices(m, (values) => values.map((x) => 0.5 * x)),
    (m) => m,
  );

  test.prop([seed, family, width, layers, fc.boolean(), edit], { numRuns: 8 })(
    "is found, seen from both sides, and its stranger is not",
    async (s, kind, d, depth, tied, change) => {
      const shape = { ...TINY, family: kind, width: d, hidden: d * 2, layers: depth, tied } as const;
      const model = randomModel({ init: s }, shape);
      const [base, suspect] = [await subjectOf(model, { root: true }), await subjectOf(change(model, s))];
      for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
        expect(["identical", "recast", "derived"]).toContain(result.verdict);
        expect(result.log10P!).toBeLessThanOrEqual(-9);
      }
      const stranger = await judge(suspect, await subjectOf(randomModel({ init: s + 1 }, shape)));
      expect(stranger.verdict).toBe("no-evidence");
    },
  );
});
