import { countFindings, type ScanPolicy } from "../../report/scan/policy.ts";
import type { ScanSummary } from "../../scan/index.ts";
import { EXIT_CODES } from "../exit-codes.ts";

/**
 * The exit code of a scan, the worst of what happened: 5 (incomplete, worth another try) over 70 (a bug, kept to its model)
 * over 3 (a model was malformed or refused) over 1 (findings). 4 when no model was there that could be read.
 */
export function scanExitCode(summary: ScanSummary, policies: readonly ScanPolicy[]): number {
  if (!summary.complete) return EXIT_CODES.passing;
  if (summary.reasons.some(({ code }) => code === "INTERNAL")) return EXIT_CODES.bug;
  if (summary.failed > 0) return EXIT_CODES.refused;
  if (summary.listed === summary.skipped) return EXIT_CODES.nothing;
  return policies.some((policy) => countFindings(summary, policy) > 0) ? 1 : 0;
}
