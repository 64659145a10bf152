import { beforeAll, describe, expect, test } from "vitest";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise, quantise, scramble } from "../../support/derive.ts";
import type { Model } from "../../support/random-model.ts";
import { ARCHITECTURES, shapedModel } from "../../support/shaped-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

/** Gaussian noise of so much of each matrix, a fifth where nobody says otherwise, of any number of dimensions. */
function tuned(model: Model, seed: number, size = 0.2): Model {
  const flat = new Map(
    [...model].map(([name, t]) => [
      name,
      t.shape.length > 2 ? { ...t, shape: [t.shape[0]!, t.values.length / t.shape[0]!] } : t,
    ]),
  );
  return new Map([...addNoise(flat, size, seed)].map(([name, t]) => [name, { ...t, shape: model.get(name)!.shape }]));
}

describe.each(Object.keys(ARCHITECTURES))("%s", (kind) => {
  const shapes = ARCHITECTURES[kind]!();
  const model = shapedModel(shapes, { init: 1 });
  let base: Subject;
  beforeAll(async () => {
    base = await subjectOf(model, { name: "base", root: true });
  });

  test("is found in what was tuned, and is itself under names that say nothing", async () => {
    expect(await judge(model, base)).toMatchObject({ verdict: "identical" });
    expect(await judge(scramble(model), base)).toMatchObject({ verdict: "identical" });
    // Two trainings of one start are as far apart as a fifth where names tell no attention.
    expect((await judge(tuned(model, 2), base)).verdict).toMatch(/derived|shared-init/);
    const child = tuned(model, 2, 0.02);
    const found = await judge(child, base);
    expect(found.verdict).toBe("derived");
    expect(["suspect-from-base", "not-established"]).toContain(found.direction);
    // A part of two matrices may be silent by itself.
    for (const c of found.components) expect(c.verdict).toMatch(/derived|identical|not-testable|no-evidence/);
    expect((await judge(base, child)).verdict).toBe("derived");
  });

  test("is found in what was quantised, or lost its names and was tuned", async () => {
    expect((await judge(quantise(model, 8), base)).verdict).toBe("derived");
    const nameless = await judge(scramble(tuned(model, 3), 3), base);
    // Of recurrent matrices only names tell which columns count hidden units, and beside kernels only they tell a table.
    const isNamed = kind.startsWith("a recurrent") || kind.endsWith("in groups");
    expect(nameless.verdict).toMatch(isNamed ? /not-testable/ : /derived|shared-init/);
  });

  test("is no relative of other trainings from scratch, with names or without", async () => {
    for (let seed = 2; seed < 7; seed++) {
      const stranger = shapedModel(shapes, { init: seed });
      const suspect = await subjectOf(seed % 2 === 0 ? stranger : scramble(stranger, seed));
      for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
        expect(result.verdict).toMatch(/no-evidence|not-testable/);
        for (const { log10P } of result.components) expect(log10P ?? 0).toBeGreaterThan(-4);
      }
    }
  });

  test("is no parent of another training of the same start", async () => {
    const sibling = await judge(shapedModel(shapes, { init: 1, training: 2 }), base);
    expect(sibling.verdict).toMatch(/shared-init|no-evidence|not-testable/);
    expect(sibling).toMatchObject({ direction: "not-established", parents: [] });
  });
});

test("architectures are no relatives of each other", async () => {
  const subjects: Subject[] = [];
  for (const [i, shapes] of Object.values(ARCHITECTURES).entries()) {
    subjects.push(await subjectOf(shapedModel(shapes(), { init: 50 + i })));
  }
  for (const [i, suspect] of subjects.entries()) {
    for (const base of subjects.slice(0, i)) {
      const { verdict } = await judge(suspect, base);
      expect(verdict).toMatch(/no-evidence|not-testable/);
    }
  }
});
