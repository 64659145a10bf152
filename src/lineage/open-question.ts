import type { CompareResult } from "./result.ts";

/**
 * Whether the plain tests left open what two models have in common: they are silent, or found a common start of which no slices
 * could be laid over each other to ask for training, as of a stream that was cut.
 */
export function isOpen({ verdict, components }: Pick<CompareResult, "verdict" | "components">): boolean {
  if (verdict === "no-evidence" || verdict === "not-testable") return true;
  return verdict === "shared-init" && components.every(({ learned }) => learned === null);
}
