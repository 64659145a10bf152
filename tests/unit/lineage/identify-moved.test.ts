import { beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import type { IdentifyResult } from "../../../src/lineage/result.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { addNoise, extendVocabulary, quantise, restream } from "../../support/derive.ts";
import { type Disguise, obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { checkpointOf, subjectOf } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 64, hidden: 160, layers: 3, vocabulary: 320, tied: false } as const;
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320 };
const ROTATED: Disguise = { residual: "rotation" };

const root = scratchDirectory();
const base = (seed: number): Model => randomModel({ init: seed }, DIMS);
const suspect = obfuscate(quantise(addNoise(base(1), 0.05), 8), SHAPE, ROTATED, 7);

async function registered(name: string, depth: "deep" | "sampled", seeds: readonly number[]): Promise<void> {
  const registry = await openRegistry(`${root}/${name}`, { create: true });
  for (const seed of seeds) {
    const fingerprint = await takeFingerprint(await checkpointOf(base(seed)), { depth });
    await registry.add(fingerprint, { name: `base-${seed}`, root: true });
  }
}

async function identified(model: Model, name: string, weights = true): Promise<IdentifyResult> {
  const registry = await openRegistry(`${root}/${name}`);
  if (weights) return identifySubject(await subjectOf(model, { name: "suspect" }), registry);
  const fingerprint = await takeFingerprint(await checkpointOf(model), { depth: "deep", few: true });
  return identifySubject({ name: "suspect", fingerprint, checkpoint: null, root: false }, registry);
}

describe("identify, where labels were moved", () => {
  beforeAll(async () => {
    await registered("deep", "deep", [1, 2, 3, 4, 5, 6]);
    await registered("plain", "sampled", [1, 2]);
  });

  test("finds the base by what tokens see, from weights and from a fingerprint, and corrects p for all bases", async () => {
    for (const weights of [true, false]) {
      const { verdict, candidates, summary } = await identified(suspect, "deep", weights);
      expect(verdict).toBe("derived");
      expect(candidates[0]).toMatchObject({ name: "base-1", relations: ["obfuscated"], direction: "not-established" });
      expect(candidates[0]!.comparison.deep).toMatchObject({ basis: "exact", moved: ["residual-rotated"] });
      expect(candidates.slice(1).every((other) => other.verdict === "no-evidence")).toBe(true);
      expect(candidates[0]!.comparison.log10Tried).toBeGreaterThan(Math.log10(24 * 6));
      expect(summary).toContain("the residual stream was rotated");
    }
  });

  test("finds it behind a vocabulary that was filled up beyond a power of two", async () => {
    const { verdict, candidates } = await identified(extendVocabulary(suspect, 600), "deep");
    expect(verdict).toBe("derived");
    expect(candidates[0]!.name).toBe("base-1");
  });

  test("asks on where a stream was cut so little that a common start is found, and no more than that said", async () => {
    const tuned = quantise(addNoise(base(1), 0.05), 8);
    const { verdict, candidates } = await identified(restream(tuned, 16), "deep");
    expect(verdict).toBe("derived");
    expect(candidates[0]).toMatchObject({ name: "base-1", comparison: { deep: { basis: "exact" } } });
    expect(candidates[0]!.comparison.deep!.moved).toContain("width");
    const without = await identified(restream(tuned, 16), "plain");
    expect(without).toMatchObject({ verdict: "shared-init", candidates: [{ name: "base-1" }, {}] });
    const sibling = await identified(restream(randomModel({ init: 1, training: 9 }, DIMS), 16), "deep");
    expect(sibling.verdict).toBe("shared-init");
    expect(sibling.candidates[0]!.comparison.deep).toBeUndefined();
  });

  test("says nothing of a stranger", async () => {
    const { verdict, candidates } = await identified(obfuscate(base(9), SHAPE, ROTATED, 7), "deep");
    expect(verdict).toBe("no-evidence");
    expect(candidates.every(({ log10P }) => (log10P ?? 0) > -3)).toBe(true);
  });

  test("asks nothing more where the plain tests speak, nor of bases without a deep part", async () => {
    const plain = await identified(quantise(base(1), 8), "deep");
    expect(plain.verdict).toBe("derived");
    expect(plain.candidates.every(({ comparison }) => comparison.deep === undefined)).toBe(true);
    const without = await identified(suspect, "plain");
    expect(without.verdict).toBe("no-evidence");
    expect(without.candidates.every(({ comparison }) => comparison.deep === undefined)).toBe(true);
  });
});
