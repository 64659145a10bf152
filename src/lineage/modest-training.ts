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
  UNDECAYED,
  WELL_TRAINED,
} from "./kept-training.ts";
import { showsTraining } from "./learned-retention.ts";
import type { LearnedRetention } from "./result.ts";

/**
 * Directions per slice of a parent below which its training is asked for by L alone. Rounding and noise of a sibling lower b,
 * and so raise L / b, but leave L: siblings that learn one task have up to .94 of each other's, or all of the shorter one.
 */
const MODEST = 10;
/** L the other way round, of a child that is well trained as well. */
const MOST_OF_BACK = 0.83;
/**
 * L both ways of whatever names do not tell for an attention with its network: perceptrons of one seed that learned digits in
 * another order, or nine tenths of them, have up to .95 of each other's training, and more where they are one training, run twice.
 */
const KEPT_OF_OTHERS = 0.955;
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

/**
 * Whether the training of a parent that trained modestly is in the other: nearly all of it, or a share of it, the same as of
 * the start in every slice, where all that the other has trained for is the parent's.
 */
export function isModestThere(one: LearnedRetention, other: LearnedRetention, isNetwork: boolean): boolean {
  if (one.share > AT_MOST || one.bulk > AT_MOST) return false;
  const isAllBack = showsTraining(other) && isKept(other, KEPT_OF_LITTLE);
  if (!isNetwork) return [one, other].every((side) => showsTraining(side) && isKept(side, KEPT_OF_OTHERS));
  if (isKept(one, KEPT_OF_LITTLE) && isAllBack) return true;
  if (Math.min(one.directions, other.directions) >= WELL_TRAINED) {
    if (isKept(one, KEPT_OF_LITTLE) && isKept(other, MOST_OF_BACK)) return true;
    if (isKept(one, KEPT) && isAllBack && atLeast(one) >= LARGE_SHARE) return true;
  }
  const isEverywhere = isEven(one) && one.spread <= EVEN_EVERYWHERE * one.bulk && other.bulk <= UNDECAYED;
  return !isIntact(one, other) && isEverywhere && isAsStart(one) && (isAllBack || !showsTraining(other));
}
