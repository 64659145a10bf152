import { describe, expect, test } from "vitest";
import {
  atLeast,
  isAsStart,
  isEven,
  isIntact,
  isKept,
  squaredCosine,
  unscaled,
} from "../../../src/lineage/kept-training.ts";
import type { LearnedRetention } from "../../../src/lineage/result.ts";

const side = (change: Partial<LearnedRetention> = {}): LearnedRetention => ({
  share: 1,
  error: 0,
  bulk: 1,
  spread: 0,
  directions: 8,
  slices: 6,
  ...change,
});

describe("the factor between two models of which all of the start is left", () => {
  const bulks = (forward: number, backward: number): number[] => {
    const found = unscaled({ forward: side({ bulk: forward }), backward: side({ bulk: backward }) });
    return [found.forward.bulk, found.backward.bulk];
  };

  test("is taken out of all that is known of either", () => {
    const halved = {
      forward: side({ share: 0.45, error: 0.01, bulk: 0.5, spread: 0.1 }),
      backward: side({ share: 1.8, error: 0.04, bulk: 2, spread: 0.4 }),
    };
    for (const found of Object.values(unscaled(halved))) {
      const { share, error, bulk, spread, directions, slices } = found;
      const figures = [share, error, bulk, spread, directions, slices];
      for (const [i, figure] of [0.9, 0.02, 1, 0.2, 8, 6].entries()) expect(figures[i]).toBeCloseTo(figure, 12);
    }
  });

  test("is one where either b is a hundredth more than all, whichever it is", () => {
    const root = Math.sqrt(1.01);
    for (const found of [...bulks(1.01, 1), ...bulks(1, 1.01)]) expect(found).toBeCloseTo(root, 12);
    expect(bulks(1.009, 1)).toEqual([1.009, 1]);
  });

  test("is not known where some of the start is gone", () => {
    for (const found of bulks(1.9, 0.5)) expect(found).toBeCloseTo(Math.sqrt(0.95), 12);
    expect(bulks(1.9, 0.49)).toEqual([1.9, 0.49]);
    expect(bulks(-1.2, -1)).toEqual([-1.2, -1]);
  });
});

test("the least of L over b takes three errors off L, and is 0 of nothing", () => {
  expect(atLeast(side({ share: 0.75, error: 0.125, bulk: 0.5 }))).toBe(0.75);
  expect(atLeast(side({ share: 0.25, error: 0.125, bulk: 0.5 }))).toBe(0);
  expect(atLeast(side({ share: 0.01, bulk: -1 }))).toBe(10);
});

test("a start is whole where nearly all of it is left in both", () => {
  expect(isIntact(side({ bulk: 0.93 }), side())).toBe(true);
  expect(isIntact(side({ bulk: 0.929 }), side())).toBe(false);
  expect(isIntact(side(), side({ bulk: 0.929 }))).toBe(false);
});

test("a training is kept where the least of L reaches what is asked", () => {
  expect([0.875, 0.874].map((share) => isKept(side({ share, error: 0.125 }), 0.5))).toEqual([true, false]);
});

test("the squared cosine of two trainings is at least the product of the least that either L is", () => {
  expect(squaredCosine(side({ share: 0.875, error: 0.125 }), side({ share: 0.5 }))).toBe(0.25);
  expect(squaredCosine(side({ share: -1 }), side({ share: -1 }))).toBe(0);
});

test("L is b, as of a merge with a stranger, within a part of b either way", () => {
  const shares = [0.95, 0.97, 1.03, 1.05];
  expect(shares.map((share) => isAsStart(side({ share })))).toEqual([false, true, true, false]);
  expect(isAsStart(side({ share: 0.25, bulk: 0.27 }))).toBe(false);
  expect(isAsStart(side({ share: 0, bulk: 0 }))).toBe(true);
});

test("a share is asked for only of slices enough, with directions enough, and as much in each", () => {
  expect([6, 5].map((slices) => isEven(side({ slices })))).toEqual([true, false]);
  expect([5, 4.9].map((directions) => isEven(side({ directions })))).toEqual([true, false]);
  expect([0.15, 0.151].map((spread) => isEven(side({ spread, bulk: 0.5 })))).toEqual([true, false]);
});
