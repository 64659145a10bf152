import type { ComponentFinding } from "./component-verdict.ts";
import { isRelated } from "./judge-all.ts";
import { type Direction, EMBEDDINGS, type Verdict } from "./result.ts";
import type { SameContent } from "./same-content.ts";
import { isMain, stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";

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

/** Nearly all layers of all main stacks that are its own share their training, and no stack of its own, however small, was found to be another. */
function isWhollyThere(
  { fingerprint, parts }: Subject,
  findings: readonly ComponentFinding[],
  side: "suspect" | "base",
): boolean {
  const stacks = stacksOf(fingerprint);
  const foreign = new Set(parts?.map(({ component }) => component));
  const nameOf = ({ pairing }: ComponentFinding): string =>
    side === "base" ? pairing.component : pairing.suspectComponent;
  const named = (of: (finding: ComponentFinding) => boolean): Set<string> => new Set(findings.filter(of).map(nameOf));
  const shared = named((f) => isRelated(f) && f.sharesTraining && (f.support === null || f.support.whole));
  const silent = named((f) => f.verdict.verdict === "no-evidence" && f.pairing.component !== EMBEDDINGS);
  const own = stacks.filter(({ name }) => !foreign.has(name));
  const main = own.filter((stack) => isMain(stack, stacks));
  return main.length > 0 && main.every(({ name }) => shared.has(name)) && !own.some(({ name }) => silent.has(name));
}
