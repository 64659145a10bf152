import type { Verdict } from "../index.ts";
import { FAIL_ON, type FailOn } from "./options.ts";

/** 1 when the verdict is `failOn` or a stronger claim. */
export function exitCodeFor(verdict: Verdict, failOn: FailOn | undefined): number {
  if (failOn === undefined) return 0;
  const rank = (FAIL_ON as readonly Verdict[]).indexOf(verdict);
  return rank >= 0 && rank <= FAIL_ON.indexOf(failOn) ? 1 : 0;
}
