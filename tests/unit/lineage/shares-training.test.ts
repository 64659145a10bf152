import { describe, expect, test } from "vitest";
import { learnedRetention, type Retention } from "../../../src/lineage/learned-retention.ts";
import type { LearnedRetention } from "../../../src/lineage/result.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import { lacksStart, sharesTraining } from "../../../src/lineage/shares-training.ts";

/** L, its error, b, the spread of b over its size, clear directions a slice. */
type Figures = readonly [number, number, number, number, number];

const side = ([share, error, bulk, spread, directions]: Figures, slices: number): LearnedRetention => ({
  share,
  error,
  bulk,
  spread: spread * bulk,
  directions,
  slices,
});
const both = (forward: Figures, backward: Figures, slices: number): Retention => ({
  forward: side(forward, slices),
  backward: side(backward, slices),
  outstanding: null,
});
const mirrored = ({ forward, backward, outstanding }: Retention): Retention => ({
  forward: backward,
  backward: forward,
  outstanding,
});

// Measured on the pairs of benchmarks/lab, groups `siblings` and `derivatives`.
describe("two trainings of one start do not pass for a share of a merge", () => {
  test.each<[string, Retention]>([
    ["other weight decay, 800 steps", both([0.76, 0.01, 3.45, 0.33, 11.8], [0.25, 0.004, 0.21, 0.22, 8.5], 16)],
    ["other weight decay and order", both([0.34, 0.033, 0.3, 0, 15.5], [0.06, 0.003, 0.07, 0, 14.8], 6)],
    ["two strong weight decays", both([0.28, 0.004, 0.08, 0, 15.5], [0.53, 0.007, 0.84, 0, 16], 6)],
    ["decay, then none", both([0.2, 0.004, 0.15, 0, 10.1], [0.13, 0.007, 1.14, 1.09, 15.8], 16)],
    ["another batch", both([0.35, 0.007, 0.44, 0.13, 14.8], [0.31, 0.007, 0.65, 0, 14.8], 6)],
    ["other betas", both([0.44, 0.007, 0.5, 0.21, 14.5], [0.81, 0.013, 0.79, 0, 12], 4)],
    ["hardly any training", both([0.78, 0.004, 0.88, 0, 3], [1.08, 0.004, 1.12, 0, 3], 8)],
    ["large batches in another order", both([0.89, 0.004, 1, 0, 3.3], [0.88, 0.004, 1, 0, 3.3], 16)],
    ["first steps of a longer training", both([1.05, 0.007, 1.04, 0, 3], [0.52, 0.004, 0.93, 0.03, 5.1], 8)],
    [
      "half of the matrices began at zero, 10 steps",
      both([0.93, 0.004, 0.79, 0.27, 7.8], [0.93, 0.004, 0.79, 0.27, 7.9], 16),
    ],
    ["all of them did", both([0.936, 0.002, 0.652, 0.05, 16], [0.941, 0.002, 0.653, 0.05, 16], 8)],
    ["a direction of nothing", both([4.31, 3.5, -38.9, 0, 15.7], [0.05, 0.003, 0.05, 0.29, 12.7], 6)],
  ])("%s", (_, found) => {
    expect(sharesTraining(found, true)).toBe(false);
    expect(sharesTraining(mirrored(found), true)).toBe(false);
  });
});

describe("what was made of another is known", () => {
  test.each<[string, Retention]>([
    ["a fine-tune", both([0.98, 0.001, 0.99, 0, 7], [0.97, 0.001, 1, 0, 6.9], 16)],
    ["the same, all matrices halved", both([0.49, 0.001, 0.495, 0, 7], [1.94, 0.002, 2, 0, 6.9], 16)],
    ["a small net, trained on", both([0.98, 0.001, 1, 0, 4.7], [1.01, 0.001, 1, 0, 4.7], 3)],
    ["a tenth", both([0.1, 0.002, 0.1, 0, 7.8], [-0.11, 0.003, 0.37, 0.55, 6.9], 16)],
    ["a fifth", both([0.2, 0.001, 0.21, 0.02, 14], [0.05, 0.001, 0.75, 0.14, 14.8], 16)],
    ["a half", both([0.5, 0.004, 0.51, 0, 5.7], [0.9, 0.01, 1.02, 0.05, 2.2], 16)],
    ["three tenths", both([0.3, 0.005, 0.297, 0.01, 8], [0.28, 0.009, 0.65, 0, 9.3], 16)],
    ["pruned by half", both([0.9, 0.002, 0.943, 0, 8], [1.11, 0.002, 0.83, 0.02, 8], 16)],
    ["seven tenths", both([0.7, 0.001, 0.7, 0.02, 14.6], [1.32, 0.001, 1.06, 0.04, 14.4], 16)],
    ["a continued pretraining", both([0.958, 0.004, 0.986, 0.14, 10.1], [0.624, 0.003, 0.622, 0.19, 8.3], 16)],
  ])("%s", (_, found) => {
    expect(sharesTraining(found, true)).toBe(true);
    expect(sharesTraining(mirrored(found), true)).toBe(true);
  });
});

