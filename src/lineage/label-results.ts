import type { LabelTests } from "../deep/label-tests.ts";
import type { TestResult } from "./result.ts";

/** Tests of labels that were seen from elsewhere, as a result tells them. */
export function labelResults(
  found: LabelTests | null,
  axis: TestResult["axis"],
  seenFrom: NonNullable<TestResult["seenFrom"]>,
  assumption: string,
): readonly TestResult[] {
  if (found === null) return [];
  const { labels, pairs, r, swapZ, swapLog10P, matched, fixed, fixedLog10P } = found;
  const shared = { component: "", axis, seenFrom, exact: true, n: labels, r, assumptions: [assumption] };
  return [
    { ...shared, name: "T1-swap", z: swapZ, log10P: swapLog10P, m: pairs },
    { ...shared, name: "T2", z: null, log10P: fixedLog10P, m: matched, fixedPoints: fixed },
  ];
}
