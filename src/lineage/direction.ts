import type { ComponentFinding } from "./component-verdict.ts";
import { isRelated } from "./judge-all.ts";
import type { Direction, Verdict } from "./result.ts";
import type { SameContent } from "./same-content.ts";
import { stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";

/** Stacks that hold at least this share of a model's matrices are what a model is; heads and projectors come and go. */
const MAIN_SHARE = 0.2;

/**
 * A parent is named only where one side is registered as trained from scratch and all of it that is its own is found in the
 * other: a part that both may have from a third says nothing of who had what from whom. And not where its values are the
 * other's rounded: whoever holds the digits that rounding drops had them first.
 */
export function directionOf(
  verdict: Verdict,
  content: SameContent,
  findings: readonly ComponentFinding[],
  suspect: Subject,
  base: Subject,
): Direction {
  if (verdict !== "derived" && verdict !== "recast" && verdict !== "identical") return "not-established";
  const rounded = content?.kind === "recast" ? content.narrower : null;
  const isParent = (one: Subject, other: Subject, side: "suspect" | "base"): boolean => {
    if (!one.root || other.root || rounded === side) return false;
    return content !== null || isWhollyThere(one, findings, side);
  };
  if (isParent(base, suspect, "base")) return "suspect-from-base";
  return isParent(suspect, base, "suspect") ? "base-from-suspect" : "not-established";
}

function isWhollyThere({ fingerprint, parts }: Subject, findings: readonly ComponentFinding[], side: "suspect" | "base"): boolean {
  const stacks = stacksOf(fingerprint);
  const total = stacks.reduce((sum, { parameters }) => sum + parameters, 0);
  const foreign = new Set(parts?.map(({ component }) => component));
  const own = stacks.filter(({ name, parameters }) => parameters >= MAIN_SHARE * total && !foreign.has(name));
  const found = new Set(
    findings
      .filter((f) => isRelated(f) && f.sharesTraining)
      .map(({ pairing }) => (side === "base" ? pairing.component : pairing.suspectComponent)),
  );
  return own.length > 0 && own.every(({ name }) => found.has(name));
}