test("where the start is whole in both, nearly all of a training is asked for both ways round", () => {
  // Encoders of one seed that learned other images of one source: as many steps, and a third.
  expect(sharesTraining(both([0.84, 0.004, 0.98, 0, 6.4], [0.88, 0.004, 0.98, 0, 6], 12), true)).toBe(false);
  expect(sharesTraining(both([0.62, 0.004, 0.94, 0, 8.1], [0.96, 0.004, 1, 0, 6], 12), true)).toBe(false);
  expect(sharesTraining(both([0.91, 0.004, 0.96, 0, 11.2], [0.92, 0.004, 0.95, 0, 11.2], 12), true)).toBe(false);
  expect(sharesTraining(both([0.43, 0.004, 0.89, 0, 10.4], [1.01, 0.004, 1, 0, 6.4], 8), true)).toBe(false);
  // Nine tenths of the images the same, and twice as many steps.
  expect(sharesTraining(both([0.99, 0.004, 1, 0, 7], [0.75, 0.004, 0.96, 0, 8.2], 12), true)).toBe(false);
  // Noise of 30 %, which takes as much of the start.
  expect(sharesTraining(both([0.957, 0.004, 0.958, 0, 12], [0.956, 0.004, 0.957, 0, 12], 12), true)).toBe(true);
  expect(sharesTraining(both([0.957, 0.004, 0.958, 0, 15], [0.956, 0.004, 0.957, 0, 15], 12), false)).toBe(true);
  // A light fine-tune, and a longer one.
  expect(sharesTraining(both([0.99, 0.004, 1, 0, 12], [0.98, 0.004, 1, 0, 12], 12), true)).toBe(true);
  expect(sharesTraining(both([0.98, 0.004, 0.99, 0, 9], [0.87, 0.004, 0.95, 0, 9.1], 12), true)).toBe(true);
});

// Encoders of one seed that learned digits, other samples or another order; then one side, or both, were changed.
describe("what makes b smaller does not make siblings of a modest training look like parent and child", () => {
  test.each<[string, Retention]>([
    ["3 bits", both([0.93, 0.002, 1, 0, 5.2], [0.93, 0.002, 0.89, 0, 5], 12)],
    ["4 bits", both([0.935, 0.002, 0.996, 0, 5.5], [0.945, 0.002, 0.97, 0, 5.3], 12)],
    ["3 bits, both", both([0.88, 0.003, 0.81, 0.06, 7.5], [0.88, 0.003, 0.83, 0.04, 7.7], 12)],
    ["noise, as many steps", both([0.79, 0.003, 0.69, 0, 6.6], [0.76, 0.003, 0.94, 0, 7.2], 12)],
    ["noise, twice as many steps", both([1.05, 0.004, 1.04, 0, 5.6], [0.72, 0.003, 0.73, 0.1, 6.3], 12)],
    ["noise, five times as many", both([0.49, 0.003, 0.45, 0.2, 6.3], [1.1, 0.01, 0.64, 0, 4.3], 12)],
    ["noise, of few directions", both([1, 0.004, 0.99, 0, 4.3], [0.92, 0.003, 0.81, 0.05, 4], 12)],
    ["pruned", both([0.93, 0.004, 0.88, 0, 6.1], [0.92, 0.004, 0.86, 0.02, 5.9], 12)],
    ["nothing, another order", both([0.87, 0.003, 0.94, 0, 8.8], [0.88, 0.003, 0.91, 0, 8.1], 12)],
    ["noise of 50 %, of language models", both([0.11, 0.01, 0.44, 0, 14.3], [0.13, 0.008, 0.1, 0, 9.7], 6)],
    ["pruned by .7, of language models", both([0.09, 0.005, 0.34, 0.08, 15.4], [0.54, 0.01, 0.37, 0.04, 6.7], 8)],
    ["2 bits, of language models", both([0.07, 0.005, 0.58, 0.12, 13.4], [0.3, 0.01, 0.22, 0.03, 5.7], 8)],
    ["three tenths of a merge, or so it seems", both([0.3, 0.005, 0.297, 0.16, 8], [0.28, 0.009, 0.65, 0, 9.3], 16)],
    ["nothing left of a start", both([0.94, 0.01, 1.06, 0, 12], [0.26, 0.02, -2.03, 0, 12], 6)],
    ["noise on the base", both([0.53, 0.009, 0.42, 0.12, 6.8], [0.26, 0.006, 0.74, 0.09, 10.8], 6)],
  ])("%s", (_, found) => {
    expect(sharesTraining(found, true)).toBe(false);
    expect(sharesTraining(mirrored(found), true)).toBe(false);
  });
});

