import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { labelsHaveOrder } from "./label-order.ts";
import { type Axis, axisOf, type MatrixPair, pairStack, residualPairs } from "./matrix-pair.ts";
import { rememberedByPair } from "./pair-memo.ts";
import type { Pairing } from "./pairing.ts";

/** Correlation of column energy and column number beyond this many standard errors means sorted labels. */
const SORTED_SIGMA = 4;

/** Rows of a sinusoidal position table all have the norm sqrt(width / 2); learned ones never do to this accuracy. */
const SINUSOIDAL_SPREAD = 0.01;

/**
 * Axes on which the labels of BOTH models are sorted by size (importance-ordered neurons, principal components): labels are
 * not exchangeable there and a permutation test would see the sorting. Fixed sinusoidal positions order the residual
 * dimensions by frequency from the start, in every model that uses them.
 */
export function sortedAxes(suspect: Fingerprint, base: Fingerprint, pairs: readonly MatrixPair[]): Set<Axis> {
  const sorted = new Set<Axis>();
  if ([suspect, base].every(hasSinusoidalPositions) || isSorted(residualPairs(pairs))) sorted.add("residual");
  // Neurons of different layers are different labels: most layers must be sorted, each by itself.
  const neurons = pairs.filter((p) => axisOf(p) === "neurons");
  if (2 * neurons.filter((pair) => isSorted([pair])).length > neurons.length) sorted.add("neurons");
  return sorted;
}

/** The pairs whose own labels are not sorted: labels of different matrices may or may not be the same ones. */
export function unsortedChannels(pairs: readonly MatrixPair[]): MatrixPair[] {
  return pairs.filter((pair) => axisOf(pair) !== "channels" || !isSorted([pair]));
}

/**
 * Axes on which neighbouring labels resemble each other in both models: see label-order.ts. A costlier look, worth taking
 * only before something is claimed.
 */
export function orderedAxes(pairs: readonly MatrixPair[]): Set<Axis> {
  const ordered = new Set<Axis>();
  if (haveOrder(residualPairs(pairs))) ordered.add("residual");
  const neurons = pairs.filter((p) => axisOf(p) === "neurons");
  if (2 * neurons.filter((pair) => hasOrder(pair)).length > neurons.length) {
    ordered.add("neurons");
  }
  return ordered;
}

/** A way without the pairs of hidden units whose own labels have an order: filters, transforms, tables of positions. */
export function withoutOrder(way: Pairing): Pairing {
  const pairs = way.pairs.filter((pair) => axisOf(pair) !== "channels" || !hasOrder(pair));
  return pairs.length === way.pairs.length ? way : { ...way, pairs };
}

/** The same pairs are asked again where content lays what names laid already. */
const hasOrder = rememberedByPair((pair: MatrixPair): boolean => haveOrder([pair]));

function haveOrder(pairs: readonly MatrixPair[]): boolean {
  const stack = pairStack(pairs);
  return stack !== null && labelsHaveOrder(stack);
}

function hasSinusoidalPositions({ sketches }: Fingerprint): boolean {
  return sketches.some(
    (s) =>
      s.role === "position" &&
      s.sampled.length >= 8 &&
      s.moments.rms > 0 &&
      s.moments.rowNormSpread < SINUSOIDAL_SPREAD,
  );
}

function isSorted(pairs: readonly MatrixPair[]): boolean {
  return (["suspect", "base"] as const).every((side) => sortedSigma(pairs.map((p) => p[side])) > SORTED_SIGMA);
}

/** |mean correlation| in standard errors of one matrix: what all matrices have in common is not averaged away. */
function sortedSigma(sketches: readonly MatrixSketch[]): number {
  if (sketches.length === 0) return 0;
  const cols = sketches[0]!.cols;
  const mean = sketches.reduce((sum, s) => sum + s.moments.columnOrder, 0) / sketches.length;
  return Math.abs(mean) * Math.sqrt(cols);
}
