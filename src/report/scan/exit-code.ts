import { ERRORS } from "../../errors.ts";
import { VERDICT_ORDER, type Verdict } from "../../lineage/result.ts";
import type { ScanSummary } from "../../scan/summary.ts";

/** What makes a scan exit with 1: a verdict or a stronger one, or the mark of one of the keys. */
export type ScanPolicy = Verdict | "mark";

/**
 * The exit code of a scan, the worst of what happened: 5 (incomplete, worth another try) over 70 (a bug, kept to its model)
 * over 3 (a model was malformed or refused) over 1 (findings). 4 when no model was there that could be read.
 */
export function scanExitCode(summary: ScanSummary, policies: readonly ScanPolicy[]): number {
  if (!summary.complete) return 5;
  if (summary.reasons.some(({ code }) => code === "INTERNAL")) return ERRORS.INTERNAL.exit;
  if (summary.failed > 0) return 3;
  if (summary.listed === summary.skipped) return 4;
  return policies.some((policy) => countFindings(summary, policy) > 0) ? 1 : 0;
}

/** From the best to the worst. */
const ORDER: readonly number[] = [0, 1, 4, 2, 3, ERRORS.INTERNAL.exit, 5];

/** The worse of two exit codes of one command. */
export function worseExitCode(a: number, b: number): number {
  return ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b;
}

function countFindings(summary: ScanSummary, policy: ScanPolicy): number {
  if (policy === "mark") return summary.marked;
  const atLeast = VERDICT_ORDER.slice(0, VERDICT_ORDER.indexOf(policy) + 1);
  return atLeast.reduce((sum, verdict) => sum + summary.verdicts[verdict], 0);
}

/** Whether one item is what a policy asks for. */
export function meetsPolicy(
  item: { readonly verdict: Verdict | null; readonly marks: readonly { readonly present: boolean }[] },
  policies: readonly ScanPolicy[],
): boolean {
  return policies.some((policy) => {
    if (policy === "mark") return item.marks.some(({ present }) => present);
    return item.verdict !== null && VERDICT_ORDER.indexOf(item.verdict) <= VERDICT_ORDER.indexOf(policy);
  });
}