describe("of other networks than those that names tell", () => {
  const shares = (...sides: Parameters<typeof both>) => sharesTraining(both(...sides), false);

  test("small ones must hold one training and hardly anything else, either way round", () => {
    // Networks of one seed that learned one task in another order, for longer, or more slowly.
    expect(shares([0.971, 0.002, 0.993, 0, 3.6], [0.992, 0.002, 0.995, 0, 3.4], 5)).toBe(false);
    expect(shares([0.998, 0.001, 0.997, 0, 3.7], [0.996, 0.001, 0.996, 0, 3.3], 3)).toBe(false);
    expect(shares([1.007, 0.008, 0.936, 0, 10.2], [0.71, 0.006, 0.801, 0, 9.5], 4)).toBe(false);
    expect(shares([0.978, 0.003, 0.912, 0, 6.7], [0.986, 0.003, 0.915, 0, 6.7], 3)).toBe(false);
    expect(shares([0.96, 0.002, 0.8, 0, 13.5], [0.98, 0.002, 0.79, 0, 13.5], 4)).toBe(false);
    // Siblings whose start decayed away, so that nothing of L is a projection.
    expect(shares([2.25, 0.02, 0.48, 0, 6], [82, 3, 102, 0, 6], 6)).toBe(false);
    expect(shares([1.02, 0.005, 0.97, 0, 6], [1.06, 0.005, 0.94, 0, 6], 6)).toBe(false);
    expect(shares([0.21, 0.002, 1.14, 0, 6], [5.49, 0.01, 1.14, 0, 6], 6)).toBe(false);
    expect(shares([0.98, 0.001, 1, 0, 6], [1.09, 0.001, 1, 0, 6], 6)).toBe(false);
    // Under strong decay runs in two orders end in the same place, up to what a fine-tune does not add.
    expect(shares([1.023, 0.0026, 1.049, 0, 12], [0.986, 0.0026, 0.95, 0, 11.5], 4)).toBe(false);
    // What was tuned a little: weights decay on the way, so that either L may be far from 1.
    for (const [there, back] of [
      [0.971, 1.03],
      [0.938, 1.066],
      [0.84, 1.19],
    ] as const) {
      const sides = [
        [there, 0.0005, 0.97, 0, 4],
        [back, 0.0005, 1.03, 0, 4],
      ] as const;
      expect(shares(...sides, 4)).toBe(true);
      expect(shares(sides[1], sides[0], 4)).toBe(true);
      expect(shares(...sides, 2)).toBe(false);
    }
    expect(shares([0.98, 0.001, 0.97, 0, 12], [1, 0.001, 1, 0, 12], 4)).toBe(false);
    expect(shares([0.99, 0.0005, 0.97, 0.1, 12], [1.01, 0.0005, 1, 0, 12], 4)).toBe(false);
    expect(shares([0.99, 0.0005, 0.97, 0, 12], [1.01, 0.0005, 1, 0, 12], 4)).toBe(true);
  });

  test("larger ones as well while they show little, and as all others do from then on", () => {
    // Residual perceptrons of one seed under strong decay: other samples of one source, another order.
    expect(shares([0.982, 0.0007, 1.002, 0, 8.2], [0.998, 0.0007, 1, 0, 8.4], 12)).toBe(false);
    expect(shares([0.976, 0.0009, 0.996, 0, 11.2], [1.008, 0.0011, 0.998, 0, 11.3], 12)).toBe(false);
    expect(shares([0.911, 0.0006, 0.978, 0, 11.1], [1.086, 0.0007, 1.024, 0, 10.4], 12)).toBe(false);
    expect(shares([0.996, 0.0005, 0.99, 0, 11], [1, 0.0005, 0.99, 0, 11], 12)).toBe(true);
    expect(shares([0.99, 0.005, 0.98, 0, 15], [0.9, 0.005, 0.99, 0, 15], 12)).toBe(true);
    expect(shares([0.89, 0.005, 0.98, 0, 15], [0.92, 0.005, 0.99, 0, 15], 12)).toBe(false);
    // Where one of the two shows little, both are asked as if they did.
    expect(shares([0.99, 0.005, 0.98, 0, 15], [0.9, 0.005, 0.99, 0, 12], 12)).toBe(false);
  });
});

