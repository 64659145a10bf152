import type { ComponentFinding } from "./component-verdict.ts";
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
