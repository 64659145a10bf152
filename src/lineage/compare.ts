import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { holdsIndices } from "../formats/dtype-kind.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import { adapterFinding } from "./adapter-finding.ts";
import { withAdapter } from "./adapter-result.ts";
import { withStarts } from "./adapter-starts.ts";
import { caveatsOf } from "./caveats.ts";
import { deepFinding } from "./deep-finding.ts";
import { withDeep } from "./deep-result.ts";
import { directionOf } from "./direction.ts";
import { evidenceOf } from "./evidence-sources.ts";
import { factsOf, type Sides } from "./facts.ts";
import type { ComponentFinding } from "./finding.ts";
import { findImage } from "./image/image.ts";
import { isStronger, judgeAll } from "./judge-all.ts";
import { mirrored } from "./mirror.ts";
import { layerMap } from "./named-pairings.ts";
import { isOpen } from "./open-question.ts";
import { decisiveFinding, isRelated, isSameTable } from "./related.ts";
import { describeDifference, describeRelations, layerRelations } from "./relations.ts";
import {
  type CompareResult,
  type ComponentVerdict,
  type Difference,
  type Direction,
  EMBEDDINGS,
  LOG10_THRESHOLD,
  type Relation,
  type Verdict,
} from "./result.ts";
import { type SameContent, sameContent } from "./same-content.ts";
import { retentionShown } from "./settle.ts";
import { isMostlyStacked } from "./stacked-layers.ts";
import type { Subject } from "./subject.ts";
import { claimOf, summarise } from "./wording.ts";

