import { expect, test } from "vitest";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { stackFindings } from "../../../src/lineage/stack-findings.ts";
import { matrixPairs } from "../../support/sketches.ts";

function ofStack(component: string, pairs: readonly MatrixPair[]): MatrixPair[] {
  return pairs.map(({ suspect, base }) => ({ suspect: { ...suspect, component }, base: { ...base, component } }));
}

/** What content found of a trunk and of what lies beside it. */
function found(trunk: readonly MatrixPair[], branch: readonly MatrixPair[]): ComponentFinding {
  const pairs = [...ofStack("trunk", trunk), ...ofStack("branch", branch)];
  return {
    verdict: {
      component: "matrices",
      suspectComponent: "matrices",
      verdict: "shared-init",
      log10P: -84,
      r: 0.4,
      retention: null,
      learned: null,
      reason: null,
    },
    pairing: { component: "matrices", suspectComponent: "matrices", pairs, layers: [], log10Tried: 0, isChosen: true },
    tested: { tests: [], log10P: -84, reach: -200, r: 0.4 },
    slices: [],
    sharesTraining: false,
    isSimple: false,
    isMinor: false,
    stacks: 1,
    support: null,
  };
}

const copies = (seed: number, count: number): MatrixPair[] => matrixPairs(seed, count, count, {}, 0.1, 64);
const strangers = (seed: number, count: number): MatrixPair[] => matrixPairs(seed, count, 0, {}, 0.1, 64);

test("what content paired beside the largest stack is told where its own rows agree, without a p of its own", () => {
  const [trunk, branch] = stackFindings(found(copies(1, 6), copies(50, 3)));
  expect(trunk!.verdict).toMatchObject({ component: "trunk", verdict: "shared-init", log10P: -84 });
  expect(branch!.verdict).toMatchObject({ component: "branch", verdict: "shared-init", log10P: null, r: null });
  expect(branch!.verdict.reason).toBe("paired by content together with trunk");
});

test("a stranger's own branch beside a common trunk is not told as shared", () => {
  const findings = stackFindings(found(copies(1, 6), strangers(50, 3)));
  expect(findings.map(({ verdict }) => [verdict.component, verdict.verdict, verdict.log10P])).toEqual([
    ["trunk", "shared-init", -84],
    ["branch", "not-testable", null],
  ]);
  expect(findings[1]!.verdict.reason).toContain("its rows do not agree one by one");
});

test("nor is a small part, whose rows may be what writes into the stream of the trunk", () => {
  const [, branch] = stackFindings(found(copies(1, 9), copies(50, 1)));
  expect(branch!.verdict).toMatchObject({ verdict: "not-testable", log10P: null });
  expect(branch!.verdict.reason).toContain("too small a part");
});

test("of a part beside the largest it is not said that training is shared, unless it is equal bit for bit", () => {
  const pool = found(copies(1, 6), copies(50, 3));
  const retention = 0.97;
  const derived = {
    ...pool,
    sharesTraining: true,
    verdict: { ...pool.verdict, verdict: "derived" as const, retention },
  };
  const [trunk, branch] = stackFindings(derived);
  expect(trunk!.verdict).toMatchObject({ verdict: "derived", retention });
  expect(branch!.verdict).toMatchObject({ verdict: "shared-init", retention: null, learned: null });
  expect(branch!.sharesTraining).toBe(false);
  const [, equal] = stackFindings({ ...derived, pairing: { ...derived.pairing, isEqual: true } });
  expect(equal!.verdict.verdict).toBe("derived");
  const [, small] = stackFindings({
    ...found(copies(1, 9), copies(50, 1)),
    pairing: { ...found(copies(1, 9), copies(50, 1)).pairing, isEqual: true },
  });
  expect(small!.verdict.reason).toContain("equal bit for bit, and too small a part");
});

test("a finding that content did not choose, or that tells nothing, stays as it is", () => {
  const finding = found(copies(1, 6), copies(50, 3));
  const { pairing, verdict } = finding;
  for (const isChosen of [false, undefined]) {
    const named = { ...finding, pairing: { ...pairing, isChosen } as ComponentFinding["pairing"] };
    expect(stackFindings(named)).toEqual([named]);
  }
  for (const word of ["no-evidence", "not-testable"] as const) {
    const silent = { ...finding, verdict: { ...verdict, verdict: word } };
    expect(stackFindings(silent)).toEqual([silent]);
  }
  const empty = { ...finding, pairing: { ...pairing, pairs: [] } };
  expect(stackFindings(empty)).toEqual([empty]);
});

test("tests, slices and layers are told once, of the largest stack", () => {
  const finding = found(copies(1, 6), copies(50, 3));
  const tests = [{ component: "matrices" }] as unknown as ComponentFinding["tested"]["tests"];
  const slices = [{}] as unknown as ComponentFinding["slices"];
  const [trunk, branch] = stackFindings({
    ...finding,
    tested: { ...finding.tested, tests },
    slices,
    sharesTraining: true,
  });
  expect(trunk).toMatchObject({
    pairing: { component: "trunk", suspectComponent: "trunk" },
    tested: { tests: [{ component: "trunk" }], log10P: -84 },
    sharesTraining: true,
    stacks: 2,
  });
  expect([trunk!.pairing.pairs.length, trunk!.slices.length]).toEqual([9, 1]);
  expect(branch).toMatchObject({
    pairing: { component: "branch", suspectComponent: "branch" },
    tested: { tests: [], log10P: -84 },
    slices: [],
    sharesTraining: false,
    stacks: 2,
  });
  expect(branch!.pairing.pairs).toEqual(finding.pairing.pairs.slice(6));
});

test("stacks that are equal bit for bit say what was found of all, unless they are small", () => {
  const equal = (branch: number): ComponentFinding[] => {
    const { pairing, verdict, ...rest } = found(copies(1, 9), matrixPairs(50, branch, branch, {}, 0, 64));
    const chosen = { ...pairing, isEqual: true as const };
    return stackFindings({
      ...rest,
      sharesTraining: true,
      verdict: { ...verdict, verdict: "derived" },
      pairing: chosen,
    });
  };
  const [, large] = equal(4);
  expect(large).toMatchObject({ verdict: { component: "branch", verdict: "derived" }, sharesTraining: true });
  const [, small] = equal(1);
  expect(small!.verdict).toMatchObject({ component: "branch", verdict: "not-testable" });
  expect(small!.verdict.reason).toContain("equal bit for bit, and too small a part");
});

test("half of the rows of a large stack are enough, and fewer are not", () => {
  const verdictOf = (related: number) =>
    stackFindings(found(copies(1, 6), matrixPairs(50, 4, related, {}, 0.1, 64)))[1]!.verdict.verdict;
  expect([verdictOf(2), verdictOf(1)]).toEqual(["shared-init", "not-testable"]);
});
