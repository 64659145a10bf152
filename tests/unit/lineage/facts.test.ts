import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { factsOf } from "../../../src/lineage/facts.ts";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import { type Difference, EMBEDDINGS, type Image, type Verdict } from "../../../src/lineage/result.ts";
import type { SameContent } from "../../../src/lineage/same-content.ts";
import { findingOf, type GivenFinding, learnedOf, modelOf, subjectOf } from "../../support/findings.ts";

const [suspect, base] = [1, 2].map((seed) => modelOf(seed, { tower: { layers: 4 }, text: { layers: 4 } })) as [
  Fingerprint,
  Fingerprint,
];
const sides = { suspect: subjectOf("a", suspect), base: subjectOf("b", base) };
const found = (verdict: Verdict, given: GivenFinding = {}) => findingOf(suspect, base, verdict, given);
const [tower, text] = [found("derived", { component: "tower" }), found("derived", { component: "text" })];

interface Given {
  readonly verdict?: Verdict;
  readonly content?: SameContent;
  readonly frozen?: number;
}

function facts(findings: readonly ComponentFinding[], { verdict = "derived", content = null, frozen = 0 }: Given = {}) {
  const difference = { frozenTensors: frozen, comparedTensors: 20 } as Difference;
  return factsOf(verdict, content, sides, findings, difference);
}

describe("a verdict is about a part", () => {
  const parts = (findings: readonly ComponentFinding[], content: SameContent = null) => {
    const { part, back } = facts(findings, { content });
    return [part, back.part];
  };

  test("where not every main stack of that side is found", () => {
    expect(parts([tower, text])).toEqual([null, null]);
    expect(parts([text])).toEqual(["text", "text"]);
    // Both of the base were found in one of the suspect.
    const twice = found("derived", { component: "tower", suspectComponent: "text" });
    expect(parts([text, twice])).toEqual(["text", null]);
  });

  test("where something else was found to be another's, or shares a start where this shares training", () => {
    const small = (verdict: Verdict) => found(verdict, { component: "head" });
    expect(parts([tower, text, small("no-evidence")])).toEqual(["tower", "tower"]);
    expect(parts([tower, text, small("shared-init")])).toEqual(["tower", "tower"]);
    expect(parts([tower, text, small("derived")])).toEqual([null, null]);
    const [start, other] = ["tower", "text"].map((component) => found("shared-init", { component }));
    expect(parts([start!, other!])).toEqual([null, null]);
    expect(parts([tower, text, found("no-evidence", { component: EMBEDDINGS })])).toEqual([null, null]);
  });

  test("but not where all is equal, nothing is found, or it was found over several stacks", () => {
    expect(parts([text], { kind: "identical", everywhere: true })).toEqual([null, null]);
    expect(parts([found("no-evidence", { component: "text" })])).toEqual([null, null]);
    expect(parts([])).toEqual([null, null]);
    expect(parts([found("derived", { component: "text", stacks: 2 })])).toEqual([null, null]);
  });
});

test("every byte was compared only where content says so", () => {
  expect(facts([text]).everywhere).toBe(false);
  const said = (everywhere: boolean) => facts([], { content: { kind: "identical", everywhere } }).everywhere;
  expect([true, false].map(said)).toEqual([true, false]);
  expect(facts([], { content: { kind: "recast", narrower: "base" } })).toMatchObject({
    everywhere: false,
    image: null,
  });
});

test("an image is told where one is", () => {
  const image = { side: "base" } as Image;
  expect(facts([], { content: { kind: "recast", narrower: "base", image } }).image).toBe(image);
  expect(facts([text]).image).toBeNull();
});

test("tables alone are the same where no body speaks for a common start", () => {
  const table = found("identical", { component: EMBEDDINGS, sharesTraining: false });
  const start = found("shared-init", { component: "text" });
  const tableOnly = (verdict: Verdict, ...findings: readonly ComponentFinding[]) =>
    facts(findings, { verdict }).tableOnly;
  expect(tableOnly("shared-init", table)).toBe(true);
  expect(tableOnly("shared-init", table, start)).toBe(false);
  expect(tableOnly("no-evidence")).toBe(false);
});

