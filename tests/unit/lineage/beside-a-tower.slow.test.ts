import { describe, expect, test } from "vitest";
import { addLora, addNoise, rename } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const TOWER = { width: 192, hidden: 512, layers: 6, vocabulary: 64 };
const OWN = { width: 128, hidden: 256, layers: 4, vocabulary: 128 };
/** Somebody else's, public, and most of the file. */
const tower = rename(randomModel({ init: 9 }, TOWER), (name) => `vision_tower.${name}`);
const beside = (own: Model): Model => new Map([...tower, ...rename(own, (name) => `text_model.${name}`)]);
const trained = randomModel({ init: 1 }, OWN);

describe("a small language model beside a large public tower", () => {
  test.each([
    ["of the same start and another training", randomModel({ init: 1, training: 2 }, OWN)],
    ["of a stranger", randomModel({ init: 3 }, OWN)],
  ])("%s: names no parent, though the tower is the same", async (_, own) => {
    const root = await subjectOf(beside(trained), { name: "root", root: true });
    const found = await judge(await subjectOf(beside(own), { name: "other" }), root);
    expect(found).toMatchObject({ verdict: "derived", direction: "not-established", relations: [] });
  });

  test("tuned: names its parent", async () => {
    const root = await subjectOf(beside(trained), { name: "root", root: true });
    const tuned = addLora(addNoise(trained, 0.005), 24, 0.02);
    const found = await judge(await subjectOf(beside(tuned), { name: "child" }), root);
    expect(found).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
  });
});
