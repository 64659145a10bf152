import { expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import type { CandidateSource } from "../../../src/lineage/candidate-source.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import { addNoise, quantise } from "../../support/derive.ts";
import { shapedModel } from "../../support/shaped-model.ts";
import { subjectOf } from "../../support/stored-model.ts";

const NET = {
  "net.0.weight": [256, 64],
  "net.2.weight": [192, 256],
  "net.4.weight": [160, 192],
  "net.6.weight": [10, 160],
};

function registryOf(bases: Readonly<Record<string, Fingerprint>>): CandidateSource {
  const names = Object.keys(bases);
  return {
    entries: names.length,
    digest: "00".repeat(32),
    updatedAt: null,
    candidates: async () => names.map((name) => ({ digest: name, name, root: false, score: 100 })),
    load: async (digest) => bases[digest]!,
  };
}

test("of bases that are as related, of which no correlation is known, the one that differs least comes first", async () => {
  const trained = shapedModel(NET, { init: 1 });
  const far = (await subjectOf(addNoise(trained, 0.06))).fingerprint;
  const near = (await subjectOf(trained)).fingerprint;
  const suspect = await subjectOf(quantise(trained, 8), { name: "suspect" });
  for (const bases of [
    { a: near, b: far },
    { a: far, b: near },
  ]) {
    const { candidates } = await identifySubject(suspect, registryOf(bases));
    expect(candidates.map(({ verdict }) => verdict)).toEqual(["derived", "derived"]);
    expect(candidates.flatMap(({ components }) => components.map(({ r }) => r))).toEqual([null, null]);
    expect(candidates[0]!.name).toBe(bases.a === near ? "a" : "b");
  }
});