describe("how much agrees", () => {
  const partly = (support: GivenFinding["support"], content: SameContent = null) =>
    facts([found("derived", { component: "text", ...(support === undefined ? {} : { support }) })], { content }).partly;

  test("is told in layers where some do not, and in matrices where all do", () => {
    expect(partly({ whole: false, agreeing: 3, tested: 4 })).toMatchObject({ agreeing: 3, tested: 4, of: "layers" });
    const given = { whole: false, agreeing: 4, tested: 4, agreeingMatrices: 9, matrices: 16 };
    expect(partly(given)).toEqual({ agreeing: 9, tested: 16, of: "matrices" });
  });

  test("is not told where it is nearly all, or was not asked, or all is equal", () => {
    expect(partly({ whole: true, agreeing: 3 })).toBeNull();
    expect(partly(null)).toBeNull();
    expect(partly({ whole: false, agreeing: 3 }, { kind: "identical", everywhere: true })).toBeNull();
    expect(facts([found("no-evidence", { support: { whole: false, agreeing: 1 } })]).partly).toBeNull();
  });
});

describe("a share of a training", () => {
  const shares = (there: number, back: Parameters<typeof learnedOf>, content: SameContent = null) => {
    const learned = { baseInSuspect: learnedOf(there), suspectInBase: learnedOf(...back) };
    const said = facts([found("derived", { component: "text", verdict: { learned } })], { content });
    return [said.share, said.back.share];
  };

  test("is told where it is less than nearly all, either way round", () => {
    expect(shares(0.79, [0.8])).toEqual([0.79, null]);
    expect(shares(0.8, [0.79])).toEqual([null, 0.79]);
  });

  test("is not told where all is equal, where no training shows, or where nothing was found", () => {
    expect(shares(0.5, [0.5], { kind: "identical", everywhere: true })).toEqual([null, null]);
    expect(shares(0.5, [0.5, 1, { directions: 1 }])).toEqual([0.5, null]);
    const learned = { baseInSuspect: learnedOf(0.5), suspectInBase: learnedOf(0.5) };
    const silent = facts([found("no-evidence", { verdict: { learned } })]);
    expect([silent.share, silent.back.share]).toEqual([null, null]);
    expect(facts([text]).share).toBeNull();
  });
});

describe("equal tensors are what is known", () => {
  const counts = (findings: readonly ComponentFinding[], frozen: number, verdict: Verdict = "derived") =>
    facts(findings, { frozen, verdict }).equal;
  const some = { equal: 3, compared: 20 };

  test("where the decisive finding rests on equality, without a trace of training", () => {
    expect(counts([text], 3)).toBeNull();
    expect(counts([found("shared-init", { component: "text" })], 3)).toBeNull();
    expect(counts([found("derived", { component: "text", pairing: { isEqual: true } })], 3)).toEqual(some);
    expect(counts([found("identical", { component: "text", sharesTraining: false })], 3)).toEqual(some);
    expect(counts([found("identical", { component: "text", sharesTraining: true })], 3)).toBeNull();
    expect(counts([found("derived", { component: "text", pairing: { isEqual: true } })], 0)).toBeNull();
  });

  test("where nothing was found, or more is equal than the tables", () => {
    expect(counts([found("no-evidence", { component: "text" })], 3, "no-evidence")).toEqual(some);
    const pairs = findingOf(suspect, base, "derived", { component: "text" }).pairing.pairs.slice(0, 2);
    const table = found("identical", { component: EMBEDDINGS, sharesTraining: false, pairing: { pairs } });
    expect(counts([table], 3, "shared-init")).toEqual(some);
    expect(counts([table], 2, "shared-init")).toBeNull();
    expect(counts([table, found("no-evidence", { component: "text" })], 3, "shared-init")).toEqual(some);
  });
});
