import { describe, expect, test } from "vitest";
import { UNDECAYED } from "../../../src/lineage/kept-training.ts";
import { isEvenShare, isModest, isModestThere, isOneTraining, isSimple } from "../../../src/lineage/modest-training.ts";
import type { LearnedRetention } from "../../../src/lineage/result.ts";

const side = (change: Partial<LearnedRetention> = {}): LearnedRetention => ({
  share: 0.999,
  error: 0.001,
  bulk: 1,
  spread: 0,
  directions: 8,
  slices: 6,
  ...change,
});
const both = (one: Partial<LearnedRetention>, other: Partial<LearnedRetention> = {}): boolean[] => [
  isOneTraining(side(one), side(other)),
  isOneTraining(side(other), side(one)),
];

test("a training is modest, and a net simple, below their counts of directions and slices", () => {
  expect([9.9, 10].map((directions) => isModest(side({ directions })))).toEqual([true, false]);
  expect([8, 9].map((slices) => isSimple(side({ slices, directions: 14 })))).toEqual([true, false]);
  expect([13.9, 14].map((directions) => isSimple(side({ slices: 9, directions })))).toEqual([true, false]);
});

describe("two small nets hold one start and one training", () => {
  test("where both are whole in both, up to a factor that decay leaves", () => {
    expect(both({})).toEqual([true, true]);
    expect(both({ share: 1.25, bulk: UNDECAYED, error: 0 }, { share: 0.8, bulk: 0.8, error: 0 })).toEqual([true, true]);
  });

  test.each<[string, Partial<LearnedRetention>, Partial<LearnedRetention>]>([
    ["half of the start is gone", { bulk: 0.7 }, { bulk: 0.7 }],
    ["more than a start is there", { bulk: 1.03 }, { bulk: 1.03 }],
    ["more than a training is there", { share: 1.02 }, { share: 1.02 }],
    ["one of them decayed", { share: 1.3, bulk: 1.3, error: 0 }, { share: 0.775, bulk: 0.775, error: 0 }],
    ["one start decayed", { bulk: 1.26, error: 0 }, { bulk: 0.8, error: 0 }],
    ["one training decayed", { share: 1.26, error: 0 }, { share: 0.8, error: 0 }],
    ["it is not the same in all slices", { spread: 0.07 }, {}],
    ["it is not known well", { error: 0.0021 }, {}],
    ["too few directions were trained", { directions: 2.9 }, {}],
    ["too few slices were seen", { slices: 2 }, {}],
    ["some of it is another's", { share: 0.99 }, { share: 0.99 }],
  ])("but not where %s", (_, one, other) => {
    expect(both(one, other)).toEqual([false, false]);
  });
});

test("a share is even where L is b, and the same in all slices", () => {
  expect(isEvenShare(side({ share: 0.3, bulk: 0.3, spread: 0.036 }))).toBe(true);
  expect(isEvenShare(side({ share: 0.3, bulk: 0.3, spread: 0.037 }))).toBe(false);
  expect(isEvenShare(side({ share: 0.3, bulk: 0.32, error: 0.001 }))).toBe(false);
  expect(isEvenShare(side({ share: 0.3, bulk: 0.32, error: 0.007 }))).toBe(true);
});

describe("the training of a parent that trained modestly is there", () => {
  const modest = { directions: 4, slices: 6 };

  test("where nearly all of it is, both ways", () => {
    expect(isModestThere(side(modest), side(modest))).toBe(true);
    expect(isModestThere(side({ ...modest, share: 0.94 }), side(modest))).toBe(false);
    expect(isModestThere(side(modest), side({ ...modest, share: 0.94 }))).toBe(false);
  });

  test("and not where more than all is, for something else decayed", () => {
    expect(isModestThere(side({ ...modest, share: 1.11 }), side(modest))).toBe(false);
    expect(isModestThere(side({ ...modest, bulk: 1.11 }), side(modest))).toBe(false);
    expect(isModestThere(side({ ...modest, share: 1.1, bulk: 1.1 }), side(modest))).toBe(true);
  });

  test("with less the other way round where both are well trained", () => {
    const [well, less] = [{ directions: 5 }, { directions: 4.9 }];
    expect(isModestThere(side(well), side({ ...well, share: 0.84 }))).toBe(true);
    expect(isModestThere(side(well), side({ ...well, share: 0.82 }))).toBe(false);
    expect(isModestThere(side(well), side({ ...less, share: 0.84 }))).toBe(false);
    expect(isModestThere(side({ ...well, share: 0.9, bulk: 0.95 }), side(well))).toBe(true);
    expect(isModestThere(side({ ...well, share: 0.86, bulk: 0.9 }), side(well))).toBe(false);
    expect(isModestThere(side({ ...well, share: 0.9, bulk: 0.97 }), side(well))).toBe(false);
  });

  test("as a share of a merge: as much of it as of the start, everywhere, and nothing else trained", () => {
    const merge = { ...modest, share: 0.5, bulk: 0.5, directions: 6 };
    const back = { ...modest, bulk: 1, directions: 2 };
    expect(isModestThere(side(merge), side(back))).toBe(true);
    expect(isModestThere(side({ ...merge, spread: 0.031 }), side(back))).toBe(false);
    expect(isModestThere(side(merge), side({ ...back, bulk: 1.26 }))).toBe(false);
    expect(isModestThere(side({ ...merge, share: 0.6 }), side(back))).toBe(false);
    expect(isModestThere(side(merge), side({ ...back, directions: 4, share: 0.5 }))).toBe(false);
    expect(isModestThere(side({ ...merge, slices: 5 }), side(back))).toBe(false);
  });
});
