import { sortFloats } from "../numerics/sort-floats.ts";
import type { SampleMoments } from "./fingerprint.ts";

const QUANTILES = 17;
const QUANTILE_SAMPLE = 4096;

/** In f32, as the file keeps them: a fresh fingerprint and a stored one say the same. */
export function sampleMoments(
  values: Float32Array,
): Omit<SampleMoments, "grid" | "rowNormSpread" | "columnOrder" | "distinct"> {
  let zeros = 0;
  let count = 0;
  let second = 0;
  let fourth = 0;
  let peak = 0;
  // By index: an iterator costs as much as the arithmetic, and this sees every sampled value.
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > peak && size < Number.POSITIVE_INFINITY) peak = size;
  }
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (!(Math.abs(x) < Number.POSITIVE_INFINITY)) continue;
    count++;
    if (x === 0) zeros++;
    const y = peak > 0 ? x / peak : 0;
    second += y * y;
    fourth += y * y * y * y;
  }
  return {
    rms: count > 0 ? Math.fround(peak * Math.sqrt(second / count)) : 0,
    kurtosis: second > 0 ? Math.fround((count * fourth) / (second * second)) : 0,
    zeroFraction: count > 0 ? Math.fround(zeros / count) : 0,
    quantiles: quantilesOf(values),
  };
}

function quantilesOf(values: Float32Array): Float32Array {
  const stride = Math.max(1, Math.floor(values.length / QUANTILE_SAMPLE));
  const length = Math.floor(values.length / stride);
  const sample = new Float32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const x = values[i * stride]!;
    if (Math.abs(x) < Number.POSITIVE_INFINITY) sample[count++] = x;
  }
  const finite = sortFloats(sample.subarray(0, count));
  const quantiles = new Float32Array(QUANTILES);
  for (let i = 0; i < QUANTILES && count > 0; i++) {
    quantiles[i] = finite[Math.floor((i * (count - 1)) / (QUANTILES - 1))]!;
  }
  return quantiles;
}

/** Standard deviation of the norms of rows of `cols` values over their mean. */
export function rowNormSpread(raw: Float32Array, cols: number): number {
  const norms: number[] = [];
  for (let i = 0; i < raw.length; i += cols) {
    let square = 0;
    for (let j = i; j < i + cols; j++) square += raw[j]! * raw[j]!;
    // A class token may stand in a position table as a row of zeros.
    if (square > 0) norms.push(Math.sqrt(square));
  }
  const mean = norms.reduce((a, b) => a + b, 0) / norms.length;
  const variance = norms.reduce((sum, x) => sum + (x - mean) ** 2, 0) / norms.length;
  const spread = Math.sqrt(variance) / mean;
  return Number.isFinite(spread) ? Math.fround(spread) : 0;
}

/** Correlation of the logarithm of column energies with the column's number; 0 where nothing can be said. */
export function columnOrder(raw: Float32Array, cols: number, gain: Float32Array | null): number {
  const energy = new Float64Array(cols);
  for (let i = 0; i < raw.length; i += cols) {
    for (let j = 0; j < cols; j++) energy[j]! += raw[i + j]! * raw[i + j]!;
  }
  let total = 0;
  for (let j = 0; j < cols; j++) {
    if (gain !== null) energy[j]! *= gain[j]! * gain[j]!;
    total += energy[j]!;
  }
  if (!(total > 0 && total < Number.POSITIVE_INFINITY)) return 0;
  // A column without energy is small, not infinitely small.
  const floor = (1e-6 * total) / cols;
  let mean = 0;
  for (let j = 0; j < cols; j++) {
    energy[j] = Math.log(energy[j]! + floor);
    mean += energy[j]! / cols;
  }
  let covariance = 0;
  let variance = 0;
  for (let j = 0; j < cols; j++) {
    covariance += (energy[j]! - mean) * (j - (cols - 1) / 2);
    variance += (energy[j]! - mean) ** 2;
  }
  const indexVariance = (cols * (cols * cols - 1)) / 12;
  const order = covariance / Math.sqrt(variance * indexVariance);
  return Number.isFinite(order) ? Math.fround(order) : 0;
}

const DISTINCT_COLUMNS = 32;

/** Mean over rows of the share of distinct sizes among the first values that are not zero; 1 where there are none. */
export function distinctShare(raw: Float32Array, cols: number): number {
  let distinct = 0;
  let values = 0;
  const seen = new Set<number>();
  for (let i = 0; i + cols <= raw.length; i += cols) {
    seen.clear();
    for (let j = i; j < i + Math.min(cols, DISTINCT_COLUMNS); j++) {
      if (raw[j] === 0 || Number.isNaN(raw[j])) continue;
      values++;
      seen.add(Math.abs(raw[j]!));
    }
    distinct += seen.size;
  }
  return values === 0 ? 1 : Math.fround(distinct / values);
}
