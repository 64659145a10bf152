import { describe, expect, test } from "vitest";
import { isParentsShare } from "../../../src/lineage/direction.ts";
import type { ComponentVerdict } from "../../../src/lineage/result.ts";

/** L and b of the parent's training in the child, and of the child's in the parent. */
type Shares = readonly [number, number, number, number];

const learned = ([share, bulk, back, backBulk]: Shares): ComponentVerdict["learned"] => {
  const common = { error: 0.002, spread: 0, directions: 12, slices: 16 };
  return { baseInSuspect: { ...common, share, bulk }, suspectInBase: { ...common, share: back, bulk: backBulk } };
};

describe("the shares that a child and its parent hold of each other", () => {
  test.each<[string, Shares]>([
    ["a light fine-tune", [1, 1, 1, 1]],
    ["a fine-tune on another text", [0.95, 0.983, 0.997, 0.963]],
    ["a continued pretraining", [0.895, 0.89, 0.705, 0.808]],
    ["another one", [0.923, 0.935, 0.65, 0.775]],
    ["a long one", [0.97, 0.94, 0.73, 0.84]],
    ["an average with a stranger", [0.501, 0.508, 0.901, 1.021]],
    ["nine tenths of a merge", [0.9, 0.9, 1.08, 1.09]],
  ])("%s", (_, shares) => {
    expect(isParentsShare(learned(shares), "base")).toBe(true);
  });

  test.each<[string, Shares]>([
    ["a tenth of a merge", [0.1, 0.1, 0.3, 0.3]],
    ["the checkpoint half-way to the parent", [0.9, 0.91, 0.97, 1.01]],
    ["another one", [0.94, 0.92, 0.95, 1]],
    ["a fine-tune of that", [0.91, 0.92, 0.95, 0.99]],
    ["the checkpoint half-way, in 4 bits", [0.896, 0.914, 0.977, 0.897]],
    ["the checkpoint half-way, under as much noise", [0.893, 0.918, 1.043, 0.38]],
    ["the checkpoint half-way, a tenth of it zero", [0.81, 0.82, 1.05, 0.9]],
    ["half of the weights pruned, which such a checkpoint resembles", [0.93, 0.935, 1, 1]],
    ["the checkpoint half-way of a model that decayed since", [0.909, 0.797, 0.604, 0.634]],
    ["one that had more of the start then", [0.889, 1.081, 0.755, 0.701]],
    ["one of a model that decayed since, in 4 bits", [0.937, 1.13, 0.75, 0.68]],
    ["one that decayed more", [0.757, 0.748, 0.453, 0.371]],
    ["one that did not, and grew", [0.855, 0.876, 1.052, 1.067]],
    ["one that was trained slowly", [0.878, 0.892, 1.03, 1.05]],
    ["a continued pretraining under decay, which resembles these", [0.91, 0.94, 0.76, 0.78]],
    ["a checkpoint long before", [0.6, 0.7, 0.99, 1]],
  ])("not of %s", (_, shares) => {
    expect(isParentsShare(learned(shares), "base")).toBe(false);
  });

  test("of both sides the one that is asked for, and of neither where nothing is known", () => {
    const went = learned([0.895, 0.89, 0.705, 0.808]);
    expect(isParentsShare(went, "base")).toBe(true);
    expect(isParentsShare(went, "suspect")).toBe(false);
    expect(isParentsShare(null, "base")).toBe(false);
  });
});
