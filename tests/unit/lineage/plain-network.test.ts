import { expect, test } from "vitest";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { addLora, addNoise } from "../../support/derive.ts";
import { randomModel } from "../../support/random-model.ts";
import { shapedModel } from "../../support/shaped-model.ts";
import { subjectOf } from "../../support/stored-model.ts";

const SHAPES = {
  "stem.weight": [96, 40],
  "net.0.weight": [160, 96],
  "net.2.weight": [128, 160],
  "net.4.weight": [96, 128],
  "net.6.weight": [160, 96],
  "out.weight": [10, 160],
} as const;

/** Two runs of one recipe come as near as a fine-tune does, and what was made of either cannot be told from them. */
test("of a small plain network no parent is named, nor what was done to it; of language models both", async () => {
  const net = shapedModel(SHAPES, { init: 1 });
  const root = await subjectOf(net, { name: "base", root: true });
  for (const child of [addLora(addNoise(net, 0.005), 24, 0.02), addNoise(net, 0.02)]) {
    const found = await compareSubjects(await subjectOf(child, { name: "child" }), root);
    expect(found).toMatchObject({ verdict: "derived", direction: "not-established", relations: [] });
    expect(found.summary).not.toMatch(/derives|fine-tune/);
  }
  const copy = await compareSubjects(await subjectOf(net, { name: "child" }), root);
  expect(copy).toMatchObject({ verdict: "identical", direction: "suspect-from-base" });

  const language = randomModel({ init: 1 });
  const parent = await subjectOf(language, { name: "base", root: true });
  const tuned = await subjectOf(addNoise(language, 0.02), { name: "child" });
  expect(await compareSubjects(tuned, parent)).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
});
