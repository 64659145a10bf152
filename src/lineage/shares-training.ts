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
  MIN_BULK,
  SIGMAS,
  UNDECAYED,
  unscaled,
  WELL_TRAINED,
} from "./kept-training.ts";
import { MIN_DIRECTIONS, type Retention, type Sides, showsTraining } from "./learned-retention.ts";
import { isEvenShare, isModest, isModestThere, isOneTraining, isSimple } from "./modest-training.ts";
import type { LearnedRetention } from "./result.ts";

/** Spread of b over slices as a share of it, and L / b, that no two models have both ways of which one was made of the other. */
const MOST_SPREAD = 0.22;
const MOST_RATIO = 1.08;
/**
 * A whole training: L of KEPT, and L / b from which what training wrote is there as the initialisation is, when the other way
 * round L / b is at least the second figure. A sibling that trained longer has all that the first steps of any training write
 * (L / b up to 1.1), but not the other way round (.35 at most then); one that trained alike under more weight decay has L / b
 * of .9, but not L. A child has the parent's training, and the parent .6 of the child's, up to a continued pretraining as
 * long as its own (benchmarks/RESULTS.md, "Siblings"). More of a training, or of a start, than there was is weight decay of
 * the other side.
 */
const WHOLE = 0.8;
const WHOLE_BACK = 0.6;
/**
 * Where the start is whole in both, neither has gone far, and what was made of the other has nearly all of it. Classifiers of
 * one seed, on other samples of one source, had .99 and .78 of each other's first hundreds of steps.
 */
const KEPT_OF_INTACT = 0.95;
const BACK_OF_INTACT = 0.85;
/** L / b both ways from which as much of a training as of a start is gone. */
const ALIKE = 0.965;
/** L both ways from which a start is not asked for where it was cut off. */
const KEPT_OF_CUT = 0.85;
/** A large share: L = b, at most, and by the root of the product of L / b both ways, which decay does not change. */
const LARGE_AT_MOST = 1.25;
const LARGE_BOTH = 0.9;
/**
 * A small share: b is small, and hardly anything of the other training is found the other way round, well below the
 * correlation of what is left of the start (the root of the product of b both ways). With less of the start left than LITTLE
 * siblings had L / b up to .57, tenths of merges .71 and more; with more of it only an L / b near 1 will do.
 */
const SMALL_BULK = 0.45;
const SMALL_START = 0.7;
const LITTLE_START = 0.27;
const SMALL_SHARE = 0.7;
const NEAR_ONE = 0.9;
const SMALL_ERROR = 0.1;
/**
 * Siblings have L as large both ways round, and noise on one of them lowers its b alone, so that L / b is near 1: below this
 * share of that correlation it takes one and a half times the weights' own size.
 */
const SMALL_BACK = 0.4;
/** b over b the other way round, which is the square of sizes, over what it is in an average of two models of one size. */
const AS_LARGE = 1.25;
/** The other model is what most of the merge is, so that b is larger the other way round. */
const LARGER_BACK = 0.8;
const EVEN_BACK = 0.6;
/** A share below which nothing is built on it, however small its error. */
const MIN_SHARE = 0.05;

/**
 * Whether the two share more training than a common initialisation explains; it does not matter which is asked first. The
 * floors were set on language models: of others nearly all of a training is asked for.
 */
export function sharesTraining(retention: Retention, isNetwork: boolean): boolean {
  const { forward, backward } = unscaled(retention);
  if (isUneven(forward, backward) || isBetterThanStart(retention.outstanding)) return false;
  return isThere(forward, backward, isNetwork) || isThere(backward, forward, isNetwork);
}

/**
 * Whether the start is told unevenly over slices both ways round, or training is found better than the start: matrices that
 * began at zero have no start, and the first steps that siblings share stand for it. What was made of another had one side
 * even (.19 at most), and no more of the training than of the start one way round (benchmarks/RESULTS.md, "Siblings").
 */
function isUneven(one: LearnedRetention, other: LearnedRetention): boolean {
  if (!showsTraining(one) || !showsTraining(other)) return false;
  const isSpread = ({ spread, bulk }: LearnedRetention) => spread > MOST_SPREAD * Math.max(bulk, MIN_BULK);
  return (isSpread(one) && isSpread(other)) || isBetterThanStart({ forward: one, backward: other });
}

