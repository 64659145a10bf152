import type { LearnedRetention } from "./result.ts";
import type { RetentionSums, SignedRetention, SliceRetention } from "./retention.ts";

/** Slices that must be known before a verdict rests on them. */
export const MIN_SLICES = 3;
/** Directions per slice that training must have written: with fewer, all trainings of one start write the same ones. */
export const MIN_DIRECTIONS = 3;
/** Slices of which the ratio is asked by themselves, where they show most directions. */
const LEAST_OUTSTANDING = 2;
/** Part of the slices that has fewest directions, and how many times as many (and as one more) any slice may count for. */
const FEW = 2;
const TIMES_FEW = 3;
/** How much more of the initialisation must show with signs turned before they are taken for turned. */
const TURNED_GAIN = 0.25;
const TURNED_BULK = 0.5;

/** Of the base's training in the suspect, and of the suspect's in the base. */
export interface Sides {
  readonly forward: LearnedRetention;
  readonly backward: LearnedRetention;
}

/** Learned retention over slices, both ways round. */
export interface Retention extends Sides {
  /** The same over the quarter of slices with most directions; null where those are too few to be asked by themselves. */
  readonly outstanding: Sides | null;
}

/** L and b over all slices by least squares, each as it is seen. */
export function learnedRetention(slices: readonly SliceRetention[]): Retention | null {
  if (slices.length === 0) return null;
  const chosen = slices.map((slice) => unscaled(asSeen(slice)));
  const most = outstanding(chosen);
  return { ...bothWays(chosen), outstanding: most.length < LEAST_OUTSTANDING ? null : bothWays(most) };
}

/** The product of b both ways from which a start is all there. */
export const ALL_OF_START = 0.95;
/** The larger b of a slice that was multiplied. */
const SCALED = 1.2;

/**
 * Without the factor of a slice of which all of the start is left: matrices may be multiplied so that the model stays the same.
 */
function unscaled(slice: Pick<SliceRetention, keyof Sides>): Pick<SliceRetention, keyof Sides> {
  const { forward, backward } = slice;
  const isWhole = forward.bulk * backward.bulk >= ALL_OF_START;
  if (!isWhole || Math.max(forward.bulk, backward.bulk) < SCALED) return slice;
  const factor = Math.sqrt(backward.bulk / forward.bulk);
  return { forward: scaled(forward, factor), backward: scaled(backward, 1 / factor) };
}

function scaled(sums: RetentionSums, by: number): RetentionSums {
  const { numerator, variance, bulk, bulkVariance } = sums;
  return {
    ...sums,
    numerator: numerator * by,
    variance: variance * by * by,
    bulk: bulk * by,
    bulkVariance: bulkVariance * by * by,
  };
}

function bothWays(slices: readonly Pick<SliceRetention, keyof Sides>[]): Sides {
  return { forward: combine(slices.map((s) => s.forward)), backward: combine(slices.map((s) => s.backward)) };
}

/** The quarter of slices that show most directions, both ways round, and any that show as many as the last of them. */
function outstanding<T extends Pick<SliceRetention, keyof Sides>>(slices: readonly T[]): T[] {
  const fewer = ({ forward, backward }: T): number => Math.min(forward.directions, backward.directions);
  const counts = slices.map(fewer).sort((a, b) => b - a);
  const least = counts[Math.ceil(counts.length / 4) - 1]!;
  return slices.filter((slice) => fewer(slice) >= least);
}

/**
 * A slice as it lies, or with rows and columns turned where much more of the initialisation shows then (choosing signs makes a
 * little agreement out of nothing, so it must be much).
 */
export function asSeen(slice: SliceRetention): SignedRetention {
  return isTurned(slice) ? slice.turned() : slice;
}

function isTurned(slice: SliceRetention): boolean {
  if (slice.forward.bulk >= 1 - TURNED_GAIN) return false;
  const { bulk } = slice.turned().forward;
  return bulk >= TURNED_BULK && bulk - slice.forward.bulk >= TURNED_GAIN;
}

function combine(sums: readonly RetentionSums[]): LearnedRetention {
  const total = (of: (one: RetentionSums) => number): number => sums.reduce((sum, one) => sum + of(one), 0);
  const denominator = total((one) => one.denominator);
  const bulk = total((one) => one.bulk) / sums.length;
  // Less what the error of each b alone would make of it.
  const spread = total((one) => (one.bulk - bulk) ** 2 - one.bulkVariance) / sums.length;
  return {
    share: denominator > 0 ? total((one) => one.numerator) / denominator : 0,
    error: denominator > 0 ? Math.sqrt(total((one) => one.variance)) / denominator : Number.POSITIVE_INFINITY,
    bulk,
    spread: Math.sqrt(Math.max(0, spread)),
    directions: directionsOf(sums.map((one) => one.directions)),
    slices: sums.length,
  };
}

/**
 * Directions per slice. A matrix that began at zero holds nothing but training, as much as slices are asked for from the
 * first step on, and would speak for others that hardly trained: no slice counts for more than some times the half that
 * has fewest.
 */
function directionsOf(counts: readonly number[]): number {
  const sorted = [...counts].sort((a, b) => a - b);
  const few = sorted.slice(0, Math.ceil(sorted.length / FEW));
  const most = TIMES_FEW * (1 + few.reduce((sum, n) => sum + n, 0) / few.length);
  return counts.reduce((sum, n) => sum + Math.min(n, most), 0) / counts.length;
}

/** Whether a model has trained enough for its training to be recognised. */
export function showsTraining({ slices, directions }: LearnedRetention): boolean {
  return slices >= MIN_SLICES && directions >= MIN_DIRECTIONS;
}
