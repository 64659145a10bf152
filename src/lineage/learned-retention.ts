import type { LearnedRetention } from "./result.ts";
import type { RetentionSums, SliceRetention } from "./retention.ts";

/** Slices that must be known before a verdict rests on them. */
export const MIN_SLICES = 3;
/** Directions per slice that training must have written: with fewer, all trainings of one start write the same ones. */
const MIN_DIRECTIONS = 3;
/** And from which siblings hardly share any of them. */
const WELL_TRAINED = 5;
/**
 * L / b from which what training wrote is as much there as the initialisation is: parent and child, or a share of a merge.
 * Siblings reached .58 and .27 at so many directions (benchmarks/RESULTS.md, "Siblings").
 */
const WHOLE = 0.8;
const WHOLE_OF_WELL_TRAINED = 0.6;
/** L that no sibling of a well trained base reaches, though the initialisation is there several times over (averages of both). */
const BEYOND_SIBLINGS = 0.5;
/** A share below which nothing is built on it, however small its error. */
const MIN_SHARE = 0.05;
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
  return {
    share: denominator > 0 ? total((one) => one.numerator) / denominator : 0,
    error: denominator > 0 ? Math.sqrt(total((one) => one.variance)) / denominator : Number.POSITIVE_INFINITY,
    bulk: total((one) => one.bulk) / sums.length,
    directions: total((one) => one.directions) / sums.length,
    slices: sums.length,
  };
}

/** Whether a model has trained enough for its training to be recognised. */
export function showsTraining({ slices, directions }: LearnedRetention): boolean {
  return slices >= MIN_SLICES && directions >= MIN_DIRECTIONS;
}

/** Whether the other model has so much of this one's training that a common initialisation does not explain it. */
export function sharesTraining(retention: LearnedRetention): boolean {
  const { share, error, bulk, directions } = retention;
  if (!showsTraining(retention)) return false;
  const atLeast = share - SIGMAS * error;
  if (!(share >= MIN_SHARE && atLeast > 0)) return false;
  if (directions < WELL_TRAINED) return atLeast >= WHOLE * bulk;
  return atLeast >= BEYOND_SIBLINGS || atLeast >= WHOLE_OF_WELL_TRAINED * bulk;
}
