import {
  AT_MOST,
  atLeast,
  isAsStart,
  isEven,
  isIntact,
  isKept,
  KEPT,
  KEPT_OF_LITTLE,
  LARGE_SHARE,
  SIGMAS,
  squaredCosine,
  UNDECAYED,
  WELL_TRAINED,
} from "./kept-training.ts";
import { ALL_OF_START, showsTraining } from "./learned-retention.ts";
import type { LearnedRetention } from "./result.ts";

/**
 * Directions per slice of a parent below which its training is asked for by L alone. Rounding and noise of a sibling lower b,
 * and so raise L / b, but leave L: siblings that learn one task have up to .94 of each other's, or all of the shorter one.
 */
const MODEST = 10;
/** L the other way round, of a child that is well trained as well. */
const MOST_OF_BACK = 0.83;
/**
 * Directions per slice (16 are counted at most), and slices, up to which a net whose names tell no attention may have learned a
 * simple task: residual perceptrons of 14 linears that learned 64 figures had 11 directions and 12 slices.
 */
const SIMPLE_DIRECTIONS = 14;
const SIMPLE_SLICES = 8;
/**
 * The squared cosine of two trainings of what names do not tell for an attention with its network: a simple task writes much the
 * same directions in all that learn it from one start. Small nets of one seed that learned it in another order have up to .987,
 * and .994 under strong weight decay (1e-3 of a step and more), which few bounds could tell; light fine-tunes have .98 to .999,
 * most of them .99 and more.
 */
const ONE_TRAINING = 0.99;
/**
 * No cosine is larger than 1, but for its error: where a start has decayed away, what is taken for training is something else.
 */
const MORE_THAN_ONE = 1.02;
/**
 * Standard error of L, which is what else the one has than the other: fine-tunes had .002, runs under strong decay that end in
 * the same place .0025 and more.
 */
const LITTLE_ELSE = 0.002;
/**
 * The product of b both ways of two models that have all of one start, and nothing but its noise in the lower half of their
 * spectra.
 */
const MORE_THAN_START = 1.05;
/** Spread of b over slices as a share of it: in a merge b is its share everywhere, noise is not the same in all matrices. */
const EVEN_EVERYWHERE = 0.06;
const EVEN_SHARE = 0.12;

/**
 * Whether a small share is as much of a training as of the start, everywhere: half of the weights pruned, or rounding to two
 * bits, lowers b of a sibling to about L, but not so evenly.
 */
export function isEvenShare(one: LearnedRetention): boolean {
  const { share, error, bulk, spread } = one;
  const isAlike = isAsStart(one) || Math.abs(share - bulk) <= SIGMAS * error;
  return isAlike && spread <= EVEN_SHARE * bulk;
}

export function isModest({ directions }: LearnedRetention): boolean {
  return directions < MODEST;
}

/** Whether a net whose names do not tell an attention with its network is so small that `isOneTraining` is asked. */
export function isSimple({ directions, slices }: LearnedRetention): boolean {
  return directions < SIMPLE_DIRECTIONS || slices <= SIMPLE_SLICES;
}

/** Whether two such nets hold one start and one training, and hardly anything else. */
export function isOneTraining(one: LearnedRetention, other: LearnedRetention): boolean {
  const start = one.bulk * other.bulk;
  if (!(start >= ALL_OF_START && start <= MORE_THAN_START)) return false;
  if (one.share * other.share > MORE_THAN_ONE) return false;
  if ([one.share, other.share, one.bulk, other.bulk].some((value) => value > UNDECAYED)) return false;
  if ([one, other].some(({ spread, bulk }) => spread > EVEN_EVERYWHERE * bulk)) return false;
  if (Math.max(one.error, other.error) > LITTLE_ELSE) return false;
  return showsTraining(one) && showsTraining(other) && squaredCosine(one, other) >= ONE_TRAINING;
}

/**
 * Whether the training of a parent that trained modestly is in the other: nearly all of it, or a share of it, the same as of
 * the start in every slice, where all that the other has trained for is the parent's.
 */
export function isModestThere(one: LearnedRetention, other: LearnedRetention): boolean {
  if (one.share > AT_MOST || one.bulk > AT_MOST) return false;
  const isAllBack = showsTraining(other) && isKept(other, KEPT_OF_LITTLE);
  if (isKept(one, KEPT_OF_LITTLE) && isAllBack) return true;
  if (Math.min(one.directions, other.directions) >= WELL_TRAINED) {
    if (isKept(one, KEPT_OF_LITTLE) && isKept(other, MOST_OF_BACK)) return true;
    if (isKept(one, KEPT) && isAllBack && atLeast(one) >= LARGE_SHARE) return true;
  }
  const isEverywhere = isEven(one) && one.spread <= EVEN_EVERYWHERE * one.bulk && other.bulk <= UNDECAYED;
  return !isIntact(one, other) && isEverywhere && isAsStart(one) && (isAllBack || !showsTraining(other));
}
