import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { type ComponentFinding, judgeComponent, LOG10_THRESHOLD } from "./component-verdict.ts";
import { contentPairing, EMBEDDINGS, namedPairings } from "./pairing.ts";
import { log10Reach } from "./reach.ts";
import { describeDifference, describeRelations } from "./relations.ts";
import {
  type CompareResult,
  type ComponentVerdict,
  type Difference,
  type Direction,
  type Relation,
  VERDICT_ORDER,
  type Verdict,
} from "./result.ts";
import { sameContent } from "./same-content.ts";
import type { Subject } from "./subject.ts";
import { summarise } from "./wording.ts";

export interface CompareOptions {
  /** Random relabelings for small z. @default true */
  readonly monteCarlo?: boolean;
  /** Bases this one was chosen from: p is corrected for all of them. @default 1 */
  readonly hypotheses?: number;
}

/**
 * Verdict on a pair, from weights alone.
 *
 * 1. Same content? (digests of values, whatever container, names or element type)
 * 2. Lay the suspect's matrices over the base's: by role and layer, then by the best layer alignment, and where that
 *    stays silent by content alone.
 * 3. Test each component: T1 (permutation z), T1-swap (label pairs), T2 (fixed points); correct p for everything tried.
 * 4. Where independent initialisation is rejected, ask retention whether trained directions are shared, or only the
 *    initialisation.
 */
export async function compareSubjects(
  suspect: Subject,
  base: Subject,
  options: CompareOptions = {},
): Promise<CompareResult> {
  const findings = humbleEmbeddings(await judgeAll(suspect, base, options));
  const content = findings.some((f) => f.tested.log10P !== null)
    ? sameContent(suspect.fingerprint, base.fingerprint)
    : null;
  const strongest = findings.reduce<ComponentFinding | null>((a, b) => (a === null || stronger(b, a) ? b : a), null);
  const verdict: Verdict = content?.kind ?? strongest?.verdict.verdict ?? "not-testable";
  const direction = directionOf(verdict, content, suspect, base);
  const slices = findings.flatMap((f) => f.slices);
  const difference = describeDifference(suspect.fingerprint, base.fingerprint, slices);
  const relations = relationsOf(verdict, suspect.fingerprint, base.fingerprint, findings, difference);
  const part = partOf(content === null ? strongest : null, findings);
  const names = { suspect: suspect.name, base: base.name };
  const log10P = strongest?.verdict.log10P ?? null;
  return {
    verdict,
    summary: summarise(verdict, direction, names, part),
    direction,
    relations,
    parents: parentsOf(verdict, direction, names, log10P),
    log10P,
    threshold: LOG10_THRESHOLD,
    log10Tried: log10Hypotheses(options, findings.length) + (strongest?.pairing.log10Tried ?? 0),
    components: findings.map((f) => (content === null ? f.verdict : sameContentVerdict(f.verdict, content.kind))),
    tests: findings.flatMap((f) => f.tested.tests),
    layers: findings.flatMap((f) => f.pairing.layers),
    difference,
    caveats: caveatsOf(verdict, direction, suspect, base, content, findings),
  };
}

async function judgeAll(suspect: Subject, base: Subject, options: CompareOptions): Promise<ComponentFinding[]> {
  const named = namedPairings(suspect.fingerprint, base.fingerprint);
  const monteCarlo = options.monteCarlo ?? true;
  const settings = { monteCarlo, log10Hypotheses: log10Hypotheses(options, named.length) };
  const findings: ComponentFinding[] = [];
  for (const ways of named) findings.push(await judgeComponent(suspect, base, ways, settings));
  if (findings.some((f) => f.pairing.component !== EMBEDDINGS && f.verdict.verdict === "derived")) return findings;
  // Names that say nothing, or lie: a few that are true may reject independence while the others, paired at cross purposes,
  // hide how much is shared. The layout of names is then one thing tried, the content another.
  const byContent = contentPairing(suspect.fingerprint, base.fingerprint);
  if (byContent === null) return findings;
  const index = findings.findIndex((f) => f.pairing.component === byContent.component);
  const tested = index >= 0 && findings[index]!.tested.log10P !== null;
  if (tested && log10Reach(byContent) > LOG10_THRESHOLD) return findings;
  const finding = await judgeComponent(suspect, base, [byContent], settings);
  if (index < 0) findings.push(finding);
  else if (stronger(finding, findings[index]!)) findings[index] = finding;
  return findings;
}

/** Where the content is the same, so is every component's: what the label tests alone would say is beside the point. */
function sameContentVerdict(component: ComponentVerdict, verdict: Verdict): ComponentVerdict {
  const related = component.verdict === "derived" || component.verdict === "shared-init";
  return related ? { ...component, verdict, reason: null } : component;
}

/**
 * Embeddings alone never show shared training. Rows of rare tokens stay where they were initialised and rows of common
 * ones meet again, so two trainings of one initialisation have retention ratios of 1 to 1.9 there (r of .4 to .6).
 */
