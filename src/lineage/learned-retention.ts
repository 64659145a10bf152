import type { LearnedRetention } from "./result.ts";
import type { RetentionSums, SliceRetention } from "./retention.ts";

/** Slices that must be known before a verdict rests on them. */
export const MIN_SLICES = 3;
/** Directions per slice that training must have written: with fewer, all trainings of one start write the same ones. */
const MIN_DIRECTIONS = 3;
/**
 * And from which siblings share few of them. With fewer in either model, each must have nearly all of the other's training:
 * in large batches two orders of one text had .89 of each other's first steps.
 */
const WELL_TRAINED = 5;
const KEPT_OF_LITTLE = 0.95;
/** Spread of b over slices as a share of it, and L / b, that no two models have both ways of which one was made of the other. */
const MOST_SPREAD = 0.22;
const MOST_RATIO = 1.08;
/** Slices of which the ratio is asked by themselves, where they show most directions. */
const LEAST_OUTSTANDING = 2;
/** Part of the slices that has fewest directions, and how many times as many (and as one more) any slice may count for. */
const FEW = 2;
const TIMES_FEW = 3;
/**
 * A whole training: L, and L / b, from which what training wrote is there as the initialisation is, when the other way round
 * L / b is at least the third figure. A sibling that trained longer has all that the first steps of any training write
 * (L / b up to 1.1), but not the other way round (.35 at most then); one that trained alike under more weight decay has L / b
 * of .9, but not L. A child has the parent's training, and the parent half of the child's, up to a continued pretraining as
 * long as its own (benchmarks/RESULTS.md, "Siblings"). More of a training, or of a start, than there was is weight decay of
 * the other side.
 */
const KEPT = 0.87;
const WHOLE = 0.8;
const WHOLE_BACK = 0.6;
/**
 * Where the start is whole in both, neither has gone far, and what was made of the other has nearly all of it. Classifiers of
 * one seed, on other samples of one source, had .97 and .66 of each other's first hundred steps.
 */
const INTACT = 0.93;
const KEPT_OF_INTACT = 0.95;
const BACK_OF_INTACT = 0.75;
const AT_MOST = 1.1;
/** A share of a merge is the same in all slices. Few slices are even by chance. */
const EVEN = 0.3;
const SHARE_SLICES = 6;
/** Weight decay makes one b small without any merge, and the other as large, up to 40; merges have w / (w^2 + (1 - w)^2), 1.21 at most. */
const UNDECAYED = 1.25;
/** A large share: L = b, and by the root of the product of L / b both ways, which decay does not change. */
const LARGE_SHARE = 0.93;
const LARGE_AT_MOST = 1.25;
const LARGE_BOTH = 0.9;
const LARGE_BACK = 0.45;
/**
 * A small share: b is small, and hardly anything of the other training is found the other way round, no more than the
 * correlation of what is left of the start (the root of the product of b both ways). With less of the start left than LITTLE
 * siblings had L / b up to .57, tenths of merges .71 and more; with more of it only an L / b near 1 will do.
 */
const SMALL_BULK = 0.45;
const SMALL_START = 0.7;
const LITTLE_START = 0.27;
const SMALL_SHARE = 0.7;
const NEAR_ONE = 0.9;
const SMALL_ERROR = 0.1;
/** The other model is what most of the merge is, so that b is larger the other way round. */
const LARGER_BACK = 0.8;
const EVEN_BACK = 0.6;
/** The product of b both ways from which a start is all there. */
const ALL_OF_START = 0.95;
/** A share below which nothing is built on it, however small its error. */
const MIN_SHARE = 0.05;
const MIN_BULK = 1e-3;
/** Standard errors that are taken off L before it is held against either. */
const SIGMAS = 3;
/** How much more of the initialisation must show with signs turned before they are taken for turned. */
const TURNED_GAIN = 0.25;
const TURNED_BULK = 0.5;

/** Of the base's training in the suspect, and of the suspect's in the base. */
interface Sides {
  readonly forward: LearnedRetention;
  readonly backward: LearnedRetention;
}

/** Learned retention over slices, both ways round. */
export interface Retention extends Sides {
  /** The same over the quarter of slices with most directions; null where those are too few to be asked by themselves. */
  readonly outstanding: Sides | null;
}

/**
 * L and b over all slices by least squares; of a slice with rows and columns turned where much more of the initialisation
 * shows then (choosing signs makes a little agreement out of nothing, so it must be much).
 */
