import { ALL_OF_START, type Sides } from "./learned-retention.ts";
import type { LearnedRetention } from "./result.ts";

/**
 * Directions per slice from which siblings share few of them. With fewer in either model, each must have nearly all of the
 * other's training: in large batches two orders of one text had .89 of each other's first steps.
 */
export const WELL_TRAINED = 5;
export const KEPT_OF_LITTLE = 0.95;
/** L from which a whole training is there, and above which the other side's weights decayed. */
export const KEPT = 0.87;
export const AT_MOST = 1.1;
/** L / b from which a large share of a training is there as it is of the start. */
export const LARGE_SHARE = 0.93;
/** b both ways round from which a start is whole in both, so that neither has gone far. */
const INTACT = 0.93;
/** How far L is from b at most, as a share of b, in a merge with a stranger. */
const AS_START = 0.04;
/** A share of a merge is the same in all slices. Few slices are even by chance. */
const EVEN = 0.3;
const SHARE_SLICES = 6;
/**
 * Weight decay makes one b small without any merge, and the other as large, up to 40; merges have w / (w^2 + (1 - w)^2), 1.21 at
 * most.
 */
export const UNDECAYED = 1.25;
/** The larger b of two models of which one was multiplied. */
const LEAST_FACTOR = 1.01;
/** The least b that anything is divided by. */
export const MIN_BULK = 1e-3;
/** Standard errors that are taken off L before it is held against either. */
export const SIGMAS = 3;

/**
 * Where all of the start is left in both, a factor between their matrices is nothing but that, and is taken out: it makes one
 * b larger than 1, while noise makes one smaller.
 */
export function unscaled({ forward, backward }: Sides): Sides {
  const product = forward.bulk * backward.bulk;
  const isScaled = Math.max(forward.bulk, backward.bulk) >= LEAST_FACTOR;
  if (!(product >= ALL_OF_START && isScaled)) return { forward, backward };
  const scale = Math.sqrt(backward.bulk / forward.bulk);
  return { forward: scaled(forward, scale), backward: scaled(backward, 1 / scale) };
}

function scaled(one: LearnedRetention, by: number): LearnedRetention {
  return { ...one, share: one.share * by, error: one.error * by, bulk: one.bulk * by, spread: one.spread * by };
}

/** The least that L / b is, with its error taken off; 0 where there is nothing of either. */
export function atLeast({ share, error, bulk }: LearnedRetention): number {
  const least = share - SIGMAS * error;
  return least > 0 ? least / Math.max(bulk, MIN_BULK) : 0;
}

/** Whether the start is whole in both. */
export function isIntact(one: LearnedRetention, other: LearnedRetention): boolean {
  return Math.min(one.bulk, other.bulk) >= INTACT;
}

/** Whether L is at least so much, with its error taken off. */
export function isKept({ share, error }: LearnedRetention, floor: number): boolean {
  return share - SIGMAS * error >= floor;
}

/**
 * The least that the squared cosine of what two models trained for can be: each L is the one's training projected onto the
 * other's, so that their product is 1 where one is a multiple of the other, and less for all else that either learned.
 */
export function squaredCosine(one: LearnedRetention, other: LearnedRetention): number {
  const least = ({ share, error }: LearnedRetention) => Math.max(0, share - SIGMAS * error);
  return least(one) * least(other);
}

/** Whether L is b, as it is in a merge with a stranger, whatever its share. */
export function isAsStart({ share, bulk }: LearnedRetention): boolean {
  return Math.abs(share - bulk) <= AS_START * bulk;
}

/** Whether a share of a training may be asked for at all. */
export function isEven({ slices, directions, spread, bulk }: LearnedRetention): boolean {
  return slices >= SHARE_SLICES && directions >= WELL_TRAINED && spread <= EVEN * bulk;
}