function humbleEmbeddings(findings: readonly ComponentFinding[]): ComponentFinding[] {
  const isEmbeddings = (f: ComponentFinding): boolean => f.pairing.component === EMBEDDINGS;
  if (findings.some((f) => !isEmbeddings(f) && f.verdict.verdict === "derived")) return [...findings];
  return findings.map((f) => {
    if (!isEmbeddings(f) || f.verdict.verdict !== "derived") return f;
    const reason = "retention is not calibrated for embeddings alone, so a common initialisation is not ruled out";
    return { ...f, verdict: { ...f.verdict, verdict: "shared-init", reason } };
  });
}

/** Every component is tested under names and may be tested by content: two attempts each, for every base. */
function log10Hypotheses(options: CompareOptions, components: number): number {
  return Math.log10(Math.max(1, options.hypotheses ?? 1)) + Math.log10(2 * (components + 1));
}

/** By verdict; among equals the body of a model speaks before its embeddings, then the smaller p. */
function stronger(a: ComponentFinding, b: ComponentFinding): boolean {
  const rank = (f: ComponentFinding): number => VERDICT_ORDER.indexOf(f.verdict.verdict);
  const tail = (f: ComponentFinding): number => Number(f.pairing.component === EMBEDDINGS);
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  if (tail(a) !== tail(b)) return tail(a) < tail(b);
  return (a.verdict.log10P ?? 1) < (b.verdict.log10P ?? 1);
}

/**
 * A parent is named only where one side is registered as trained from scratch, and not where its values are the other's
 * rounded: whoever holds the digits that rounding drops had them first.
 */
function directionOf(
  verdict: Verdict,
  content: ReturnType<typeof sameContent>,
  suspect: Subject,
  base: Subject,
): Direction {
  if (verdict !== "derived" && verdict !== "recast" && verdict !== "identical") return "not-established";
  const rounded = content?.kind === "recast" ? content.narrower : null;
  if (base.root && !suspect.root && rounded !== "base") return "suspect-from-base";
  if (suspect.root && !base.root && rounded !== "suspect") return "base-from-suspect";
  return "not-established";
}

function relationsOf(
  verdict: Verdict,
  suspect: Fingerprint,
  base: Fingerprint,
  findings: readonly ComponentFinding[],
  difference: Difference,
): Relation[] {
  if (verdict === "recast") return ["recast"];
  if (verdict === "identical") {
    const types = (fp: Fingerprint): string => Object.keys(fp.dtypes).sort().join();
    return types(suspect) === types(base) ? ["copy"] : ["copy", "recast"];
  }
  return verdict === "derived" ? describeRelations(suspect, base, findings, difference) : [];
}

function parentsOf(
  verdict: Verdict,
  direction: Direction,
  names: { readonly suspect: string; readonly base: string },
  log10P: number | null,
): CompareResult["parents"] {
  if (verdict === "no-evidence" || verdict === "not-testable" || verdict === "shared-init") return [];
  if (direction === "suspect-from-base") return [{ name: names.base, log10P }];
  return direction === "base-from-suspect" ? [{ name: names.suspect, log10P }] : [];
}

/** Names the component when the strongest verdict does not hold for the body of the model. */
function partOf(strongest: ComponentFinding | null, findings: readonly ComponentFinding[]): string | null {
  if (strongest === null || findings.length < 2) return null;
  const verdict = strongest.verdict.verdict;
  const others = findings.filter((f) => f !== strongest && f.pairing.component !== EMBEDDINGS);
  const whole = strongest.pairing.component !== EMBEDDINGS && others.every((f) => f.verdict.verdict === verdict);
  return whole ? null : strongest.pairing.component;
}

function caveatsOf(
  verdict: Verdict,
  direction: Direction,
  suspect: Subject,
  base: Subject,
  content: ReturnType<typeof sameContent>,
  findings: readonly ComponentFinding[],
): string[] {
  const caveats: string[] = [];
  if (content?.kind === "identical" && !content.everywhere) {
    caveats.push("equal at every sampled position; bytes between them were not compared (use --depth full on both)");
  }
  if (content?.kind === "recast") {
    const narrower = content.narrower === "suspect" ? suspect.name : base.name;
    caveats.push(`every sampled value of ${narrower} is the other's, rounded`);
  }
  if (content === null)
    for (const f of findings) if (f.verdict.reason) caveats.push(`${f.verdict.component}: ${f.verdict.reason}`);
  if (verdict === "derived" && direction === "not-established") {
    caveats.push("neither side is registered as trained from scratch, or both are: which came first is not shown");
  }
  if (verdict === "derived") {
    caveats.push("the retention threshold is calibrated on small trained models, not derived from theory");
  }
  if (verdict === "no-evidence") {
    caveats.push("silent against permuted or rotated weights, width pruning, distillation and retraining from scratch");
  }
  if (findings.length === 0) caveats.push("the models have no comparable matrices");
  const unsure = [suspect, base].filter((s) => s.fingerprint.confidence < 1);
  for (const s of unsure) caveats.push(`tensor roles of ${s.name} were partly recovered from shapes`);
  return caveats;
}