export interface CompareOptions {
  /** Random relabelings for small z. @default true */
  readonly monteCarlo?: boolean;
  /** Bases this one was chosen from: p is corrected for all of them. @default 1 */
  readonly hypotheses?: number;
  /**
   * Where the plain tests are silent, asks whether labels were moved on purpose (neurons renumbered, the residual stream
   * rotated, permuted or cut), and of a LoRA adapter alone whether it was trained on top of the other model or a relative.
   * Needs the weights of both, or fingerprints with a deep part in their place. @default false
   */
  readonly deep?: boolean;
  /** Ends the comparison, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What the limit on bytes read left out. */
const NOT_ASKED =
  "whether one is the other one rounded was not asked: more bytes would have been read than the limit allows";

/**
 * Verdict on a pair, from weights alone. It is the same whichever of the two is called the base.
 *
 * 1. Same content? (digests of values, whatever container, names or element type; with both at hand, whether one is the other
 *    quantised)
 * 2. Lay the stacks of the suspect over those of the base, by role and layer, then by the best layer alignment, and where
 *    that stays silent by equal matrices and by content alone.
 * 3. Test each stack: T1 (permutation z), T1-swap (label pairs), T2 (fixed points); correct p for everything tried.
 * 4. Where independent initialisation is rejected, ask learned retention whether training is shared, or only the
 *    initialisation.
 */
export async function compareSubjects(
  suspect: Subject,
  base: Subject,
  options: CompareOptions = {},
): Promise<CompareResult> {
  const { monteCarlo = true, hypotheses = 1, signal } = options;
  const settings = { monteCarlo, hypotheses, signal };
  const exchanged = suspect.fingerprint.roots.stored > base.fingerprint.roots.stored;
  const [first, second] = exchanged ? [base, suspect] : [suspect, base];
  const judged = await judgeAll(first, second, settings);
  const findings = exchanged ? judged.findings.map((f) => withShare(mirrored(f))) : judged.findings;

  const same = sameContent(suspect.fingerprint, base.fingerprint);
  const told = overall(
    findings,
    [suspect, base].some((one) => isMostlyStacked(one.fingerprint)),
  );
  const asked = same === null ? await findImage(suspect, base, isShared(told), signal) : null;
  const image = asked === "unread" ? null : asked;
  const content: SameContent = image?.whole ? { kind: "recast", narrower: image.side, image } : same;
  const strongest = findings.reduce<ComponentFinding | null>((a, b) => (a === null || isStronger(b, a) ? b : a), null);
  const verdict = content?.kind ?? told;
  const direction = directionOf(verdict, content, findings, suspect, base);
  const difference = describeDifference(suspect, base, findings);
  const names = { suspect: suspect.name, base: base.name };
  const decisive = decisiveFinding(findings) ?? strongest;
  const log10P = decisive?.verdict.log10P ?? null;
  const parents =
    direction === "suspect-from-base" ? [names.base] : direction === "base-from-suspect" ? [names.suspect] : [];
  const facts = factsOf(verdict, content, { suspect, base }, findings, difference);
  const plain: CompareResult = {
    verdict,
    summary: summarise(verdict, direction, names, facts),
    claim: claimOf(verdict, direction, names.base, facts),
    direction,
    relations: relationsOf(verdict, direction, content, { suspect, base }, findings, difference),
    parents: parents.map((name) => ({ name, log10P })),
    log10P,
    threshold: LOG10_THRESHOLD,
    log10Tried: judged.log10Hypotheses + (decisive?.pairing.log10Tried ?? 0),
    components: findings.map((f) => (content === null ? f.verdict : sameContentVerdict(f.verdict, content.kind))),
    tests: findings.flatMap((f) => f.tested.tests),
    layers: findings.flatMap((f) => layerMap(f.pairing, suspect.fingerprint)),
    difference,
    // Of models that share nothing, how far their values lie apart says nothing either.
    ...(image !== null && isShared(verdict) ? { image } : {}),
    caveats: [
      ...caveatsOf(verdict, direction, suspect, base, content, findings, difference, judged.leftOut),
      ...(asked === "unread" ? [NOT_ASKED] : []),
    ],
  };
  if (options.deep !== true || !isOpen(plain)) return plain;
  if (!isShared(verdict)) {
    const adapter = await adapterFinding(suspect, base, judged.log10Hypotheses, signal);
    if (adapter !== null) return withAdapter(plain, adapter, { suspect, base });
    const starts = await withStarts(plain, { suspect, base }, judged.log10Hypotheses, signal);
    if (starts !== null) return starts;
  }
  const evidence = await evidenceOf(first, second, signal);
  const deep = evidence === null ? null : await deepFinding(evidence, judged.log10Hypotheses);
  // Where a common start is found already, only more than that is news, and only what has a p.
  if (deep === null || (isShared(verdict) && !(deep.verdict === "derived" && deep.basis === "exact"))) return plain;
  return withDeep(plain, deep, names, exchanged);
}

function isShared(verdict: Verdict): boolean {
  return verdict !== "no-evidence" && verdict !== "not-testable";
}

function withShare(finding: ComponentFinding): ComponentFinding {
  return { ...finding, verdict: { ...finding.verdict, retention: retentionShown(finding.verdict.learned) } };
}

/**
 * What the parts say of the whole. Equal parts of two models are weights that both have; that they were trained must show
 * in them before the word is said.
 */
function overall(findings: readonly ComponentFinding[], isUnread: boolean): Verdict {
  const bodies = findings.filter((f) => f.pairing.component !== EMBEDDINGS);
  if (bodies.some((f) => isRelated(f) && f.sharesTraining)) return "derived";
  if (findings.some((f) => isRelated(f) || isSameTable(f))) return "shared-init";
  // The silence of tables is no test: they could not have spoken. Nor is that of what lies beside the model.
  return !isUnread && bodies.some((f) => f.verdict.verdict === "no-evidence") ? "no-evidence" : "not-testable";
}

/** Where the content is the same, so is every component's: what the label tests alone would say is beside the point. */
function sameContentVerdict(component: ComponentVerdict, verdict: Verdict): ComponentVerdict {
  const related = component.verdict !== "no-evidence" && component.verdict !== "not-testable";
  return related ? { ...component, verdict, reason: null } : component;
}

function relationsOf(
  verdict: Verdict,
  direction: Direction,
  content: SameContent,
  { suspect, base }: Sides,
  findings: readonly ComponentFinding[],
  difference: Difference,
): Relation[] {
  const [x, y] = [suspect.fingerprint, base.fingerprint];
  if (content?.kind === "recast") {
    // Of its image the original was not made.
    const rounded: Relation[] = content.image !== undefined && content.narrower === "suspect" ? ["quantized"] : [];
    return ["recast", ...rounded, ...layerRelations(findings, x, y)];
  }
  if (content?.kind === "identical") {
    const recast: Relation[] = valueTypes(x) === valueTypes(y) ? [] : ["recast"];
    const moved = layerRelations(findings, x, y);
    return [...(content.everywhere && moved.length === 0 ? (["copy"] as const) : []), ...moved, ...recast];
  }
  // They tell how the suspect was made; a parent was not made of its child.
  const isMade = verdict === "derived" && direction !== "base-from-suspect";
  return isMade ? describeRelations(suspect, base, findings, difference) : [];
}

/** Indices and masks that one side stores are no cast of anything. */
function valueTypes({ dtypes }: Fingerprint): string {
  const names = Object.keys(dtypes).filter((dtype) => !holdsIndices(dtype as Dtype));
  return names.sort().join();
}
