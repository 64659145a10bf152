import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { ComponentFinding } from "./finding.ts";
import { laidOver, NEARLY_ALL, type Side } from "./laid-over.ts";
import { showsTraining } from "./learned-retention.ts";
import { isRelated } from "./related.ts";
import { type ComponentVerdict, type Direction, EMBEDDINGS, type Verdict } from "./result.ts";
import type { SameContent } from "./same-content.ts";
import { isMain, type Stack, stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";

/**
 * A parent is named only where one side is registered as trained from scratch and all of it that is its own is found in the
 * other: a part that both may have from a third says nothing of who had what from whom. And not where its values are the
 * other's rounded: anyone who holds the digits that rounding drops had them first.
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
    return content !== null || isWhollyThere(one, other, findings, side);
  };
  if (isParent(base, suspect, "base")) return "suspect-from-base";
  return isParent(suspect, base, "suspect") ? "base-from-suspect" : "not-established";
}

/** Of a parent's training the child has half at least: what has a tenth derives from nine others as well. */
const PARENT_SHARE = 0.5;
/**
 * A child has nearly all of its parent's training and start; or it went on by itself; or it is a merge. An earlier checkpoint
 * has some less of what the parent learned, and the parent nearly all of what that did: language models half-way had L .76 to
 * .94 and b .71 to 1.08, and back L .45 to 1.05, by how weights decayed since.
 */
const ALL = 0.96;
const NEARLY_ALL_LEARNED = 0.93;
const LESS_AT_MOST = 0.06;
/** More of a start than there is has decayed away on the other side since. */
const MOST_OF_START = 1.04;
/**
 * Decay takes as much of a training as of a start. What went on by itself has as much of its parent's training as of its
 * start, and its parent clearly less of its own; half-way checkpoints had .95 and more of that, whatever the decay.
 */
const PART = 0.85;
const AS_OF_START = 0.97;
const LESS_THAN_START = 0.9;
/** A merge has as much of both, and is smaller than what it is of, so that its parent has more of it than there is. */
const STRANGERS = 2;
const MERGE_ERROR = 0.03;
/** A merge that is half of its parent or more is found in that with all of its start; noise and zeros take from it. */
const WHOLE_START = 0.98;

/** Whether what both sides hold of each other's training is what a child, and a parent on that side, do. */
export function isParentsShare(learned: ComponentVerdict["learned"], side: Side): boolean {
  if (learned === null) return false;
  const [parents, childs] =
    side === "base" ? BOTH.map((of) => learned[of]) : BOTH.toReversed().map((of) => learned[of]);
  const { share, bulk } = parents!;
  if (share < PARENT_SHARE) return false;
  const back = childs!;
  const hasAll = share >= ALL || (share >= NEARLY_ALL_LEARNED && bulk >= ALL && bulk <= MOST_OF_START);
  if (hasAll && share >= back.share - LESS_AT_MOST) return true;
  if (share < AS_OF_START * bulk) return false;
  if (share >= PART && back.share <= LESS_THAN_START * back.bulk) return true;
  return back.bulk >= WHOLE_START && (share < PART || back.share >= shareOfMerge(share) - MERGE_ERROR);
}

/** How much of a merge its parent has, where the rest is of a stranger up to 1.4 times as large (the root of STRANGERS). */
function shareOfMerge(share: number): number {
  return share / (share ** 2 + STRANGERS * (1 - share) ** 2);
}

const BOTH = ["baseInSuspect", "suspectInBase"] as const;

/** Share of a stack's matrices that content finds where all are there: noise and odd shapes keep it from some. */
const MOST_CHOSEN = 0.6;

/**
 * Nearly all layers of all main stacks that are a parent's own share their training, or all that the other one has is of
 * them; and no stack of the parent's own, however small, was found to be another.
 */
function isWhollyThere(parent: Subject, child: Subject, findings: readonly ComponentFinding[], side: Side): boolean {
  const shared = findings.filter(
    (f) =>
      isRelated(f) &&
      f.sharesTraining &&
      !f.isSimple &&
      (f.support === null || f.support.whole) &&
      isParentsShare(f.verdict.learned, side),
  );
  const names = new Set(shared.map((f) => nameOf(f, side)));
  const foreign = new Set(parent.parts?.map(({ component }) => component));
  const isSilent = (f: ComponentFinding): boolean =>
    isOfAnother(f, side) && f.pairing.component !== EMBEDDINGS && !foreign.has(nameOf(f, side));
  if (findings.some((f) => isSilent(f) && !names.has(nameOf(f, side)))) return false;
  const own = stacksOf(parent.fingerprint).filter(({ name }) => !foreign.has(name));
  if (!own.every((stack) => !isMain(stack, own) || names.has(stack.name))) return false;
  // Fewer layers of every stack are a pruned model; a stack less may be where the others were taken from.
  const other = side === "base" ? "suspect" : "base";
  const [ofParent, ofChild] = [stacksOf(parent.fingerprint), stacksOf(child.fingerprint)];
  const isThere = (counted?: (share: number) => number) => isFound(parent, ofChild, shared, side, counted);
  return isThere() || (isFound(child, ofParent, shared, other) && isThere(Math.ceil));
}

/** Whether a part was found to be another model's, or of another training than the parent's, which shows in it. */
function isOfAnother({ verdict: { verdict, learned }, sharesTraining }: ComponentFinding, side: Side): boolean {
  if (verdict !== "shared-init") return verdict === "no-evidence";
  const parents = side === "base" ? learned?.baseInSuspect : learned?.suspectInBase;
  return !sharesTraining && parents !== undefined && showsTraining(parents);
}

function nameOf({ pairing }: ComponentFinding, side: Side): string {
  return side === "base" ? pairing.component : pairing.suspectComponent;
}

/** Whether nearly all that a model has of its own lies in stacks that agree, as far as their layers do (or `counted`). */
function isFound(
  { fingerprint, parts }: Subject,
  across: readonly Stack[],
  shared: readonly ComponentFinding[],
  side: Side,
  counted: (share: number) => number = (share) => share,
): boolean {
  const foreign = new Set(parts?.map(({ component }) => component));
  const own = stacksOf(fingerprint).filter(({ name }) => !foreign.has(name));
  const total = own.reduce((sum, { parameters }) => sum + parameters, 0);
  const found = own.reduce(
    (sum, stack) => sum + stack.parameters * counted(shareFound(stack, across, shared, side)),
    0,
  );
  return total > 0 && found >= NEARLY_ALL * total;
}

/** @param across stacks of the other model */
function shareFound(stack: Stack, across: readonly Stack[], shared: readonly ComponentFinding[], side: Side): number {
  const back = side === "base" ? "suspect" : "base";
  const byLayer = new Map<number, number>();
  const chosen = new Set<MatrixSketch>();
  let areEqual = true;
  for (const finding of shared) {
    const { pairing, support } = finding;
    if (pairing.isChosen === true && pairing.isEqual !== true) areEqual = false;
    const mine = (support?.pairs ?? pairing.pairs).map((pair) => pair[side]).filter((s) => s.component === stack.name);
    if (pairing.isChosen === true) {
      for (const sketch of mine) chosen.add(sketch);
      continue;
    }
    const other = across.find(({ name }) => name === nameOf(finding, back));
    if (nameOf(finding, side) !== stack.name || other === undefined) continue;
    const agreeing = new Set(mine.map(({ layer }) => Math.max(-1, layer)));
    for (const [layer, size] of laidOver(pairing, side, stack, other)) {
      if (agreeing.has(layer)) byLayer.set(layer, Math.max(byLayer.get(layer) ?? 0, size));
    }
  }
  const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, size) => sum + size, 0) / stack.parameters;
  const ofLayers = total(byLayer.values());
  const ofMatrices = total([...chosen].map(({ rows, cols }) => rows * cols));
  return Math.min(1, Math.max(ofLayers, !areEqual && ofMatrices >= MOST_CHOSEN ? 1 : ofMatrices));
}