export function learnedRetention(slices: readonly SliceRetention[]): Retention | null {
  if (slices.length === 0) return null;
  const chosen = slices.map((slice) => (isTurned(slice) ? slice.turned() : slice));
  const most = outstanding(chosen);
  return { ...bothWays(chosen), outstanding: most.length < LEAST_OUTSTANDING ? null : bothWays(most) };
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

/**
 * Whether the two share more training than a common initialisation explains; it does not matter which is asked first. The
 * floors were set on language models: of others nearly all of a training is asked for.
 */
export function sharesTraining(retention: Retention, isNetwork = true): boolean {
  const { forward, backward } = unscaled(retention);
  if (isUneven(forward, backward) || isBetterThanStart(retention.outstanding)) return false;
  const floor = isNetwork ? KEPT : KEPT_OF_LITTLE;
  return isThere(forward, backward, floor) || isThere(backward, forward, floor);
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

/** Where all of the start is left in both, a factor between their matrices is nothing but that, and is taken out. */
function unscaled({ forward, backward }: Sides): Sides {
  const product = forward.bulk * backward.bulk;
  if (!(forward.bulk > 0 && product >= ALL_OF_START)) return { forward, backward };
  const scale = Math.sqrt(backward.bulk / forward.bulk);
  return { forward: scaled(forward, scale), backward: scaled(backward, 1 / scale) };
}

function scaled(one: LearnedRetention, by: number): LearnedRetention {
  return { ...one, share: one.share * by, error: one.error * by, bulk: one.bulk * by, spread: one.spread * by };
}

function isThere(one: LearnedRetention, other: LearnedRetention, floor: number): boolean {
  if (!showsTraining(one) || !(one.share >= MIN_SHARE)) return false;
  return isWhole(one, other, floor) || isLargeShare(one, other) || isSmallShare(one, other);
}

function isWhole(one: LearnedRetention, other: LearnedRetention, floor: number): boolean {
  if (atLeast(one) < WHOLE || !isKept(one, floor) || one.share > AT_MOST || one.bulk > AT_MOST) return false;
  const isClose = isIntact(one, other);
  if (isClose && !isKept(one, KEPT_OF_INTACT)) return false;
  if (Math.min(one.directions, other.directions) >= WELL_TRAINED) {
    return isBack(other, isClose ? BACK_OF_INTACT : WHOLE_BACK);
  }
  return showsTraining(other) && [one, other].every((side) => isKept(side, KEPT_OF_LITTLE));
}

function isIntact(one: LearnedRetention, other: LearnedRetention): boolean {
  return Math.min(one.bulk, other.bulk) >= INTACT;
}

function isKept({ share, error }: LearnedRetention, floor: number): boolean {
  return share - SIGMAS * error >= floor;
}

function isLargeShare(one: LearnedRetention, other: LearnedRetention): boolean {
  const [ratio, back] = [atLeast(one), atLeast(other)];
  if (!isEven(one) || isIntact(one, other) || Math.max(one.bulk, other.bulk) > UNDECAYED) return false;
  return isBack(other) && ratio >= LARGE_SHARE && ratio <= LARGE_AT_MOST && Math.sqrt(ratio * back) >= LARGE_BOTH;
}

function isSmallShare(one: LearnedRetention, other: LearnedRetention): boolean {
  if (!isEven(one) || one.bulk >= SMALL_BULK || !showsTraining(other)) return false;
  if (other.bulk > UNDECAYED || other.bulk < LARGER_BACK * one.bulk || other.spread > EVEN_BACK * other.bulk)
    return false;
  const start = Math.sqrt(Math.max(0, one.bulk) * other.bulk);
  const isOther = other.share <= start && SIGMAS * other.error <= SMALL_ERROR;
  return isOther && start <= SMALL_START && atLeast(one) >= (start <= LITTLE_START ? SMALL_SHARE : NEAR_ONE);
}

/** A side that shows no training of its own cannot be asked. */
function isBack(other: LearnedRetention, floor = LARGE_BACK): boolean {
  return !showsTraining(other) || atLeast(other) >= floor;
}

/** Whether a share of it may be asked for at all. */
function isEven({ slices, directions, spread, bulk }: LearnedRetention): boolean {
  return slices >= SHARE_SLICES && directions >= WELL_TRAINED && spread <= EVEN * bulk;
}

/** The least that L / b is, with its error taken off; 0 where there is nothing of either. */
function atLeast({ share, error, bulk }: LearnedRetention): number {
  const least = share - SIGMAS * error;
  return least > 0 ? least / Math.max(bulk, MIN_BULK) : 0;
}
