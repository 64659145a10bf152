/** Distance of the largest value from zero, in steps: an 8-bit grid with its zero at one end. */
const MAX_QUOTIENT = 255;
/** Grid points from the lowest to the highest value in use, zero included. */
const MAX_LEVELS = 256;
/** Steps tried per quotient of the largest value, spread evenly over what its own rounding leaves open. */
const TRIES = 33;
/**
 * In units of the last place: half a unit for the rounding, an eighth of that for values rounded to a finer format before,
 * and another eighth for the distance between the true step and the nearest one tried (at most .07 of half a unit).
 */
const TOLERANCE = 0.5 * 1.25;
/** A window of +- TOLERANCE is 1.25 units wide: at most two storable values. */
const VALUES_PER_LEVEL = 2;
/** Significant bits taken at their word: bf16 has 8; beyond 16 the noise of dequantising arithmetic exceeds the format's. */
const MIN_BITS = 8;
const MAX_BITS = 16;
/** Expected number of grids of this step or a larger one that chance finds in values without a grid. */
const LOG_MAX_CHANCE = Math.log(1e-4);

export interface Grid {
  /** Distance of neighbouring levels. */
  readonly step: number;
  /** Grid points from the lowest to the highest value in use, zero included: 15 for symmetric int4, up to 255 for int8. */
  readonly levels: number;
}

/**
 * The evenly spaced grid through zero of at most 256 levels that all the values lie on, up to the rounding of the format
 * they were stored in (bf16 or finer), or null. The largest such step, fitted by least squares. `values` is one
 * quantisation group in any order; infinities and NaN lie on no grid, and zeros alone on no particular one. Bounded
 * work: at most 8,415 steps, nearly all refused at the first value or two.
 *
 * Lying on a grid is not enough: a few values always lie on one, and bf16 values are coarse themselves (near 127 steps
 * each is within its rounding of a level). So every distinct size below the largest has to be a coincidence under the
 * opposite assumption: of the storable values around it, a share of 2 ulp / step falls to a level. The product of the
 * shares, times the number of steps tried so far, must be at most 1e-4. Repeated sizes, zeros and the largest size (the
 * step is fitted to it) are no evidence. Stored as f32 or f16, groups of 16 and even 8 are found; as bf16, symmetric
 * int4 needs about 32 values and int8 about 32, and int3 has too few levels to be told from chance.
 */
export function levelsOnGrid(values: Float32Array): Grid | null {
  const sizes = distinctSizes(values);
  const count = sizes.length;
  // One stored value per level and sign: more distinct sizes than levels is no grid.
  if (count < 2 || count > MAX_QUOTIENT || !Number.isFinite(sizes[count - 1])) return null;
  const units = unitsInLastPlace(sizes);
  const largest = sizes[count - 1]!;
  const slack = TOLERANCE * units[count - 1]!;

  // A smaller quotient would put the smallest size between zero and the first level.
  const start = Math.max(1, Math.floor((0.98 * largest) / sizes[0]!));
  // Chance only grows as steps shrink: what the largest step could not show (two values, say) no other will.
  if (logShare(units, (largest + slack) / start) > LOG_MAX_CHANCE - Math.log(start * TRIES)) return null;
  for (let quotient = start; quotient <= MAX_QUOTIENT; quotient++) {
    const maxLogShare = LOG_MAX_CHANCE - Math.log(quotient * TRIES);
    for (let i = 0; i < TRIES; i++) {
      const step = (largest + slack * ((2 * i) / (TRIES - 1) - 1)) / quotient;
      if (!onGrid(sizes, units, step)) continue;
      if (logShare(units, step) > maxLogShare) break;
      const grid = fittedGrid(values, step);
      // Near 256 levels a coarse value can fall to either of two: another step may keep the span.
      if (grid.levels <= MAX_LEVELS) return grid;
    }
  }
  return null;
}

/** The distinct non-zero absolute values, ascending (NaN last). */
function distinctSizes(values: Float32Array): Float32Array {
  const sorted = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) sorted[i] = Math.abs(values[i]!);
  sorted.sort();
  let count = 0;
  for (const size of sorted) {
    if (size === 0 || (count > 0 && size === sorted[count - 1])) continue;
    sorted[count++] = size;
  }
  return sorted.subarray(0, count);
}

/** Spacing of the storage format at each size, its precision taken from the most significant bits any of them uses. */
function unitsInLastPlace(sizes: Float32Array): Float32Array {
  const bits = new Uint32Array(sizes.slice().buffer);
  let trailingZeros = 24 - MIN_BITS;
  for (const word of bits) {
    const mantissa = word & 0x7fffff;
    if (mantissa !== 0) trailingZeros = Math.min(trailingZeros, 31 - Math.clz32(mantissa & -mantissa));
  }
  const significant = Math.min(MAX_BITS, 24 - trailingZeros);
  // The exponent field alone is the power of two at or below the size; subnormals become 0 and match exactly or not at all.
  for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & 0x7f800000;
  const binades = new Float32Array(bits.buffer);
  const unit = 2 ** (1 - significant);
  for (let i = 0; i < binades.length; i++) binades[i] = binades[i]! * unit;
  return binades;
}

/** Whether every size is within its rounding of a non-zero multiple of `step`. The small sizes are the strict ones. */
function onGrid(sizes: Float32Array, units: Float32Array, step: number): boolean {
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!;
    if (Math.abs(size - Math.round(size / step) * step) > TOLERANCE * units[i]!) return false;
  }
  return true;
}

/** ln of the probability that all sizes but the largest fall to a level by chance. */
function logShare(units: Float32Array, step: number): number {
  let sum = 0;
  for (let i = 0; i < units.length - 1; i++) sum += Math.log(Math.min(1, (VALUES_PER_LEVEL * units[i]!) / step));
  return sum;
}

function fittedGrid(values: Float32Array, step: number): Grid {
  let lowest = 0;
  let highest = 0;
  let product = 0;
  let squares = 0;
  for (const value of values) {
    const level = Math.round(value / step);
    lowest = Math.min(lowest, level);
    highest = Math.max(highest, level);
    product += level * value;
    squares += level * level;
  }
  return { step: product / squares, levels: highest - lowest + 1 };
}
