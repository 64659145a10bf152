import { VERDICT_ORDER, type Verdict } from "../../lineage/result.ts";
import type { ScanSummary } from "../../scan/summary.ts";

/** What counts as a finding of a scan: a verdict or a stronger one, or the mark of one of the keys. */
export type ScanPolicy = Verdict | "mark";

/** Items that a policy asks for. */
export function countFindings(summary: ScanSummary, policy: ScanPolicy): number {
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