function isBetterThanStart(sides: Sides | null): boolean {
  if (sides === null) return false;
  const { forward, backward } = unscaled(sides);
  return [forward, backward].every((side) => side.directions >= MIN_DIRECTIONS && atLeast(side) > MOST_RATIO);
}

/** Whether both hold more than so many times as much of each other's training as of a start: then no start explains it. */
export function lacksStart({ forward, backward }: Retention, times: number): boolean {
  return atLeast(forward) > times && atLeast(backward) > times;
}

/** Whether nearly all of either training is in the other, as it is in a child of lower rank, of which no start is left. */
export function keepsTraining({ forward, backward }: Retention): boolean {
  return [forward, backward].every((side) => isKept(side, KEPT_OF_CUT));
}

function isThere(one: LearnedRetention, other: LearnedRetention, isNetwork: boolean): boolean {
  if (!showsTraining(one) || !(one.share >= MIN_SHARE)) return false;
  // Without a start there is nothing that L could be held against.
  if (!(one.bulk > 0 && other.bulk > 0)) return false;
  if (!isNetwork && (isSimple(one) || isSimple(other))) return isOneTraining(one, other);
  if (isModest(one)) return isModestThere(one, other) || (isSmallShare(one, other) && isEvenShare(one));
  if (isSmallShare(one, other)) return true;
  return isWhole(one, other, isNetwork ? KEPT : KEPT_OF_LITTLE) || isLargeShare(one, other);
}

function isWhole(one: LearnedRetention, other: LearnedRetention, floor: number): boolean {
  if (atLeast(one) < WHOLE || one.share > AT_MOST || one.bulk > AT_MOST) return false;
  const isClose = isIntact(one, other);
  if (!isKept(one, isAlike(one, other) ? KEPT : isClose ? KEPT_OF_INTACT : floor)) return false;
  if (Math.min(one.directions, other.directions) >= WELL_TRAINED) {
    return isBack(other, isClose ? BACK_OF_INTACT : WHOLE_BACK);
  }
  return showsTraining(other) && [one, other].every((side) => isKept(side, KEPT_OF_LITTLE));
}

/** Whether as much of either training is left as of the start: noise and a little of another model take from both. */
function isAlike(one: LearnedRetention, other: LearnedRetention): boolean {
  return Math.min(atLeast(one), atLeast(other)) >= ALIKE;
}

function isLargeShare(one: LearnedRetention, other: LearnedRetention): boolean {
  const [ratio, back] = [atLeast(one), atLeast(other)];
  if (isIntact(one, other) && !isAlike(one, other)) return false;
  const most = Math.max(one.bulk, other.bulk);
  // Where less is left of the start on either side, siblings that were both pruned have L = b as well.
  if (!isEven(one) || most > UNDECAYED || most < SMALL_BULK) return false;
  return ratio >= LARGE_SHARE && ratio <= LARGE_AT_MOST && Math.sqrt(ratio * back) >= LARGE_BOTH;
}

function isSmallShare(one: LearnedRetention, other: LearnedRetention): boolean {
  if (!isEven(one) || one.bulk >= SMALL_BULK || !showsTraining(other)) return false;
  if (other.bulk > UNDECAYED || other.bulk < LARGER_BACK * one.bulk || other.spread > EVEN_BACK * other.bulk)
    return false;
  const start = Math.sqrt(Math.max(0, one.bulk) * other.bulk);
  const isOther = other.share <= (isMerge(one, other) ? 1 : SMALL_BACK) * start && SIGMAS * other.error <= SMALL_ERROR;
  const ratio = atLeast(one);
  const isShare = ratio >= (start <= LITTLE_START ? SMALL_SHARE : NEAR_ONE) && ratio <= LARGE_AT_MOST;
  return isOther && start <= SMALL_START && isShare;
}

/**
 * Whether L is b everywhere, and the one is as much smaller than the other as strangers make one another when they are averaged:
 * of siblings that were both pruned by half L was b by chance, but not in all slices, or both were as large.
 */
function isMerge(one: LearnedRetention, other: LearnedRetention): boolean {
  const size = one.bulk ** 2 + (1 - one.bulk) ** 2;
  return isAsStart(one) && isEvenShare(one) && one.bulk <= AS_LARGE * size * other.bulk;
}

/** A side that shows no training of its own cannot be asked. */
function isBack(other: LearnedRetention, floor: number): boolean {
  return !showsTraining(other) || atLeast(other) >= floor;
}
