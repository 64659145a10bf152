import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { componentContent, sameTable } from "./component-content.ts";
import { type ComponentTests, testComponent } from "./component-test.ts";
import { learnedRetention, MIN_SLICES, type Retention, sharesTraining, showsTraining } from "./learned-retention.ts";
import { type Axis, axisOf, type MatrixPair, rowPairs } from "./matrix-pair.ts";
import { orderedAxes, sortedAxes, unsortedChannels } from "./order-guard.ts";
import type { Pairing } from "./pairing.ts";
import { type ComponentVerdict, EMBEDDINGS, type Verdict } from "./result.ts";
import type { SliceRetention } from "./retention.ts";
import { retentions } from "./slice-pairs.ts";
import { isMain, type Stack, stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";
import { type Support, supportOf } from "./support.ts";
import { allSquare } from "./testable.ts";

/** Corrected p at or below which independent initialisation is rejected. */
export const LOG10_THRESHOLD = -9;

/** A component's verdict with everything it rests on. */
export interface ComponentFinding {
  readonly verdict: ComponentVerdict;
  readonly pairing: Pairing;
  readonly tested: ComponentTests;
  readonly slices: readonly SliceRetention[];
  /** Whether training, and not only an initialisation, is shown to be shared. */
  readonly sharesTraining: boolean;
  /** Whether the stack is a small part of either model. */
  readonly isMinor: boolean;
  /** Which of its layers agree, where that was asked. */
  readonly support: Support | null;
}

export interface FindingOptions {
  readonly monteCarlo: boolean;
  /** log10 of how many hypotheses (bases, components, attempts) share this error budget. */
  readonly log10Hypotheses: number;
  /**
   * Width of the token table that both models share, if they do: the dimensions of a stream that it feeds were given to both,
   * so they say nothing of a stack's own start, whatever was trained on top. 0 where there is none.
   */
  readonly givenWidth: number;
}

/** Tests a component under each pairing, and judges by the one with the smallest corrected p. */
export async function judgeComponent(
  suspect: Subject,
  base: Subject,
  ways: readonly Pairing[],
  options: FindingOptions,
): Promise<ComponentFinding> {
  const [x, y] = [suspect.fingerprint, base.fingerprint];
  const plain = testWays(x, y, ways, options, new Set());
  const claimed = (plain.log10P ?? 0) <= LOG10_THRESHOLD;
  // A costlier look at the labels, worth taking only before something is claimed.
  const ordered = claimed ? orderedAxes(plain.pairing.pairs) : new Set<Axis>();
  const tested = ordered.size === 0 ? plain : testWays(x, y, ways, options, ordered);
  const isOwn = (pair: MatrixPair): boolean =>
    !pair.suspect.given && !pair.base.given && !(axisOf(pair) === "residual" && pair.base.cols === options.givenWidth);
  const needsOwn =
    claimed &&
    tested.pairing.component !== EMBEDDINGS &&
    tested.pairing.isEqual !== true &&
    !tested.pairing.pairs.every((p) => axisOf(p) === null || isOwn(p));
  const own = needsOwn
    ? testWays(x, y, [{ ...tested.pairing, pairs: tested.pairing.pairs.filter(isOwn) }], options, ordered)
    : null;
  return settle(suspect, base, tested, own === null || (own.log10P ?? 0) <= LOG10_THRESHOLD);
}

/** The best of several ways, with its p corrected for all that was tried. */
interface Tried {
  readonly pairing: Pairing;
  readonly tested: ComponentTests;
  readonly excluded: ReadonlySet<Axis>;
  readonly log10P: number | null;
  /** The smallest that log10P could have been. */
  readonly reach: number;
}

function testWays(
  suspect: Fingerprint,
  base: Fingerprint,
  ways: readonly Pairing[],
  options: FindingOptions,
  ordered: ReadonlySet<Axis>,
): Tried {
  const tried = ways.map((pairing): Tried => {
    const excluded = new Set([...ordered, ...sortedAxes(suspect, base, pairing.pairs)]);
    const tested = testComponent(unsortedChannels(pairing.pairs), {
      component: pairing.component,
      monteCarlo: options.monteCarlo,
      excluded,
      log10Candidates: pairing.log10Candidates ?? 0,
    });
    const log10Tried = pairing.log10Tried + Math.log10(ways.length) + options.log10Hypotheses;
    const corrected = (log10P: number): number => Math.min(0, log10P + log10Tried);
    const log10P = tested.log10P === null ? null : corrected(tested.log10P);
    return { pairing, tested, excluded, log10P, reach: corrected(tested.reach) };
  });
  return tried.reduce((a, b) => (isBetter(b, a) ? b : a));
}

/** By this much more of the signs must agree before one way to lay layers over layers is preferred to another that claims too. */
const CLEARLY_MORE = 0.02;

/** The smaller p; where both ways claim, p is at its floor, and the layers that agree more are the right ones. Ties stay. */
function isBetter(a: Tried, b: Tried): boolean {
  const claims = ({ log10P }: Tried): boolean => log10P !== null && log10P <= LOG10_THRESHOLD;
  if (claims(a) && claims(b)) {
    const more = agreementOf(a.pairing) - agreementOf(b.pairing);
    if (Math.abs(more) > CLEARLY_MORE) return more > 0;
  }
  return (a.log10P ?? 1) < (b.log10P ?? 1);
}

function agreementOf({ layers }: Pairing): number {
  return layers.reduce((sum, { agreement }) => sum + (agreement ?? 0), 0) / Math.max(1, layers.length);
}

/**
 * Share of the initialisation that must be left where labels may have been given to both models (by a public model, or by one
 * token table) and no axis of their own speaks: what such labels alone bring about was .01 at most.
 */
const LEFT_OF_START = 0.05;
const GIVEN =
  "labels agree, but they may have been given to both models (by one token table, or by a public model), and nothing of a common start is left";

/** `isOwn`: whether labels that are the stack's own reject by themselves. */
async function settle(suspect: Subject, base: Subject, tried: Tried, isOwn: boolean): Promise<ComponentFinding> {
  const { tested, log10P } = tried;
  let pairing = tried.pairing;
  let support: Support | null = null;
  const finding = (
    verdict: Verdict,
    reason: string | null,
    slices: readonly SliceRetention[] = [],
    retention: Retention | null = null,
  ): ComponentFinding => ({
    verdict: {
      component: pairing.component,
      suspectComponent: pairing.suspectComponent,
      verdict,
      log10P,
      r: tested.r,
      ...retentionFields(retention),
      reason,
    },
    pairing,
    tested,
    slices,
    sharesTraining: retention !== null && sharesTraining(retention),
    support,
    isMinor: isMinor(suspect.fingerprint, pairing.suspectComponent) || isMinor(base.fingerprint, pairing.component),
  });
  // Written so that a NaN claims nothing.
  const rejected = log10P !== null && log10P <= LOG10_THRESHOLD;
  if (pairing.component === EMBEDDINGS) return judgeTables(pairing, log10P, rejected, finding);

  const names = { suspect: pairing.suspectComponent, base: pairing.component };
  const content = pairing.isEqual === true ? null : componentContent(suspect.fingerprint, base.fingerprint, names);
  if (content !== null) {
    const slices = await retentions(suspect, base, pairing.pairs);
    return finding(content, null, slices, learnedRetention(slices));
  }
  if (log10P === null) return finding("not-testable", reasonUntestable(pairing, tried.excluded));
  if (!rejected) {
    if (tried.reach > LOG10_THRESHOLD) return finding("not-testable", reasonTooFew(tried.reach));
    if (usable(pairing) < FEWEST) return finding("not-testable", ONE_TENSOR);
    return finding("no-evidence", null);
  }
  const sides = [stackOf(suspect.fingerprint, pairing.suspectComponent), stackOf(base.fingerprint, pairing.component)];
  const fewest = (of: (stack: Stack) => number): number =>
    Math.min(...sides.map((stack) => (stack === undefined ? 0 : of(stack))));
  support = supportOf(pairing.pairs, {
    isChosen: pairing.isChosen === true,
    depth: fewest(({ layers }) => layers.length),
    matrices: fewest(({ sketches }) => sketches.filter(({ axis }) => axis !== null || pairing.isEqual === true).length),
  });
  if (!support.enough) {
    const unsupported = finding("no-evidence", reasonUnsupported(support, log10P));
    return { ...unsupported, verdict: { ...unsupported.verdict, log10P: null } };
  }
  // Of layers that are not shared no training is.
  const slices = await retentions(suspect, base, support.pairs);
  const retention = learnedRetention(slices);
  pairing = withSigmas(pairing, support);
  if (retention !== null && sharesTraining(retention)) return finding("derived", null, slices, retention);
  const left = retention === null ? 0 : Math.max(retention.forward.bulk, retention.backward.bulk);
  if (!isOwn && left < LEFT_OF_START)
    return { ...finding("no-evidence", GIVEN, slices, retention), sharesTraining: false };
  return finding("shared-init", reasonSharedInit(retention, slices.length), slices, retention);
}

function stackOf(fingerprint: Fingerprint, name: string): Stack | undefined {
  return stacksOf(fingerprint).find((stack) => stack.name === name);
}

/** A pairing by content alone is of no stack, and speaks for the model. */
function isMinor(fingerprint: Fingerprint, name: string): boolean {
  const stack = stackOf(fingerprint, name);
  return stack !== undefined && !isMain(stack, stacksOf(fingerprint));
}

function retentionFields(retention: Retention | null): Pick<ComponentVerdict, "retention" | "learned"> {
  if (retention === null) return { retention: null, learned: null };
  const learned = { baseInSuspect: retention.forward, suspectInBase: retention.backward };
  return { retention: retentionShown(learned), learned };
}

/** The share of the base's training that a reader is shown: null where the base shows too little of it. */
export function retentionShown(learned: ComponentVerdict["learned"]): number | null {
  return learned === null || !showsTraining(learned.baseInSuspect) ? null : learned.baseInSuspect.share;
}

/** Layers whose rows or labels were turned show themselves only when turned back. */
function withSigmas(pairing: Pairing, { sigmas }: Support): Pairing {
  const layers = pairing.layers.map((layer) => {
    const log10P = log10NormalTail(sigmas.get(layer.base) ?? 0);
    return log10P < (layer.log10P ?? 0) ? { ...layer, log10P } : layer;
  });
  return { ...pairing, layers };
}

/**
 * Tables alone decide nothing: two tables that were trained to one teacher, or whose columns were handed in from outside,
 * agree column by column though neither comes from the other. Equal ones are the same table, whoever had it first.
 */
function judgeTables(
  pairing: Pairing,
  log10P: number | null,
  rejected: boolean,
  finding: (verdict: Verdict, reason: string | null) => ComponentFinding,
): ComponentFinding {
  const same = pairing.pairs.filter(({ suspect, base }) => sameTable(suspect, base));
  if (same.length > 0) {
    const equal = same.every(({ suspect, base }) => suspect.digest.f32 === base.digest.f32);
    const which =
      same.length === pairing.pairs.length ? "the table is" : `${same.length} of ${pairing.pairs.length} tables are`;
    return finding(equal ? "identical" : "recast", `${which} the same wherever sampled`);
  }
  if (rejected) {
    return finding(
      "not-testable",
      "tables agree column by column, which a common teacher or given columns explain as well",
    );
  }
  return finding(log10P === null ? "not-testable" : "no-evidence", log10P === null ? "no table can be compared" : null);
}

/** Matrices that a verdict needs at least. */
const FEWEST = 2;
const ONE_TENSOR = "only one matrix can be compared, and one tensor decides nothing";

function usable({ pairs }: Pairing): number {
  return pairs.filter((pair) => axisOf(pair) !== null && rowPairs(pair).length > 0).length;
}

function reasonUntestable(pairing: Pairing, excluded: ReadonlySet<Axis>): string {
  if (excluded.size > 0) return `labels carry an order of their own in both models (${[...excluded].join(", ")})`;
  const testable = pairing.pairs.filter((p) => axisOf(p) !== null);
  if (testable.length === 0) {
    const square = allSquare(pairing.pairs.map(({ base }) => base));
    return square ?? "no matrix whose columns are exchangeable is shared by both models";
  }
  if (testable.every((p) => rowPairs(p).length === 0)) return "every comparable row is constant or not finite";
  if (usable(pairing) < FEWEST) return ONE_TENSOR;
  return "too few comparable labels";
}

function reasonTooFew(reach: number): string {
  return `too few rows or labels: the best that these could show is p = 1e${Math.round(reach)}, and a claim needs 1e${LOG10_THRESHOLD}`;
}

function reasonUnsupported({ agreeing, tested, of }: Support, log10P: number): string {
  const count = agreeing === 0 ? "no single one" : `${agreeing}`;
  const p = `p = 1e${Math.round(log10P)}`;
  return `labels agree (${p}), but ${count} of ${tested} ${of} by itself: a verdict needs agreement over ${of}, not of one tensor`;
}

function reasonSharedInit(retention: Retention | null, slices: number): string {
  if (retention === null || slices < MIN_SLICES) {
    return "learned retention could not be computed (too few slices are comparable), so a common initialisation is not ruled out";
  }
  if (!showsTraining(retention.forward) && !showsTraining(retention.backward)) {
    return "too little training is visible in either model to tell shared training from a common initialisation";
  }
  const { share, bulk } = showsTraining(retention.forward) ? retention.forward : retention.backward;
  return `of what training wrote a share of ${share.toFixed(2)} is found again, of the initialisation ${bulk.toFixed(2)}: a common start explains that`;
}
