import type { CompareResult, Verdict } from "../index.ts";
import { FAIL_ON, type FailOn } from "./options.ts";

/** What a result may fail on: a calibrated verdict has no p-value and is no proof, unless it is accepted as one. */
export function provenVerdict(
  { verdict, deep }: Pick<CompareResult, "verdict" | "deep">,
  acceptCalibrated: boolean | undefined,
): Verdict {
  return deep?.basis === "calibrated" && acceptCalibrated !== true ? "no-evidence" : verdict;
}

/** 1 when the verdict is `failOn` or a stronger claim. */
export function exitCodeFor(verdict: Verdict, failOn: FailOn | undefined): number {
  if (failOn === undefined) return 0;
  const rank = (FAIL_ON as readonly Verdict[]).indexOf(verdict);
  return rank >= 0 && rank <= FAIL_ON.indexOf(failOn) ? 1 : 0;
}
