import { type ComponentTests, testComponent } from "./component-test.ts";
import { hasLabelOrder } from "./label-order.ts";
import { STRUCTURED } from "./learned-structure.ts";
import { type Axis, axisOf, rowPairs } from "./matrix-pair.ts";
import { sortedAxes } from "./order-guard.ts";
import { EMBEDDINGS, type Pairing } from "./pairing.ts";
import { weightCorrelation } from "./permutation-test.ts";
import type { ComponentVerdict } from "./result.ts";
import { median, RETENTION_THRESHOLD, type SliceRetention } from "./retention.ts";
import { retentions } from "./slice-pairs.ts";
import type { Subject } from "./subject.ts";

/** Corrected p at or below which independent initialisation is rejected. */
export const LOG10_THRESHOLD = -9;

/**
 * Weight correlation below which the retention ratio tells nothing: two long trainings of one initialisation keep a
 * tenth of it, in learned directions and bulk alike, and so does an average with nine tenths of something else.
 */
const MIN_STRENGTH = 0.3;

/** Slices whose ratio must be known before a verdict rests on their median; embeddings have but one. */
const MIN_SLICES = 3;

/** A component's verdict with everything it rests on. */
export interface ComponentFinding {
  readonly verdict: ComponentVerdict;
  readonly pairing: Pairing;
  readonly tested: ComponentTests;
  readonly slices: readonly SliceRetention[];
}

export interface FindingOptions {
  readonly monteCarlo: boolean;
  /** log10 of how many hypotheses (bases, components, attempts) share this error budget. */
  readonly log10Hypotheses: number;
}

/** Tests a component under each pairing, and judges by the one with the smallest corrected p. */
export async function judgeComponent(
  suspect: Subject,
  base: Subject,
  ways: readonly Pairing[],
  options: FindingOptions,
): Promise<ComponentFinding> {
  const sorted = sortedAxes(suspect.fingerprint, base.fingerprint, ways[0]!.component);
  const finding = await judgeOnAxes(suspect, base, ways, options, sorted);
  // A costlier look at the labels, worth taking only before something is claimed.
  const claimed = (finding.verdict.log10P ?? 0) <= LOG10_THRESHOLD && finding.tested.residual !== null;
  if (!claimed || !hasLabelOrder(finding.pairing.pairs)) return finding;
  return judgeOnAxes(suspect, base, ways, options, new Set([...sorted, "residual" as const]));
}

async function judgeOnAxes(
  suspect: Subject,
  base: Subject,
  ways: readonly Pairing[],
  options: FindingOptions,
  excluded: ReadonlySet<Axis>,
): Promise<ComponentFinding> {
  const tried = ways.map((pairing) => {
    const tested = testComponent(pairing.pairs, {
      component: pairing.component,
      monteCarlo: options.monteCarlo,
      excluded,
    });
    const log10Tried = pairing.log10Tried + Math.log10(ways.length) + options.log10Hypotheses;
    return { pairing, tested, log10P: tested.log10P === null ? null : Math.min(0, tested.log10P + log10Tried) };
  });
  // Ties (all at p = 1) go to the first way, the plain one.
  const best = tried.reduce((a, b) => ((b.log10P ?? 1) < (a.log10P ?? 1) ? b : a));
  const { pairing, tested, log10P } = best;
  const r = tested.residual === null ? null : weightCorrelation(tested.residual.signCorrelation);
  const settle = (verdict: ComponentVerdict["verdict"], reason: string | null, retention: number | null = null) => ({
    component: pairing.component,
    verdict,
    log10P,
    r,
    retention,
    reason,
  });
  if (log10P === null) {
    return { verdict: settle("not-testable", reasonUntestable(pairing, excluded)), pairing, tested, slices: [] };
  }
  // Written so that a NaN claims nothing.
  if (!(log10P <= LOG10_THRESHOLD)) return { verdict: settle("no-evidence", null), pairing, tested, slices: [] };

  const slices = await retentions(suspect, base, pairing.pairs);
  // Where the base shows nothing learned there is nothing to retain: the ratio is about 1 for any common initialisation.
  const telling = slices.flatMap((s) => (s.ratio === null || s.structure < STRUCTURED ? [] : [s.ratio]));
  const enough = pairing.component === EMBEDDINGS ? 1 : MIN_SLICES;
  const ratio = telling.length < enough ? null : median(telling);
  if (ratio === null) {
    const why = slices.length < enough ? "too few slices are comparable" : "too few slices of the base show training";
    const reason = `the retention ratio could not be computed (${why}), so a common initialisation is not ruled out`;
    return { verdict: settle("shared-init", reason), pairing, tested, slices };
  }
  const strength = Math.abs(r ?? tested.tests.find((t) => t.name === "T1" && t.axis === "neurons")?.r ?? 0);
  if (strength < MIN_STRENGTH) {
    const reason = `too little of the weights agrees (r = ${strength.toFixed(2)}) to tell shared training from a common initialisation`;
    return { verdict: settle("shared-init", reason, ratio), pairing, tested, slices };
  }
  const verdict = ratio >= RETENTION_THRESHOLD ? "derived" : "shared-init";
  return { verdict: settle(verdict, null, ratio), pairing, tested, slices };
}

function reasonUntestable(pairing: Pairing, excluded: ReadonlySet<string>): string {
  if (excluded.size > 0) return `labels carry an order of their own in both models (${[...excluded].join(", ")})`;
  const testable = pairing.pairs.filter((p) => axisOf(p.base) !== null);
  if (testable.length === 0) return "no matrix whose columns are exchangeable is shared by both models";
  if (testable.every((p) => rowPairs(p).length === 0)) return "every comparable row is constant or not finite";
  return "too few comparable labels";
}
