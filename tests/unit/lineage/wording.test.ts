import { describe, expect, test } from "vitest";
import type { Direction, Image, Verdict } from "../../../src/lineage/result.ts";
import { claimOf, type Facts, summarise } from "../../../src/lineage/wording.ts";

const NONE: Facts = {
  part: null,
  image: null,
  everywhere: false,
  tableOnly: false,
  partly: null,
  share: null,
  back: { part: null, share: null },
  equal: null,
};
const names = { suspect: "a", base: "b" };
const equal = { equal: 3, compared: 8 };
const partly = { agreeing: 3, tested: 4, of: "layers" };

/** The sentence, after seeing that the claim is what it says of the suspect. */
function said(verdict: Verdict, facts: Partial<Facts> = {}, direction: Direction = "not-established"): string {
  return summarise(verdict, direction, names, { ...NONE, ...facts });
}
function claimed(verdict: Verdict, facts: Partial<Facts> = {}, direction: Direction = "not-established"): string {
  const claim = claimOf(verdict, direction, names.base, { ...NONE, ...facts });
  expect(said(verdict, facts, direction)).toBe(`a ${claim}.`);
  return claim;
}

test("of equal values it is said how far they were read", () => {
  expect(claimed("identical", { everywhere: true })).toBe("holds the same weights as b");
  expect(claimed("identical")).toBe("is equal to b wherever sampled");
  expect(claimed("recast")).toBe("is b in another number format, wherever sampled");
  const image = {
    side: "suspect",
    scheme: "Q4_0",
    way: null,
    everywhere: true,
    requantised: { blocks: 9, equal: 9 },
    nearest: { blocks: 9, equal: 9 },
  } as unknown as Image;
  expect(claimed("recast", { image })).toMatch(/^is b quantised to Q4_0: /);
});

describe("of shared training", () => {
  test("a parent is named where the direction is known, with the part of the child, and the share where it is told", () => {
    const from = (facts: Partial<Facts>) => said("derived", facts, "suspect-from-base");
    expect(from({})).toBe("a derives from b.");
    expect(from({ part: "text", share: 0.5 })).toBe("a (text) derives from b (a share of 0.50 of its training).");
    expect(claimOf("derived", "suspect-from-base", "b", { ...NONE, part: "text" })).toBe("derives from b");
  });

  test("the other way round the base derives from the suspect", () => {
    const facts = { ...NONE, part: "text", share: 0.25, back: { part: "tower", share: 0.5 } };
    expect(said("derived", facts, "base-from-suspect")).toBe(
      "b (tower) derives from a (a share of 0.50 of its training).",
    );
    expect(said("derived", {}, "base-from-suspect")).toBe("b derives from a.");
    const claim = (of: Facts) => claimOf("derived", "base-from-suspect", "b", of);
    expect(claim(facts)).toBe("is what b (tower) derives from (a share of 0.50 of its training)");
    expect(claim(NONE)).toBe("is what b derives from");
  });

  test("without a direction nobody had it first, whatever is told beside it", () => {
    expect(claimed("derived", { partly, share: 0.5 })).toBe(
      "shares trained weights with b in 3 of 4 layers (a share of 0.50 of its training), direction not established",
    );
    expect(claimed("derived")).toBe("shares trained weights with b, direction not established");
    expect(claimed("derived", { equal, everywhere: true })).toBe(
      "shares 3 of 8 matrices bit for bit with b, direction not established",
    );
    expect(claimed("derived", { equal })).toBe(
      "shares 3 of 8 matrices bit for bit with b, wherever sampled, direction not established",
    );
    expect(claimed("derived", { part: "text", equal, partly })).toBe(
      "shares the weights of its text with b in 3 of 4 layers, whoever had them first",
    );
  });
});

describe("of a common start", () => {
  test("no more is said than that", () => {
    expect(claimed("shared-init", { partly })).toBe(
      "goes back at least to the same initial weights as b in 3 of 4 layers; that trained weights are shared is not shown",
    );
    expect(claimed("shared-init", { part: "text" })).toMatch(/^goes in its text back at least to the same initial/);
    expect(claimed("shared-init", { equal, everywhere: true })).toBe("shares 3 of 8 matrices bit for bit with b");
  });

  test("a table alone is a table", () => {
    expect(claimed("shared-init", { tableOnly: true })).toBe(
      "holds the same token table as b, whoever had it first; nothing else is shown",
    );
    expect(claimed("shared-init", { tableOnly: true, equal })).toBe(
      "holds the same token table as b, whoever had it first; it shares 3 of 8 matrices bit for bit with b, wherever sampled",
    );
  });
});

test("silence is no proof, and equal matrices are told in spite of it", () => {
  expect(said("no-evidence")).toBe(
    "No evidence that a and b share weights. This does not prove that they are unrelated.",
  );
  expect(said("not-testable")).toBe("a cannot be tested against b.");
  for (const verdict of ["no-evidence", "not-testable"] as const) {
    expect(said(verdict, { equal })).toBe(
      "a shares 3 of 8 matrices bit for bit with b, wherever sampled; nothing else is shown.",
    );
  }
  expect(claimOf("no-evidence", "not-established", "b", NONE)).toBe("shows no evidence of shared weights with b");
  expect(claimOf("not-testable", "not-established", "b", NONE)).toBe("cannot be tested against b");
});

test("a part is named before a claim only where a direction needs it", () => {
  expect(said("derived", { part: "text" })).toMatch(/^a shares the weights of its text/);
  expect(said("identical", { part: "text" }, "suspect-from-base")).toBe("a is equal to b wherever sampled.");
  expect(said("shared-init", { part: "text" }, "suspect-from-base")).toMatch(/^a goes in its text/);
  expect(said("identical", {}, "base-from-suspect")).toBe("a is equal to b wherever sampled.");
});
