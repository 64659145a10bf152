import { judgeComponent } from "./component-verdict.ts";
import { contentPairing } from "./content-pairing.ts";
import { isCovered } from "./covered.ts";
import { equalPairing } from "./equal-pairing.ts";
import type { ComponentFinding } from "./finding.ts";
import { namedPairings } from "./named-pairings.ts";
import type { Pairing } from "./pairing.ts";
import { log10Reach } from "./reach.ts";
import { isEqualVerdict, isRelated, isRelatedVerdict } from "./related.ts";
import { EMBEDDINGS, LOG10_THRESHOLD, VERDICT_ORDER } from "./result.ts";
import { stackFindings } from "./stack-findings.ts";
import type { Subject } from "./subject.ts";

export interface JudgeOptions {
  readonly monteCarlo: boolean;
  /** Bases this one was chosen from. */
  readonly hypotheses: number;
  readonly signal?: AbortSignal | undefined;
}

/** What was found of every component, and how many hypotheses each p is corrected for. */
export interface Findings {
  readonly findings: readonly ComponentFinding[];
  readonly log10Hypotheses: number;
  /** Matrices that the search by content left out, where it was made. */
  readonly leftOut: number;
}

/** Attempts at one component: under names, by equal matrices, by content. */
const ATTEMPTS = 3;

/** Every stack against its partner and the token tables; by content where names leave a model silent. */
export async function judgeAll(suspect: Subject, base: Subject, options: JudgeOptions): Promise<Findings> {
  const named = namedPairings(suspect.fingerprint, base.fingerprint);
  let tables: ComponentFinding | null = null;
  const log10Hypotheses = Math.log10(Math.max(1, options.hypotheses) * ATTEMPTS * (named.length + 1));
  const findings: ComponentFinding[] = [];
  let settings = { monteCarlo: options.monteCarlo, log10Hypotheses, givenWidth: 0, signal: options.signal };
  // Tables first: a stream that one table feeds in both models was given to both.
  for (const ways of [...named].sort((a, b) => Number(isTables(b)) - Number(isTables(a)))) {
    const finding = await judgeComponent(suspect, base, ways, settings);
    if (isTables(ways)) {
      const agrees = finding.verdict.log10P !== null && finding.verdict.log10P <= LOG10_THRESHOLD;
      if (agrees || isRelatedVerdict(finding.verdict.verdict)) {
        settings = { ...settings, givenWidth: finding.pairing.pairs[0]?.base.cols ?? 0 };
      }
      tables = finding;
    } else findings.push(finding);
  }
  if (tables !== null) findings.push(tables);
  const place = (finding: ComponentFinding): void => {
    const index = findings.findIndex((f) => f.pairing.component === finding.pairing.component);
    const there = findings[index];
    if (there === undefined) findings.push(finding);
    else if (
      finding.pairing.isEqual === true &&
      isRelated(finding) &&
      there.verdict.log10P === null &&
      isEqualVerdict(there.verdict.verdict)
    ) {
      // The same part, of which names told no labels: its p comes from its content.
      const { tested, sharesTraining, verdict } = finding;
      const { log10P, r } = verdict;
      findings[index] = { ...there, verdict: { ...there.verdict, log10P, r }, tested, sharesTraining };
    } else if (isStronger(finding, there)) findings[index] = finding;
  };
  const judge = async (
    pairing: Pairing | null,
    tells: (finding: ComponentFinding) => boolean = () => true,
  ): Promise<void> => {
    if (pairing === null || pairing.pairs.length === 0) return;
    const found = stackFindings(await judgeComponent(suspect, base, [pairing], settings));
    for (const finding of found.filter(tells)) place(finding);
  };
  const claims = ({ verdict }: ComponentFinding): boolean => (verdict.log10P ?? 0) <= LOG10_THRESHOLD;
  if (!findings.some((f) => isRelated(f) && claims(f))) {
    await judge(equalPairing(suspect.fingerprint, base.fingerprint));
  }
  let leftOut = 0;
  const done = (): Findings => {
    const derived = findings.some((f) => isRelated(f) && f.sharesTraining);
    return { findings: derived ? findings.map(withBody) : findings, log10Hypotheses, leftOut };
  };
  const found = findings.filter((f) => isRelated(f) && f.verdict.verdict !== "shared-init");
  if (found.length > 0) {
    const isWhole = isCovered(suspect.fingerprint, found, "suspect") || isCovered(base.fingerprint, found, "base");
    // Names may lie in one part of a model and be true in another.
    if (!isWhole) {
      const rest = contentPairing(suspect.fingerprint, base.fingerprint, found);
      leftOut = rest?.leftOut ?? 0;
      await judge(rest, isRelated);
    }
    return done();
  }
  // Names that say nothing, or lie: a few that are true may reject independence while the others, paired at cross purposes,
  // hide how much is shared. The layout of names is then one thing tried, the content another.
  const byContent = contentPairing(suspect.fingerprint, base.fingerprint);
  leftOut = byContent?.leftOut ?? 0;
  if (byContent === null || byContent.pairs.length === 0) return done();
  const there = findings.find((f) => f.pairing.component === byContent.component);
  const silent = log10Reach(byContent) > LOG10_THRESHOLD;
  if (there === undefined || there.tested.log10P === null || !silent) await judge(byContent);
  return done();
}

function isTables([first]: readonly Pairing[]): boolean {
  return first?.component === EMBEDDINGS;
}

/** Tables that agree beside a body that is derived came with it: what they cannot show alone is shown by the body. */
function withBody(finding: ComponentFinding): ComponentFinding {
  const { pairing, verdict } = finding;
  const agrees = verdict.log10P !== null && verdict.log10P <= LOG10_THRESHOLD;
  if (pairing.component !== EMBEDDINGS || verdict.verdict !== "not-testable" || !agrees) return finding;
  return { ...finding, verdict: { ...verdict, verdict: "derived", reason: null } };
}

/** By verdict; among equals the body of a model speaks before its embeddings, then the smaller p. */
export function isStronger(a: ComponentFinding, b: ComponentFinding): boolean {
  const rank = (f: ComponentFinding): number => VERDICT_ORDER.indexOf(f.verdict.verdict);
  const tail = (f: ComponentFinding): number => Number(f.pairing.component === EMBEDDINGS);
  if (tail(a) !== tail(b)) return tail(a) < tail(b);
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  return (a.verdict.log10P ?? 1) < (b.verdict.log10P ?? 1);
}
