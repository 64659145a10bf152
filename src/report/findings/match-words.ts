import { formatP } from "../numbers.ts";
import { relationText } from "../scan/finding.ts";
import type { BaseMatch } from "./model-finding.ts";

/** Of what has no p-value: it must not be read as if it had one. */
export const notProven = "no p-value exists: calibrated on other models, no proof";

/** How a model stands to a base, and what that rests on. */
export function matchText(match: BaseMatch): string {
  return `${relationText(match)} (${groundText(match)})`;
}

export function groundText({ basis, log10P, verdict }: BaseMatch): string {
  if (basis === "calibrated") return notProven;
  const isByValues = verdict === "identical" || verdict === "recast";
  return log10P === null && isByValues ? "values compared" : formatP(log10P);
}

/** A verdict such that nobody who looks for its word alone takes one without a p-value for another. */
export function verdictText({ verdict, basis }: Pick<BaseMatch, "verdict" | "basis">): string {
  return basis === "calibrated" ? `${verdict} (calibrated, no proof)` : verdict;
}
