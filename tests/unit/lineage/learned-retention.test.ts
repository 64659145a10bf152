import { describe, expect, test } from "vitest";
import { learnedRetention, showsTraining } from "../../../src/lineage/learned-retention.ts";
import type { LearnedRetention } from "../../../src/lineage/result.ts";
import type { RetentionSums, SliceRetention } from "../../../src/lineage/retention.ts";

const sums = (change: Partial<RetentionSums> = {}): RetentionSums => ({
  numerator: 1,
  denominator: 1,
  variance: 0,
  directions: 4,
  bulk: 1,
  bulkVariance: 0,
  ...change,
});

/** A slice that is the same with signs turned, unless it is said what it is then. */
function slice(forward: RetentionSums, backward = sums(), turned = { forward, backward }): SliceRetention {
  return { forward, backward, turned: () => turned } as unknown as SliceRetention;
}

test("of no slices nothing is known", () => {
  expect(learnedRetention([])).toBeNull();
});

describe("over slices", () => {
  test("L is a quotient of sums with the error of that, and b a mean", () => {
    const { forward, backward } = learnedRetention([
      slice(sums({ numerator: 2, denominator: 3, variance: 0.09, bulk: 0.75 }), sums({ numerator: 3 })),
      slice(sums({ numerator: 1, denominator: 1, variance: 0.16, bulk: 1 }), sums({ numerator: 1 })),
    ])!;
    expect([forward.share, forward.error, forward.bulk, forward.slices]).toEqual([0.75, 0.125, 0.875, 2]);
    expect(backward.share).toBe(2);
  });

  test("the spread of b is what its errors do not explain", () => {
    const spread = (bulkVariance: number) =>
      learnedRetention([0.8, 1].map((bulk) => slice(sums({ bulk, bulkVariance }))))!.forward.spread;
    expect(spread(0)).toBeCloseTo(0.1, 12);
    expect(spread(0.0064)).toBeCloseTo(0.06, 12);
    expect(spread(0.02)).toBe(0);
  });

  test("without a clear direction L is nothing, and its error has no bound", () => {
    const { share, error } = learnedRetention([slice(sums({ numerator: 0, denominator: 0 }))])!.forward;
    expect([share, error]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test("no slice counts for more directions than three times one more than the half with fewest has", () => {
    const directions = (counts: readonly number[]) =>
      learnedRetention(counts.map((n) => slice(sums({ directions: n }))))!.forward.directions;
    expect(directions([12, 3, 2, 20])).toBe(6.5);
    expect(directions([12, 20, 2, 3])).toBe(6.5);
    expect(directions([20, 0, 1])).toBeCloseTo((4.5 + 0 + 1) / 3, 12);
  });
});

describe("the slices with most directions", () => {
  const found = (counts: readonly (readonly [number, number])[]) => {
    const all = counts.map(([one, other], i) => {
      return slice(sums({ directions: one, bulk: 2 ** i }), sums({ directions: other, bulk: 1 / 2 ** (i + 1) }));
    });
    return learnedRetention(all)!.outstanding;
  };

  test("are a quarter, counted on the side with fewer, and are asked by themselves", () => {
    const eight = [
      [9, 9],
      [10, 16],
      [16, 2],
      [3, 3],
      [2, 2],
      [1, 1],
      [0, 0],
      [9, 8],
    ] as const;
    const { forward, backward } = found(eight)!;
    expect([forward.slices, forward.bulk]).toEqual([2, (1 + 2) / 2]);
    expect(backward.bulk).toBe((1 / 2 + 1 / 4) / 2);
  });

  test("are no fewer than two, and with them are those that show as many", () => {
    const [most, less] = [[9, 9] as const, [2, 2] as const];
    expect(found([less, most, less, less])).toBeNull();
    expect(found([most, less, less, most])!.forward).toMatchObject({ slices: 2, bulk: (1 + 8) / 2 });
    expect(found([most, less, less, less, less])!.forward.slices).toBe(5);
  });
});

describe("a slice that was multiplied", () => {
  const bulks = (forward: number, backward: number) => {
    const change = { numerator: 1, variance: 1, bulkVariance: 0 };
    const { forward: one, backward: other } = learnedRetention([
      slice(sums({ ...change, bulk: forward }), sums({ ...change, bulk: backward })),
    ])!;
    return [one, other].flatMap(({ bulk, share, error }) => [bulk, share, error]);
  };

  test("is taken as it was, either way round", () => {
    for (const [i, figure] of bulks(4, 0.25).entries()) expect(figure).toBeCloseTo([1, 0.25, 0.25, 1, 4, 4][i]!, 12);
    expect(bulks(0.25, 4)[0]).toBe(1);
    expect(bulks(1.2, 1)[0]).toBeCloseTo(Math.sqrt(1.2), 12);
  });

  test("has the variance of its b multiplied as well", () => {
    const one = (bulkVariance: number, bulk: number) => slice(sums({ bulk, bulkVariance }), sums({ bulk: 1 / bulk }));
    const plain = slice(sums({ bulk: 0.5 }), sums({ bulk: 1 }));
    // b of 1 and 1/2 spread by 1/4; the variance of 0.48, a sixteenth after division by 4, takes half of 0.03 from a sixteenth.
    expect(learnedRetention([one(0.48, 4), plain])!.forward.spread).toBeCloseTo(Math.sqrt(1 / 16 - 0.015), 12);
  });

  test("is left where the factor is small, or some of the start is gone", () => {
    expect(bulks(1.19, 1)[0]).toBe(1.19);
    expect(bulks(1.9, 0.5)[0]).toBeCloseTo(Math.sqrt(0.95), 12);
    expect(bulks(1.9, 0.49)[0]).toBe(1.9);
  });
});

test("a slice is turned where far more of the start shows then, and much of it", () => {
  const bulk = (plain: number, turned: number) => {
    const both = { forward: sums({ bulk: turned }), backward: sums() };
    return learnedRetention([slice(sums({ bulk: plain }), sums(), both)])!.forward.bulk;
  };
  expect(bulk(0.75, 1)).toBe(0.75);
  expect(bulk(0.74, 1)).toBe(1);
  expect(bulk(0.74, 0.98)).toBe(0.74);
  expect(bulk(0.25, 0.5)).toBe(0.5);
  expect(bulk(0.1, 0.49)).toBe(0.1);
});

test("training shows in three slices, with three directions in each", () => {
  const shows = (slices: number, directions: number) => showsTraining({ slices, directions } as LearnedRetention);
  expect([shows(3, 3), shows(2, 3), shows(3, 2.9)]).toEqual([true, false, false]);
});
