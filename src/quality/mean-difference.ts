/** Interval around a mean that depends on how many independent blocks it is a mean over. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Two-sided. */
  readonly level: number;
  /** Blocks of consecutive tokens taken as independent. */
  readonly blocks: number;
}

const LEVEL = 0.95;
const Z = 1.959963984540054;
/** Fewer than this say nothing about their own spread. */
const LEAST_BLOCKS = 4;
/** Windows are cut until there are this many blocks ... */
const WANTED_BLOCKS = 16;
/** ... but never below this many tokens: neighbours depend on each other. */
const LEAST_TOKENS = 32;

/** Cuts runs of `lengths` tokens into blocks; their lengths in order. */
export function blockLengths(lengths: readonly number[]): number[] {
  const pieces = Math.ceil(WANTED_BLOCKS / lengths.length);
  return lengths.flatMap((length) => {
    const count = Math.max(1, Math.min(pieces, Math.floor(length / LEAST_TOKENS)));
    return Array.from(
      { length: count },
      (_, i) => Math.floor(((i + 1) * length) / count) - Math.floor((i * length) / count),
    );
  });
}

/**
 * 95 % interval of the mean of `values`, by Student's t over blocks: the mean is a ratio of sums over blocks, its
 * variance B / (B - 1) sum (s_b - mean n_b)^2 / n^2 (Cochran 1977, section 6.4). Null with fewer than four blocks.
 */
export function meanInterval(values: Float64Array, blocks: readonly number[]): Interval | null {
  if (blocks.length < LEAST_BLOCKS) return null;
  const mean = sum(values) / values.length;
  let squares = 0;
  let at = 0;
  for (const length of blocks) {
    squares += (sum(values.subarray(at, at + length)) - mean * length) ** 2;
    at += length;
  }
  const error = Math.sqrt((squares * blocks.length) / (blocks.length - 1)) / values.length;
  const reach = studentQuantile(blocks.length - 1) * error;
  return { low: mean - reach, high: mean + reach, level: LEVEL, blocks: blocks.length };
}

/**
 * The .975 quantile of Student's t by its expansion around the normal one (Abramowitz and Stegun 26.7.5); within .2 % from 3 on.
 */
export function studentQuantile(degrees: number): number {
  const z2 = Z * Z;
  const g1 = (z2 + 1) / 4;
  const g2 = ((5 * z2 + 16) * z2 + 3) / 96;
  const g3 = (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const g4 = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92_160;
  return Z * (1 + (g1 + (g2 + (g3 + g4 / degrees) / degrees) / degrees) / degrees);
}

export function sum(values: Float64Array | Uint8Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
