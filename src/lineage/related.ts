import type { ComponentFinding } from "./finding.ts";
import { EMBEDDINGS, type Verdict } from "./result.ts";

/**
 * Whether something that is shared was found in the body of the model. Equal matrices without a trace of training (a
 * Fourier basis, say, which is the same wherever it is used) say so only where they are the body.
 */
export function isRelated({ pairing, verdict, sharesTraining, isMinor }: ComponentFinding): boolean {
  if (pairing.component === EMBEDDINGS || !isRelatedVerdict(verdict.verdict)) return false;
  return sharesTraining || !isMinor || !(pairing.isEqual === true || isEqualVerdict(verdict.verdict));
}

/** Whether values are the same, up to rounding. */
export function isEqualVerdict(verdict: Verdict): boolean {
  return verdict === "identical" || verdict === "recast";
}

export function isRelatedVerdict(verdict: Verdict): boolean {
  return verdict !== "no-evidence" && verdict !== "not-testable";
}

/** Whether a table is the same, no matter who had it first. */
export function isSameTable({ pairing, verdict: { verdict } }: ComponentFinding): boolean {
  return pairing.component === EMBEDDINGS && (verdict === "identical" || verdict === "recast");
}

/** The finding that the verdict rests on: shared training first, then anything shared, the smaller p among equals. */
export function decisiveFinding(findings: readonly ComponentFinding[]): ComponentFinding | null {
  const rank = (f: ComponentFinding): number => (isRelated(f) ? (f.sharesTraining ? 2 : 1) : isSameTable(f) ? 0 : -1);
  const related = findings.filter((f) => rank(f) >= 0);
  const p = (f: ComponentFinding): number => f.verdict.log10P ?? 1;
  return related.reduce<ComponentFinding | null>(
    (a, b) => (a === null || rank(b) > rank(a) || (rank(b) === rank(a) && p(b) < p(a)) ? b : a),
    null,
  );
}
