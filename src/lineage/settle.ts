import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { componentContent } from "./component-content.ts";
import type { ComponentFinding } from "./finding.ts";
import { learnedRetention, MIN_SLICES, type Retention, showsTraining } from "./learned-retention.ts";
import { isSimple } from "./modest-training.ts";
import { isOfNetwork } from "./network.ts";
import type { Pairing } from "./pairing.ts";
import { doubtOfStart, isCutOff, lookLikeWeights } from "./random-start.ts";
import {
  FEWEST,
  FOREIGN,
  FORMULA,
  GIVEN,
  ONE_TENSOR,
  reasonSharedInit,
  reasonTooFew,
  reasonUnmeasured,
  reasonUnsupported,
  reasonUntestable,
  usable,
} from "./reason.ts";
import { type ComponentVerdict, EMBEDDINGS, LOG10_THRESHOLD, type Verdict } from "./result.ts";
import type { SliceRetention } from "./retention.ts";
import { sharesTraining } from "./shares-training.ts";
import { retentions } from "./slice-pairs.ts";
import { isMain, type Stack, stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";
import { type Support, supportOf } from "./support.ts";
import { judgeTables } from "./table-verdict.ts";
import type { Tried } from "./tried-ways.ts";

/**
 * Whether labels of which nothing says that they were given reject by themselves, do not, or are none; "foreign" where those
 * that agree are not written alike.
 */
export type OwnLabels = "own" | "silent" | "none" | "foreign";

/**
 * Share of the initialisation that must be left for a common one to be claimed: labels may have been given to both models
 * (by a public model, or by one token table), whatever names say of them, and what such labels alone bring about was below .03.
 */
const LEFT_OF_START = 0.05;
/** Where all labels may have been given, rows may have been as well: maps from one public stream to another had up to .33. */
const LEFT_BETWEEN_GIVEN = 0.5;

/** The verdict on a component whose best way of being tested, and whose labels, are known. */
export async function settle(
  suspect: Subject,
  base: Subject,
  tried: Tried,
  labels: OwnLabels,
  signal: AbortSignal | undefined,
): Promise<ComponentFinding> {
  const { tested, log10P } = tried;
  const fingerprints = [suspect.fingerprint, base.fingerprint] as const;
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
    sharesTraining: retention !== null && sharesTraining(retention, isOfNetwork(...fingerprints, pairing)),
    isSimple:
      verdict === "derived" &&
      retention !== null &&
      !isOfNetwork(...fingerprints, pairing) &&
      [retention.forward, retention.backward].some(isSimple),
    support,
    isMinor: (["suspect", "base"] as const).some((side) => isMinor({ suspect, base }[side].fingerprint, pairing, side)),
    stacks: 1,
  });
  // Written so that a NaN claims nothing.
  const rejected = log10P !== null && log10P <= LOG10_THRESHOLD;
  if (pairing.component === EMBEDDINGS) return judgeTables(pairing, log10P, rejected, finding);

  const fromWeights = suspect.checkpoint !== null && base.checkpoint !== null;
  const names = { suspect: pairing.suspectComponent, base: pairing.component };
  const content = pairing.isChosen === true ? null : componentContent(suspect.fingerprint, base.fingerprint, names);
  if (content !== null) {
    const slices = await retentions(suspect, base, pairing.pairs, signal);
    const equal = finding(content, null, slices, learnedRetention(slices));
    // Filters and transforms of mathematics have clear directions as well, and are equal wherever they are used.
    const isOfWeights = lookLikeWeights(pairing, slices) ?? rejected;
    const shares = equal.sharesTraining && rejected && isOfWeights;
    return { ...equal, sharesTraining: shares, isMinor: equal.isMinor || !isOfWeights };
  }
  if (log10P === null) return finding("not-testable", reasonUntestable(pairing, tried.excluded));
  if (!rejected) {
    if (tried.reach > LOG10_THRESHOLD) return finding("not-testable", reasonTooFew(tried.reach));
    if (usable(pairing) < FEWEST) return finding("not-testable", ONE_TENSOR);
    return finding("no-evidence", null);
  }
  if (labels === "foreign") return finding("no-evidence", FOREIGN);
  const sides = [stackOf(suspect.fingerprint, pairing.suspectComponent), stackOf(base.fingerprint, pairing.component)];
  const isChosen = pairing.isChosen === true;
  // Content pairs matrices of any stack.
  const bodies = isChosen
    ? [suspect, base].map(({ fingerprint }) => stacksOf(fingerprint).flatMap(({ sketches }) => sketches))
    : sides.map((stack) => stack?.sketches ?? []);
  support = supportOf(pairing.pairs, {
    isChosen,
    depth: Math.min(...sides.map((stack) => stack?.layers.length ?? 0)),
    matrices: Math.min(
      ...bodies.map(
        (all) =>
          all.filter(({ axis, valid }) => valid.some(Boolean) && (axis !== null || pairing.isEqual === true)).length,
      ),
    ),
  });
  if (!support.enough) {
    const unsupported = finding("no-evidence", reasonUnsupported(support, log10P));
    return { ...unsupported, verdict: { ...unsupported.verdict, log10P: null } };
  }
  // Of layers that are not shared no training is.
  const slices = await retentions(suspect, base, support.pairs, signal);
  const retention = learnedRetention(slices);
  pairing = withSigmas(pairing, support);
  if (pairing.isEqual === true && lookLikeWeights(pairing, slices) === false) {
    return { ...finding("no-evidence", FORMULA, slices, retention), sharesTraining: false };
  }
  const doubt =
    pairing.isEqual === true ? null : doubtOfStart(base.fingerprint, pairing, support.pairs, slices, retention);
  if (doubt !== null) return { ...finding("no-evidence", doubt, slices, retention), sharesTraining: false };
  if (retention === null && labels !== "own") {
    const unmeasured = finding("not-testable", reasonUnmeasured(log10P));
    return { ...unmeasured, verdict: { ...unmeasured.verdict, log10P: null } };
  }
  const left = retention === null ? 0 : Math.max(retention.forward.bulk, retention.backward.bulk);
  if (labels === "none" && left < LEFT_BETWEEN_GIVEN) {
    return { ...finding("no-evidence", GIVEN, slices, retention), sharesTraining: false };
  }
  const derived = finding("derived", null, slices, retention);
  if (derived.sharesTraining) return derived;
  // Where slices do not tell, labels must be known for the stack's own.
  const isKnown = slices.length >= MIN_SLICES && pairing.isEqual !== true;
  if (left < LEFT_OF_START && !isCutOff(pairing, retention) && (isKnown || labels !== "own")) {
    return { ...finding("no-evidence", GIVEN, slices, retention), sharesTraining: false };
  }
  const isNetwork = isOfNetwork(...fingerprints, pairing);
  const reason = reasonSharedInit(retention, { slices: slices.length, fromWeights, isNetwork });
  return finding("shared-init", reason, slices, retention);
}

function stackOf(fingerprint: Fingerprint, name: string): Stack | undefined {
  return stacksOf(fingerprint).find((stack) => stack.name === name);
}

/** Of a pairing by names its stack; of one by equal matrices these, which may lie in several stacks. */
function isMinor(fingerprint: Fingerprint, pairing: Pairing, side: "suspect" | "base"): boolean {
  const stacks = stacksOf(fingerprint);
  if (pairing.isEqual === true) {
    const parameters = pairing.pairs.reduce((sum, { [side]: { rows, cols } }) => sum + rows * cols, 0);
    return !isMain({ parameters }, stacks);
  }
  const stack = stackOf(fingerprint, side === "base" ? pairing.component : pairing.suspectComponent);
  return stack !== undefined && !isMain(stack, stacks);
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
