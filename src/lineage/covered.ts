import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { ComponentFinding } from "./finding.ts";
import { isRelated } from "./related.ts";
import { isMain, stacksOf } from "./stack.ts";

/** Whether each main stack of one of the two models was found to be related to something of the other. */
export function isCovered(
  fingerprint: Fingerprint,
  findings: readonly ComponentFinding[],
  side: "suspect" | "base",
): boolean {
  const stacks = stacksOf(fingerprint);
  const names = new Set(
    findings.filter(isRelated).map(({ pairing }) => (side === "base" ? pairing.component : pairing.suspectComponent)),
  );
  return stacks.every((stack) => !isMain(stack, stacks) || names.has(stack.name));
}
