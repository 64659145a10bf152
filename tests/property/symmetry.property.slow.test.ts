import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { CompareResult, Direction } from "../../src/lineage/result.ts";
import type { Subject } from "../../src/lineage/subject.ts";
import {
  addNoise,
  average,
  cast,
  extendVocabulary,
  lieAboutRoles,
  metaNames,
  prune,
  quantise,
  relayer,
  rename,
  scramble,
} from "../support/derive.ts";
import { type Model, type ModelShape, randomModel } from "../support/random-model.ts";
import { judge, subjectOf } from "../support/stored-model.ts";

const TINY = { width: 48, hidden: 64, layers: 3, vocabulary: 160 };
const seed = fc.integer({ min: 1, max: 1_000_000 });

type Shape = Partial<ModelShape>;
/** What a suspect may be to a base. */
const RELATIVES: Readonly<Record<string, (base: Model, s: number, shape: Shape) => Model>> = {
  copy: (m) => m,
  cast: (m) => cast(m, "BF16"),
  tuned: (m, s) => addNoise(m, 0.3, s),
  quantised: (m) => quantise(m, 4, 16),
  pruned: (m) => prune(m, 0.5),
  renamed: (m, s) => rename(addNoise(m, 0.1, s), metaNames),
  "without names": (m, s) => scramble(addNoise(m, 0.1, s), s),
  "with names that lie": (m, s) => lieAboutRoles(addNoise(m, 0.1, s)),
  shallower: (m, s) => relayer(addNoise(m, 0.1, s), [0, 2]),
  deeper: (m, s) => relayer(addNoise(m, 0.1, s), [0, 1, 1, 2]),
  reordered: (m, s) => relayer(addNoise(m, 0.1, s), [2, 0, 1]),
  "of a larger vocabulary": (m, s) => extendVocabulary(m, 40, s),
  sibling: (_, s, shape) => randomModel({ init: s, training: s + 1 }, shape),
  "average with a stranger": (m, s, shape) => average(m, randomModel({ init: s + 2 }, shape), 0.4),
  "average with a sibling": (m, s, shape) => average(m, randomModel({ init: s, training: s + 1 }, shape), 0.6),
  stranger: (_, s, shape) => randomModel({ init: s + 3 }, shape),
  "stranger without names": (_, s, shape) => scramble(randomModel({ init: s + 3 }, shape), s),
  "deeper stranger": (_, s, shape) => randomModel({ init: s + 3 }, { ...shape, layers: 5 }),
  "wider stranger": (_, s, shape) => randomModel({ init: s + 3 }, { ...shape, width: 64 }),
};

const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  "suspect-from-base": "base-from-suspect",
  "base-from-suspect": "suspect-from-base",
  siblings: "siblings",
  "not-established": "not-established",
};

/** Everything that must not depend on which of the two is called the base. */
function expectMirrored(there: CompareResult, back: CompareResult): void {
  expect(back.verdict).toBe(there.verdict);
  expect(back.direction).toBe(OPPOSITE[there.direction]);
  expect(back.log10P).toBe(there.log10P);
  expect(back.log10Tried).toBe(there.log10Tried);
  const components = (r: CompareResult, exchanged: boolean) =>
    r.components
      .map((c) => ({
        names: exchanged ? [c.component, c.suspectComponent] : [c.suspectComponent, c.component],
        verdict: c.verdict,
        log10P: c.log10P,
        r: c.r,
        of: exchanged ? c.learned?.suspectInBase : c.learned?.baseInSuspect,
        back: exchanged ? c.learned?.baseInSuspect : c.learned?.suspectInBase,
      }))
      .sort((x, y) => (x.names.join() < y.names.join() ? -1 : 1));
  expect(components(back, true)).toEqual(components(there, false));
  const layers = (r: CompareResult, exchanged: boolean) =>
    r.layers
      .filter((l) => l.base !== null)
      .map((l) => [...(exchanged ? [l.base, l.suspect] : [l.suspect, l.base]), l.log10P, l.agreement])
      .sort((x, y) => x[0]! - y[0]! || x[1]! - y[1]!);
  expect(layers(back, true)).toEqual(layers(there, false));
  const tests = (r: CompareResult) =>
    r.tests.map(({ name, axis, turned, log10P }) => [name, axis, turned, log10P].join()).sort();
  expect(tests(back)).toEqual(tests(there));
  expect([back.difference.scale, back.difference.reverseScale]).toEqual([
    there.difference.reverseScale,
    there.difference.scale,
  ]);
}

describe("what is found of two models is the same whichever is called the base", () => {
  test.prop(
    [
      seed,
      fc.constantFrom(...Object.keys(RELATIVES)),
      fc.constantFrom("llama", "llama", "gpt2", "llava", "mixtral" as const),
      fc.boolean(),
      fc.boolean(),
    ],
    { numRuns: 14 },
  )("for any kind of pair", async (s, kind, family, left, right) => {
    const shape = { ...TINY, family };
    const model = randomModel({ init: s }, shape);
    const one = await subjectOf(model, { name: "one", root: left });
    const two = await subjectOf(RELATIVES[kind]!(model, s, shape), { name: "two", root: right });
    expectMirrored(await judge(two, one), await judge(one, two));
  });

  test.each(Object.keys(RELATIVES))("for a model and a relative: %s", async (kind) => {
    const model = randomModel({ init: 5 }, TINY);
    const one: Subject = await subjectOf(model, { name: "one", root: true });
    const two = await subjectOf(RELATIVES[kind]!(model, 5, TINY), { name: "two" });
    const there = await judge(two, one);
    expectMirrored(there, await judge(one, two));
    if (/stranger$|^stranger/.test(kind) && !kind.startsWith("average")) expect(there.verdict).toBe("no-evidence");
    if (kind === "sibling") expect(there.verdict).toBe("shared-init");
    if (!/stranger|sibling|copy|cast/.test(kind)) expect(there).toMatchObject({ verdict: "derived" });
  });
});
