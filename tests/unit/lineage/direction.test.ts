import { describe, expect, test } from "vitest";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addLora, addNoise, cast } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const TINY = { width: 64, hidden: 96, layers: 3, vocabulary: 200 };
const VISION = "vision_tower.vision_model.encoder.layers";
const text = randomModel({ init: 1 }, TINY);
const multimodal = randomModel({ init: 2 }, { ...TINY, family: "llava" });
const other = randomModel({ init: 3 }, { ...TINY, family: "llava" });

const side = (model: Model, root: boolean, more: Partial<Subject> = {}): Promise<Subject> =>
  subjectOf(model, { root }).then((subject) => ({ ...subject, ...more }));
/** The language model of one and the tower of another. */
const joined = (language: Model, vision: Model): Model =>
  new Map([...language].map(([name, t]) => [name, name.startsWith("vision_tower") ? vision.get(name)! : t]));

/** Both ways round: what is called the parent. */
async function parents(suspect: Subject, base: Subject): Promise<(string | null)[]> {
  const [there, back] = [await judge(suspect, base), await judge(base, suspect)];
  return [there.parents[0]?.name ?? null, back.parents[0]?.name ?? null];
}

describe("a parent is named", () => {
  const child = addNoise(text, 0.1);

  test("where one side alone is registered as trained from scratch", async () => {
    const [root, plain] = [await side(text, true, { name: "root" }), await side(text, false, { name: "plain" })];
    const suspect = await side(child, false, { name: "child" });
    expect(await parents(suspect, root)).toEqual(["root", "root"]);
    expect(await parents(suspect, plain)).toEqual([null, null]);
    expect(await parents({ ...suspect, root: true }, root)).toEqual([null, null]);
    // Identical: whichever is the root.
    expect(await parents(plain, root)).toEqual(["root", "root"]);
  });

  test("of the part alone that holds it, whichever of the two is asked for", async () => {
    const root = await side(text, true, { name: "root" });
    const two = (from: Model): Model => new Map([...from].map(([name, t]) => [`tower.${name}`, t]));
    const mixed = await side(new Map([...child, ...two(randomModel({ init: 4 }, TINY))]), false, { name: "mixed" });
    const [there, back] = [await judge(mixed, root), await judge(root, mixed)];
    expect(there.summary).toBe("mixed (model.layers) derives from root.");
    expect(back.summary).toBe("mixed (model.layers) derives from root.");
    expect(back.claim).toBe("is what mixed (model.layers) derives from");
    // A tower that shares no more than the start is no part of it either.
    const sibling = two(randomModel({ init: 1, training: 9 }, TINY));
    const beside = await side(new Map([...child, ...sibling]), false, { name: "beside" });
    expect((await judge(beside, root)).summary).toBe("beside (model.layers) derives from root.");
  });

  test("and nothing tells how the parent was made of its child", async () => {
    const root = await side(text, true, { name: "root" });
    const tuned = await side(addLora(text, 4, 0.1), false, { name: "tuned" });
    expect((await judge(tuned, root)).relations).toEqual(["lora"]);
    expect((await judge(root, tuned)).relations).toEqual([]);
  });

  test("never where its values are the other's rounded", async () => {
    const full = await side(text, false, { name: "full" });
    const rounded = await side(cast(text, "BF16"), true, { name: "rounded" });
    expect(await parents(full, rounded)).toEqual([null, null]);
    expect(await parents({ ...rounded, root: false }, { ...full, root: true })).toEqual(["full", "full"]);
  });

  test("never for an earlier state of it, which has less of what it learned than it has of that state", async () => {
    const later = addLora(text, 8, 0.42);
    const [early, late] = [await side(text, false, { name: "early" }), await side(later, true, { name: "late" })];
    expect(await parents(early, late)).toEqual([null, null]);
    const result = await judge(early, late);
    expect(result).toMatchObject({ verdict: "derived", direction: "not-established" });
    expect(result.relations).not.toContain("continued-pretraining");
    expect(result.relations).not.toContain("fine-tune");
    expect(await parents({ ...late, root: false }, { ...early, root: true })).toEqual(["early", "early"]);
  });

  test("where all main stacks of the root are found, and no stack of its own is another", async () => {
    const root = await side(multimodal, true, { name: "root" });
    const whole = await side(addNoise(multimodal, 0.1), false, { name: "whole" });
    expect(await parents(whole, root)).toEqual(["root", "root"]);
    for (const mixed of [joined(multimodal, other), joined(other, multimodal)]) {
      const suspect = await side(addNoise(mixed, 0.1), false, { name: "mixed" });
      expect(await parents(suspect, root)).toEqual([null, null]);
      expect((await judge(suspect, root)).verdict).toBe("derived");
    }
  });

  test("on the ground of nothing that is registered as coming from elsewhere", async () => {
    const parts = [{ component: VISION, of: "ab".repeat(32) }];
    const root = await side(multimodal, true, { name: "root", parts });
    // Its own language model is there, and the tower, which it has from a third, was replaced.
    const language = await side(addNoise(joined(multimodal, other), 0.1), false, { name: "language" });
    expect(await parents(language, root)).toEqual(["root", "root"]);
    // Only the tower is there.
    const tower = await side(addNoise(joined(other, multimodal), 0.1), false, { name: "tower" });
    expect(await parents(tower, root)).toEqual([null, null]);
  });

  test("never among siblings, and never of strangers", async () => {
    const root = await side(text, true, { name: "root" });
    const sibling = await side(randomModel({ init: 1, training: 9 }, TINY), false, { name: "sibling" });
    expect(await parents(sibling, root)).toEqual([null, null]);
    const stranger = await side(randomModel({ init: 4 }, TINY), false, { name: "stranger" });
    expect(await parents(stranger, root)).toEqual([null, null]);
  });
});
