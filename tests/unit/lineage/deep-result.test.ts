import { describe, expect, test } from "vitest";
import type { DeepFinding } from "../../../src/lineage/deep-finding.ts";
import { withDeep } from "../../../src/lineage/deep-result.ts";
import type { CompareResult, LearnedRetention, TestResult } from "../../../src/lineage/result.ts";

const NAMES = { suspect: "one", base: "other" };

const PLAIN: CompareResult = {
  verdict: "not-testable",
  summary: "plain words.",
  claim: "plain words",
  direction: "not-established",
  relations: [],
  parents: [],
  log10P: null,
  threshold: -9,
  log10Tried: 0.5,
  components: [],
  tests: [],
  layers: [],
  difference: { scale: null, reverseScale: null, drift: null, frozenTensors: 0, comparedTensors: 0 },
  caveats: ["a caveat of its own", "silent against what plain tests are silent against"],
};

const tested = (axis: TestResult["axis"]): TestResult => ({
  name: "T2",
  component: "all",
  axis,
  seenFrom: "tokens",
  z: null,
  log10P: -20,
  exact: true,
  n: 100,
  m: 100,
  assumptions: [],
});

const side = (share: number): LearnedRetention => ({
  share,
  error: 0,
  bulk: 1,
  spread: 0,
  directions: 10,
  slices: 8,
});

const FOUND: DeepFinding = {
  verdict: "derived",
  basis: "exact",
  log10P: -18,
  log10Tried: 1.5,
  tests: [tested("neurons")],
  moved: ["residual-rotated", "vocabulary"],
  strength: { gate: 0.834, through: 0.8, tokens: 0.9 },
  retention: { forward: side(0.9), backward: side(0.8), outstanding: null },
};

const said = (finding: Partial<DeepFinding>, exchanged = false) =>
  withDeep(PLAIN, { ...FOUND, ...finding }, NAMES, exchanged);

describe("what a comparison says once deep tests have spoken", () => {
  test("derived, exactly: what was moved, how alike, and what is not shown", () => {
    const { verdict, summary, relations, log10P, log10Tried, deep, tests, caveats } = said({});
    expect({ verdict, log10P, log10Tried, relations }).toEqual({
      verdict: "derived",
      log10P: -18,
      log10Tried: 1.5,
      relations: ["obfuscated"],
    });
    expect(summary).toBe(
      "one shares trained weights with other, direction not established; the residual stream was rotated, tokens were renumbered.",
    );
    expect(tests).toHaveLength(1);
    expect(deep).toMatchObject({ basis: "exact", moved: FOUND.moved, strength: FOUND.strength });
    expect(caveats).toEqual([
      "after alignment, matched neurons correlate at 0.83",
      "which of the two came first is not shown",
      "a model that somebody permuted to match another one has its labels without being made of it",
      "a caveat of its own",
    ]);
  });

  test("retention stands for the base and for the suspect, whichever was asked first", () => {
    const shares = (exchanged: boolean) => {
      const { baseInSuspect, suspectInBase } = said({}, exchanged).deep!.learned!;
      return [baseInSuspect.share, suspectInBase.share];
    };
    expect([shares(false), shares(true)]).toEqual([
      [0.8, 0.9],
      [0.9, 0.8],
    ]);
    expect(said({ retention: null }).deep!.learned).toBeNull();
  });

  test("derived by strength alone is called no proof, and has no p", () => {
    const { log10P, summary, caveats } = said({ basis: "calibrated", log10P: null, moved: [] });
    expect(log10P).toBeNull();
    expect(summary).toContain("no label that could be tested shows it");
    expect(summary.endsWith("shows it.")).toBe(true);
    expect(caveats[0]).toContain("is no proof");
  });

  test("a common start says nothing of training, nor of who came first", () => {
    const { verdict, summary, relations, caveats } = said({ verdict: "shared-init", moved: [], strength: null });
    expect({ verdict, relations }).toEqual({ verdict: "shared-init", relations: [] });
    expect(summary).toContain("that trained weights are shared is not shown");
    expect(caveats).toEqual([
      "a model that somebody permuted to match another one has its labels without being made of it",
      "a caveat of its own",
    ]);
  });

  test("no evidence, once layers were tested: the plain verdict gives way, and so does what it says of silence", () => {
    const { verdict, summary, log10P, log10Tried, caveats } = said({
      verdict: "no-evidence",
      basis: null,
      log10P: -0.5,
    });
    expect({ verdict, log10P, log10Tried }).toEqual({ verdict: "no-evidence", log10P: -0.5, log10Tried: 1.5 });
    expect(summary).toContain("No evidence that one and other share weights");
    expect(caveats).toEqual(["a caveat of its own", expect.stringContaining("every label was moved")]);
  });

  test("the silence of tables is no test of a model", () => {
    const { verdict, summary, log10Tried, caveats, tests, deep } = said({
      verdict: "no-evidence",
      basis: null,
      tests: [tested("tokens"), tested("residual")],
    });
    expect({ verdict, summary, log10Tried }).toEqual({
      verdict: "not-testable",
      summary: "plain words.",
      log10Tried: 0.5,
    });
    expect(caveats).toEqual(PLAIN.caveats);
    expect(tests).toHaveLength(2);
    expect(deep!.basis).toBeNull();
  });
});
