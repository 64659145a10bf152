import { WeightmarkError } from "../errors.ts";
import { logBinomial, logFactorial } from "./gamma.ts";

/**
 * log10 of the bound P(K >= k) <= E C(K, k) = C(k0, k) (n - k)! / n!, where K counts how many of k0 given pairs
 * (label, other label) a uniformly random permutation of n labels hits. Exact factorial moments, no asymptotics.
 *
 * The bound falls with k (the ratio of neighbours is (k0 - k) / ((k + 1)(n - k)) <= 1), so no smaller k gives a better
 * one, and neither does any other factorial moment E C(K, j) / C(k, j), j < k. 0 for k = 0, -Infinity for k > k0.
 */
export function log10FixedPointTail(n: number, k0: number, k: number): number {
  if (!isCount(n) || !isCount(k0) || !isCount(k) || k0 > n) {
    throw new WeightmarkError("INTERNAL", `fixed-point tail of impossible counts: n = ${n}, k0 = ${k0}, k = ${k}`);
  }
  if (k > k0) return Number.NEGATIVE_INFINITY;
  return Math.min(0, logMoment(n, k0, k)) / Math.LN10;
}

/** Labels that move only among themselves, and how many pairs (label, other label) of them are given. */
export interface LabelRun {
  readonly labels: number;
  readonly pairs: number;
}

/**
 * The same for runs of labels that are permuted each by itself, with k pairs hit in all: E C(K, k) is the coefficient of x^k in
 * the product over runs of their factorial moments.
 */
export function log10FixedPointTailOfRuns(runs: readonly LabelRun[], k: number): number {
  let moments = [0];
  for (const { labels, pairs } of runs) {
    const own = Array.from({ length: pairs + 1 }, (_, j) => logMoment(labels, pairs, j));
    const most = Math.min(k, moments.length - 1 + pairs);
    moments = Array.from({ length: most + 1 }, (_, sum) =>
      logSum(own.map((x, j) => x + (moments[sum - j] ?? Number.NEGATIVE_INFINITY))),
    );
  }
  return Math.min(0, moments[k] ?? Number.NEGATIVE_INFINITY) / Math.LN10;
}

function logSum(terms: readonly number[]): number {
  const largest = Math.max(...terms);
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
}

/** ln of C(k0, k) (n - k)! / n!. */
function logMoment(n: number, k0: number, k: number): number {
  return logBinomial(k0, k) - logBinomial(n, k) - logFactorial(k);
}

/** How many of the 24 orders of four leave none, one, ... of them in place. */
const ORDERS_OF_FOUR = [9, 8, 6, 0, 1].map((count) => count / 24);

/**
 * log10 P(K >= k), where K counts what `fours` independent and uniformly random orders of four leave in place: the exact
 * distribution, summed from its small end. 0 for k = 0, -Infinity for k > 4 fours.
 */
export function log10FoursTail(fours: number, k: number): number {
  let chances = Float64Array.of(1);
  for (let i = 0; i < fours; i++) {
    const next = new Float64Array(chances.length + 4);
    for (let j = 0; j < chances.length; j++)
      for (let more = 0; more < ORDERS_OF_FOUR.length; more++) next[j + more]! += chances[j]! * ORDERS_OF_FOUR[more]!;
    chances = next;
  }
  return Math.min(0, Math.log10(chances.subarray(k).reduceRight((sum, chance) => sum + chance, 0)));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
