import { log10ChiSquareTail } from "./chi-square.ts";

/**
 * Fisher's combination of independent p-values given as log10: X = -2 sum ln p against chi-square with 2k degrees of
 * freedom. A bound, not only an approximation, whenever each p is super-uniform under its null (P(p <= u) <= u).
 * No p-values combine to p = 1 (0).
 */
export function fisherLog10(log10Ps: readonly number[]): number {
  if (log10Ps.length === 0) return 0;
  let sum = 0;
  for (const log10P of log10Ps) sum += Math.min(0, log10P);
  return log10ChiSquareTail(-2 * Math.LN10 * sum, 2 * log10Ps.length);
}

/** Stouffer's combination of independent standard normal scores: sum / sqrt(k), again standard normal; 0 for none. */
export function stouffer(z: readonly number[]): number {
  let sum = 0;
  for (const score of z) sum += score;
  return z.length === 0 ? 0 : sum / Math.sqrt(z.length);
}
