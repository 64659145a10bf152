import type { LearnedRetention } from "./result.ts";
import type { RetentionSums, SliceRetention } from "./retention.ts";

/** Slices that must be known before a verdict rests on them. */
export const MIN_SLICES = 3;
/** Directions per slice that training must have written: with fewer, all trainings of one start write the same ones. */
const MIN_DIRECTIONS = 3;
/** And from which siblings share few of them. */
const WELL_TRAINED = 5;
/**
 * L, and L / b, from which what training wrote is there as the initialisation is, when the other way round L / b is at least
 * the third figure. A sibling that trained longer has all that the first steps of any training write (L / b up to 1.1),
 * but not the other way round (.35 at most then); one that trained alike under more weight decay has L / b of .9, but not L.
 * A child has the parent's training, and the parent half of the child's, up to a continued pretraining as long as its own
 * (benchmarks/RESULTS.md, "Siblings").
 */
const KEPT = 0.87;
const WHOLE = 0.8;
const WHOLE_BACK = 0.45;
/**
 * A share of a merge: L = b, and the same b in all slices. With little of their start left siblings had L / b up to .57,
 * tenths of merges .71 and more; with more of it only an L / b near 1 will do.
 */
const SMALL_BULK = 0.45;
const SMALL_SHARE = 0.7;
const LARGE_SHARE = 0.93;
const EVEN = 0.3;
/**
 * Weight decay makes b small without any merge. It makes the other b large by as much: above 2 in siblings that could pass
 * for merges, with .82 for the root of the product of the two, the correlation of what is left of the start. Merges have 1.15
 * and less, and .63 up to a share of .45.
 */
const UNDECAYED_BACK = 1.25;
const SMALL_START = 0.7;
const SMALL_BACK = 0.75;
const NEAR_ONE = 0.9;
/** Few slices are even by chance. */
const SHARE_SLICES = 6;
const LARGE_BOTH = 0.85;
/** A share below which nothing is built on it, however small its error. */
const MIN_SHARE = 0.05;
const MIN_BULK = 1e-3;
/** Standard errors that are taken off L before it is held against either. */
const SIGMAS = 3;
/** How much more of the initialisation must show with signs turned before they are taken for turned. */
const TURNED_GAIN = 0.25;
const TURNED_BULK = 0.5;

/** Learned retention over slices, both ways round. */
export interface Retention {
  /** Of the base's training in the suspect, and of the suspect's in the base. */
  readonly forward: LearnedRetention;
  readonly backward: LearnedRetention;
}

/**
 * L and b over all slices by least squares; of a slice with rows and columns turned where much more of the initialisation
 * shows then (choosing signs makes a little agreement out of nothing, so it must be much).
 */
export function learnedRetention(slices: readonly SliceRetention[]): Retention | null {
  if (slices.length === 0) return null;
  const chosen = slices.map((slice) => (isTurned(slice) ? slice.turned() : slice));
  return { forward: combine(chosen.map((s) => s.forward)), backward: combine(chosen.map((s) => s.backward)) };
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
    directions: total((one) => one.directions) / sums.length,
    slices: sums.length,
  };
}

/** Whether a model has trained enough for its training to be recognised. */
export function showsTraining({ slices, directions }: LearnedRetention): boolean {
  return slices >= MIN_SLICES && directions >= MIN_DIRECTIONS;
}

/** Whether the two share more training than a common initialisation explains; it does not matter which is asked first. */
export function sharesTraining({ forward, backward }: Retention): boolean {
  return isThere(forward, backward) || isThere(backward, forward);
}

function isThere(one: LearnedRetention, other: LearnedRetention): boolean {
  if (!showsTraining(one) || !(one.share >= MIN_SHARE)) return false;
  const ratio = atLeast(one);
  const isTrained = one.directions >= WELL_TRAINED;
  // A side that shows no training of its own cannot be asked; then the first must show it well.
  const back = showsTraining(other) ? atLeast(other) >= WHOLE_BACK : isTrained;
  if (back && ratio >= WHOLE && one.share - SIGMAS * one.error >= KEPT) return true;
  if (!isTrained || one.spread > EVEN * one.bulk) return false;
  if (one.bulk < SMALL_BULK) {
    if (other.bulk > UNDECAYED_BACK || Math.sqrt(one.bulk * Math.max(0, other.bulk)) > SMALL_START) return false;
    const floor = other.bulk <= SMALL_BACK ? SMALL_SHARE : NEAR_ONE;
    return one.slices >= SHARE_SLICES && ratio >= floor;
  }
  return back && ratio >= LARGE_SHARE && Math.sqrt(ratio * atLeast(other)) >= LARGE_BOTH;
}

/** The least that L / b is, with its error taken off; 0 where there is nothing of either. */
function atLeast({ share, error, bulk }: LearnedRetention): number {
  const least = share - SIGMAS * error;
  return least > 0 ? least / Math.max(bulk, MIN_BULK) : 0;
}
