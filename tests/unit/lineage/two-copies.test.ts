import { describe, expect, test } from "vitest";
import { addLora, addNoise } from "../../support/derive.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const weights = randomModel({ init: 1 });
const average = addLora(addNoise(weights, 0.005), 24, 0.02);
const named = (prefix: string, model: Model): [string, ModelTensor][] =>
  [...model].map(([name, tensor]) => [prefix + name, tensor]);
/** A training's file: the weights, and beside them their running average. */
const both: Model = new Map([...named("raw.", weights), ...named("ema.", average)]);

describe("a file that holds weights and their running average", () => {
  test.each([
    ["the weights", weights],
    ["their average", average],
  ])("and %s alone: both are told, and nothing was done to either", async (_, model) => {
    const [whole, half] = [await subjectOf(both, { name: "both" }), await subjectOf(model, { name: "half" })];
    for (const found of [await judge(half, whole), await judge(whole, half)]) {
      expect(found).toMatchObject({ verdict: "derived", relations: [] });
      expect(found.components.map(({ verdict }) => verdict)).toContain("identical");
    }
  });

  test("while the average against the weights is told as before", async () => {
    const found = await judge(await subjectOf(average), await subjectOf(weights, { root: true }));
    expect(found).toMatchObject({ verdict: "derived", relations: ["fine-tune"] });
  });
});
