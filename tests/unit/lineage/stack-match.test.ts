import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { stacksOf } from "../../../src/lineage/stack.ts";
import { matchStacks } from "../../../src/lineage/stack-match.ts";
import { type RandomFingerprint, randomFingerprint } from "../../support/random-fingerprint.ts";
import { fingerprintOf } from "../../support/sketches.ts";

/** The sketches of a stack that never was, or of one with a tenth of its signs changed. */
function stack(name: string, seed: number, change: Partial<RandomFingerprint> = {}, kin = 0): MatrixSketch[] {
  const plain = randomFingerprint({ seed, ...change });
  const made = kin === 0 ? plain : randomFingerprint({ ...change, seed: kin, from: plain, noise: 0.1 });
  return made.sketches.map((sketch) => ({ ...sketch, component: name }));
}

const namesOf = (suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]) =>
  matchStacks(stacksOf(fingerprintOf(suspect)), stacksOf(fingerprintOf(base)))
    .map((match) => `${match.suspect.name} on ${match.base.name}`)
    .sort();

const subject = (name: string, sketches: readonly MatrixSketch[], seed: number) => ({
  name,
  root: false,
  checkpoint: null,
  fingerprint: fingerprintOf(sketches, seed),
});

describe("stacks find their partners", () => {
  test("by what they hold, whatever they are called: names crossed", () => {
    const base = [...stack("text", 1), ...stack("image", 2)];
    expect(namesOf([...stack("image", 1, {}, 11), ...stack("text", 2, {}, 12)], base)).toEqual([
      "image on text",
      "text on image",
    ]);
    expect(namesOf([...stack("a", 2, {}, 12), ...stack("b", 1, {}, 11)], base)).toEqual(["a on image", "b on text"]);
  });

  test("by equal matrices before all else", () => {
    const base = [...stack("text", 1), ...stack("image", 2)];
    expect(namesOf([...stack("text", 2), ...stack("image", 1)], base)).toEqual(["image on text", "text on image"]);
  });

  test("of strangers by their names, else by size", () => {
    const base = [...stack("text", 1, { layers: 8 }), ...stack("image", 2)];
    expect(namesOf([...stack("image", 3, { layers: 8 }), ...stack("text", 4)], base)).toEqual([
      "image on image",
      "text on text",
    ]);
    expect(namesOf([...stack("a", 3, { layers: 8 }), ...stack("b", 4)], base)).toEqual(["a on text", "b on image"]);
  });

  test("of two towers of one shape, each its own; of three and two, one goes without", () => {
    const base = [...stack("left", 1), ...stack("right", 2)];
    expect(namesOf([...stack("x", 2, {}, 12), ...stack("y", 1, {}, 11)], base)).toEqual(["x on right", "y on left"]);
    const three = [...stack("x", 5), ...stack("y", 2, {}, 12), ...stack("z", 6)];
    const found = namesOf(three, base);
    expect(found).toHaveLength(2);
    expect(found).toContain("y on right");
    expect(namesOf([], base)).toEqual([]);
  });

  test("and pay for all the partners that they could have had", () => {
    const two = [...stack("a", 1), ...stack("b", 2)];
    const matches = matchStacks(stacksOf(fingerprintOf(two)), stacksOf(fingerprintOf(two)));
    for (const { log10Tried } of matches) expect(log10Tried).toBeCloseTo(Math.log10(4), 12);
    const one = matchStacks(stacksOf(fingerprintOf(stack("a", 1))), stacksOf(fingerprintOf(stack("a", 1))));
    expect(one).toMatchObject([{ log10Tried: 0 }]);
  });

  test("or none, where nothing of them could be held against each other", () => {
    const flat = (name: string, cols: number) => stack(name, 1, { cols }).map((sketch) => ({ ...sketch, layer: -1 }));
    expect(namesOf(flat("head", 64), flat("head", 96))).toEqual([]);
    expect(namesOf(flat("head", 64), flat("tail", 64))).toEqual(["head on tail"]);
  });

  property.prop([fc.integer({ min: 1, max: 1_000_000 }), fc.boolean()], { numRuns: 12 })(
    "the same way round and back",
    (seed, related) => {
      const suspect = [
        ...stack("a", seed, {}, related ? seed + 9 : 0),
        ...stack("b", seed + 1, { layers: 2 }, related ? seed + 8 : 0),
        ...stack("c", seed + 2, { cols: 96 }),
      ];
      const base = [...stack("b", seed), ...stack("c", seed + 1, { layers: 2 }), ...stack("d", seed + 3)];
      const turned = namesOf(base, suspect).map((text) => text.split(" on ").reverse().join(" on "));
      expect(turned.sort()).toEqual(namesOf(suspect, base));
    },
  );
});

test("a tower of another name is tested against the one that it comes from, and named by both", async () => {
  const base = [...stack("text", 1, { layers: 4 }), ...stack("image", 2)];
  const suspect = [...stack("image", 1, { layers: 4 }, 11), ...stack("other", 5)];
  const result = await compareSubjects(subject("suspect", suspect, 1), subject("base", base, 2), { monteCarlo: false });
  const found = result.components.find((c) => c.component === "text")!;
  expect(found).toMatchObject({ suspectComponent: "image", verdict: "shared-init" });
  expect(result.components.filter((c) => c !== found).map((c) => c.verdict)).not.toContain("shared-init");
  expect(result.summary).toMatch(/\bimage\b/);
});