test("what strangers fitted to few samples lacks a start, what was trained from one does not", () => {
  expect(lacksStart(both([1.12, 0.01, 0.16, 0, 12], [1.13, 0.01, 0.16, 0, 12], 8), 3)).toBe(true);
  expect(lacksStart(both([1.1, 0.01, 0.21, 0, 15], [1.09, 0.01, 0.21, 0, 15], 8), 3)).toBe(true);
  // Half of the matrices began at zero; strong decay of one side; a tenth of a merge; nothing that is known well enough.
  expect(lacksStart(both([0.93, 0.01, 0.43, 0.1, 16], [0.94, 0.01, 0.42, 0.1, 16], 8), 3)).toBe(false);
  expect(lacksStart(both([1, 0.01, 0.26, 0, 16], [1, 0.01, 1.25, 0, 16], 8), 1.35)).toBe(false);
  expect(lacksStart(both([0.1, 0.01, 0.1, 0, 12], [0.1, 0.01, 0.1, 0, 12], 8), 1.35)).toBe(false);
  expect(lacksStart(both([1.12, 0.3, 0.16, 0, 1], [1.13, 0.3, 0.16, 0, 1], 8), 3)).toBe(false);
  // Fitted from a random start, and stopped early.
  expect(lacksStart(both([0.95, 0.01, 0.59, 0, 3.9], [1.03, 0.01, 0.58, 0, 2.2], 4), 1.35)).toBe(true);
});

describe("matrices that began at zero", () => {
  /** Slices of which only the clear directions matter here; the rest is alike in all. */
  const slices = (counts: readonly number[]): SliceRetention[] =>
    counts.map((directions) => {
      const sums = { numerator: 0.93, denominator: 1, variance: 1e-6, directions, bulk: 0.8, bulkVariance: 0 };
      return { forward: sums, backward: sums, turned: () => ({ forward: sums, backward: sums }) } as SliceRetention;
    });
  const directions = (counts: readonly number[]) => learnedRetention(slices(counts))!.forward.directions;

  test("do not speak for others that hardly trained", () => {
    const half = [0, 0, 0, 0, 1, 1, 0, 0, 0, 16, 16, 16, 16, 16, 16, 16, 16];
    expect(directions(half)).toBeLessThan(3);
    expect(directions(half.map((n) => (n < 16 ? n + 1 : n)))).toBeLessThan(5);
  });

  test("show by themselves that training is found better than a start, where they are half of a file", () => {
    const slice = (numerator: number, directions: number, bulk: number): SliceRetention => {
      const sums = { numerator, denominator: 1, variance: 1e-6, directions, bulk, bulkVariance: 0 };
      return { forward: sums, backward: sums, turned: () => ({ forward: sums, backward: sums }) } as SliceRetention;
    };
    // Networks alone after 15 steps of large batches: the matrices that write began at zero.
    const file = (bulk: number) => [2, 2, 2, 2, 16, 16, 16, 16].map((n) => slice(0.985, n, n === 16 ? bulk : 0.98));
    expect(sharesTraining(learnedRetention(file(0.82))!, true)).toBe(false);
    expect(sharesTraining(learnedRetention(file(0.97))!, true)).toBe(true);
  });

  test("count beside others that trained, not for much more than those", () => {
    expect(directions([3, 0, 12, 2, 0, 2, 15, 4, 12, 2, 12, 5, 12, 5, 12, 3, 14])).toBeGreaterThan(4);
    expect(directions([16, 16, 16, 16])).toBe(16);
    expect(directions([0, 0, 0])).toBe(0);
  });
});
