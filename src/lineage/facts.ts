import { isCovered } from "./covered.ts";
import type { ComponentFinding } from "./finding.ts";
import { showsTraining } from "./learned-retention.ts";
import { decisiveFinding, isRelated } from "./related.ts";
import { type Difference, EMBEDDINGS, type Verdict } from "./result.ts";
import type { SameContent } from "./same-content.ts";
import type { Subject } from "./subject.ts";
import type { Facts } from "./wording.ts";

/** The two models of a pair. */
export interface Sides {
  readonly suspect: Subject;
  readonly base: Subject;
}

/** In how many layers, or where all of those agree in how many matrices; null where it is nearly all. */
function partOf(support: ComponentFinding["support"]): Facts["partly"] {
  if (support === null || support.whole) return null;
  if (support.agreeing < support.tested) return support;
  return { agreeing: support.agreeingMatrices, tested: support.matrices, of: "matrices" };
}

/** Share of the base's training that tuning leaves: with less a reader is told how much. */
const NEARLY_ALL = 0.8;

/** Whether a part is what the decisive one is: a common start is no shared training. */
function isAsRelated(part: ComponentFinding, decisive: ComponentFinding): boolean {
  return isRelated(part) && (part.sharesTraining || !decisive.sharesTraining);
}

/** What the sentence of a verdict must say, and no more than that. */
export function factsOf(
  verdict: Verdict,
  content: SameContent,
  sides: Sides,
  findings: readonly ComponentFinding[],
  { frozenTensors, comparedTensors }: Difference,
): Facts {
  const everywhere = content?.kind === "identical" && content.everywhere;
  const bodies = findings.filter((f) => f.pairing.component !== EMBEDDINGS);
  const decisive = decisiveFinding(bodies);
  const speaks = decisive !== null && isRelated(decisive);
  const tableOnly = verdict === "shared-init" && !speaks;
  const isPartial = (side: keyof Sides): boolean =>
    speaks && (bodies.some((f) => !isAsRelated(f, decisive)) || !isCovered(sides[side].fingerprint, findings, side));
  const tables = findings.filter((f) => f.pairing.component === EMBEDDINGS).flatMap((f) => f.pairing.pairs);
  const equal = { equal: frozenTensors, compared: comparedTensors };
  const byEquality = speaks
    ? decisive.pairing.isEqual === true || (decisive.verdict.verdict === "identical" && !decisive.sharesTraining)
    : !tableOnly || frozenTensors > tables.length;
  const retained = speaks ? decisive.verdict.retention : null;
  const learned = speaks ? decisive.verdict.learned : null;
  const given = learned !== null && showsTraining(learned.suspectInBase) ? learned.suspectInBase.share : null;
  const isSome = (share: number | null): share is number => content === null && share !== null && share < NEARLY_ALL;
  const isOne = content === null && decisive !== null && decisive.stacks === 1;
  return {
    part: isOne && isPartial("suspect") ? decisive.verdict.suspectComponent : null,
    everywhere,
    image: content?.kind === "recast" ? (content.image ?? null) : null,
    tableOnly,
    partly: content === null && speaks ? partOf(decisive.support) : null,
    share: isSome(retained) ? retained : null,
    back: {
      part: isOne && isPartial("base") ? decisive.verdict.component : null,
      share: isSome(given) ? given : null,
    },
    equal: byEquality && frozenTensors > 0 ? equal : null,
  };
}
