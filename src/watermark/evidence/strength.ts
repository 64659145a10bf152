import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../message/payload-class.ts";
import { type Level, THRESHOLDS } from "./statistics.ts";

/**
 * Gain over noise of a chip from which the payload is named in 999 of 1,000 trials, channel estimated from the pilots and
 * odds of 2^20 included. Measured by benchmarks/codes.ts.
 */
const DECODE_RATIOS: ReadonlyMap<number, number> = new Map([
  [32, 1.25],
  [64, 1.09],
  [128, 0.94],
]);

/**
 * log2 of the hypotheses of a verification, rounded up: six readings (signs, spread, two addressings of embedding and head)
 * in four classes, and their sums, are 80. What predictions allow for.
 */
const LOG2_HYPOTHESES = 7;

/** Predictions are kept in 97.7 of 100 cases: the statistic may fall this many standard deviations below its mean. */
const MARGIN = 2;
/** A class fits when its mark outlives this loss of correlation: int4, 50 % pruning and 40 % noise stay above it. */
const LEAST_REACH = 0.9;

/**
 * How strongly a carrier stands in untouched marked weights. A chip of a suspect whose weights have the correlation r with
 * the marked ones is alpha * r * symbol plus noise of variance 1 - cancelled * r^2, in units of its noise under H0.
 */
export interface Strength {
  readonly payloadClass: PayloadClass;
  readonly alpha: number;
  /** Share of the host's own variance that the mark took away: 1 when embedding cancels it, 2 / pi for orientation. */
  readonly cancelled: number;
}

/** Energy of a mark of relative strength rho (RMS of the change over RMS of the weights) on that many weights. */
export function markEnergy(weights: number, rho: number): number {
  return weights * rho * rho;
}

/**
 * A host-cancelling mark of the class with this energy: cancelling costs 1 per chip and the rest makes alpha, so that
 * chips * (alpha^2 + 1) = energy. null when cancelling alone takes it all.
 */
export function cancellingStrength(energy: number, payloadClass: PayloadClass): Strength | null {
  const rest = energy / chipCount(payloadClass) - 1;
  return rest > 0 ? { payloadClass, alpha: Math.sqrt(rest), cancelled: 1 } : null;
}

/** How strongly signs say a message of the class: every one of a chip's n / m signs adds |y|, whose mean is sqrt(2 / pi). */
export function orientationStrength(signs: number, payloadClass: PayloadClass): Strength {
  return { payloadClass, alpha: Math.sqrt((2 * signs) / (Math.PI * chipCount(payloadClass))), cancelled: 2 / Math.PI };
}

/** Mean of the soft statistic over all chips of untouched marked weights, in standard deviations under H0. */
export function expectedStatistic({ payloadClass, alpha }: Strength): number {
  return alpha * Math.sqrt(chipCount(payloadClass));
}

/** Smallest correlation at which the payload is read. null for the zero-bit class and when it is not read even at r = 1. */
export function decodesTo(strength: Strength): number | null {
  const { payloadClass, alpha, cancelled } = strength;
  const ratio = DECODE_RATIOS.get(payloadClass.payloadBits);
  if (ratio === undefined) return null;
  // alpha r = ratio sqrt(1 - cancelled r^2), and then the exact p-value must bear all payloads searched.
  const heard = ratio / Math.sqrt(alpha ** 2 + cancelled * ratio ** 2);
  const searched = correlationFor(
    statisticFor(THRESHOLDS.evidence - payloadClass.payloadBits),
    expectedStatistic(strength),
    cancelled,
  );
  return searched === null || heard > 1 ? null : Math.max(heard, searched);
}

/** Smallest correlation at which the mark is found at a level, all chips known; null when it is not found even at r = 1. */
export function detectsTo(strength: Strength, level: Exclude<Level, "none">): number | null {
  return correlationFor(statisticFor(THRESHOLDS[level]), expectedStatistic(strength), strength.cancelled);
}

/** Whether a mark of the class is worth embedding: read, or for zero bits found as strong evidence, down to r = .9. */
export function outlives(strength: Strength): boolean {
  const zeroBit = strength.payloadClass.payloadBits === 0;
  const reach = zeroBit ? detectsTo(strength, "strong") : decodesTo(strength);
  return reach !== null && reach <= LEAST_REACH;
}

/**
 * What a carrier embeds: the class of the payload where it fits, else the zero-bit mark, else nothing. Never another
 * class: a verifier that claims the payload looks for its class only.
 */
export function chooseClass(
  payloadBits: number,
  strengthOf: (payloadClass: PayloadClass) => Strength | null,
): Strength | null {
  for (const bits of payloadBits === 0 ? [0] : [payloadBits, 0]) {
    const strength = strengthOf(PAYLOAD_CLASSES.find((one) => one.payloadBits === bits) as PayloadClass);
    if (strength !== null && outlives(strength)) return strength;
  }
  return null;
}

/** Statistic whose bound on p is 2^log2P after the usual number of hypotheses. */
function statisticFor(log2P: number): number {
  return Math.sqrt(2 * Math.LN2 * (LOG2_HYPOTHESES - log2P));
}

/** r with full * r = threshold + MARGIN * sqrt(1 - cancelled r^2), in (0, 1]; null when there is none. */
function correlationFor(threshold: number, full: number, cancelled: number): number | null {
  const short = (r: number): number => threshold + MARGIN * Math.sqrt(Math.max(0, 1 - cancelled * r * r)) - full * r;
  if (short(1) > 0) return null;
  let low = 0;
  let high = 1;
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (short(middle) > 0) low = middle;
    else high = middle;
  }
  return high;
}
