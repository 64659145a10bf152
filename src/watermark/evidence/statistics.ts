import { logBinomial } from "../../numerics/gamma.ts";
import type { CarrierReading } from "../message/carrier-reading.ts";

/** How strong a detection is: p at or below 2^-40, 2^-64, 2^-128 after all multiplicities. */
export type Level = "none" | "evidence" | "strong" | "forensic";

/** log2 p at or below which a detection has the level, after all multiplicities. */
export const THRESHOLDS = { evidence: -40, strong: -64, forensic: -128 } as const;

export function levelOf(log2P: number): Level {
  if (log2P <= THRESHOLDS.forensic) return "forensic";
  if (log2P <= THRESHOLDS.strong) return "strong";
  return log2P <= THRESHOLDS.evidence ? "evidence" : "none";
}

/**
 * The soft statistic Z = sum c_i y_i / sqrt(sum e_i) over the chips whose symbol is known, from values y and energies e.
 * Under H0 it is a Rademacher sum with coefficients of unit norm, whatever the weights. 0 when nothing is left.
 */
export function softStatistic({ values, energies }: CarrierReading, symbols: Int8Array): number {
  const { sum, energy } = matchedSum(values, energies, symbols);
  return energy > 0 ? sum / Math.sqrt(energy) : 0;
}

/** Numerator of the soft statistic and the sum of squares of its coefficients; sums of several readings may be added. */
export function matchedSum(
  values: Float64Array,
  energies: Float64Array,
  symbols: Int8Array,
): { sum: number; energy: number } {
  let sum = 0;
  let energy = 0;
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === 0) continue;
    sum += symbols[i]! * values[i]!;
    energy += energies[i]!;
  }
  return { sum, energy };
}

/**
 * log2 of Hoeffding's (1963) bound P(Z >= z) <= exp(-z^2 / 2) on a Rademacher sum with coefficients of unit norm. One
 * side, any coefficients, any number of them, nothing asymptotic. 0 for z <= 0 (and for NaN).
 */
export function softLog2P(z: number): number {
  return z > 0 ? -(z * z) / (2 * Math.LN2) : 0;
}

/** Chips whose value has the sign of its symbol, of those that have a symbol and are not gone. A value of 0 disagrees. */
export function agreements({ values, energies }: CarrierReading, symbols: Int8Array): { agree: number; chips: number } {
  let agree = 0;
  let chips = 0;
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === 0 || !(energies[i]! > 0)) continue;
    chips += 1;
    if (symbols[i]! * values[i]! > 0) agree += 1;
  }
  return { agree, chips };
}

/**
 * The hard p-value, log2 P(Bin(chips, 1/2) >= agree): exact, in the log domain, relative error of p below 1e-9 up to
 * 1e5 chips. Under H0 every chip agrees with probability at most 1/2, independently (less where it can be exactly 0).
 */
export function hardLog2P(agree: number, chips: number): number {
  if (agree <= 0) return 0;
  if (agree > chips) return Number.NEGATIVE_INFINITY;
  if (2 * agree > chips) return upperTail(agree, chips);
  // P(X >= k) = 1 - P(X >= n - k + 1) for a fair coin, and that tail lies beyond the middle.
  return Math.log1p(-(2 ** upperTail(chips - agree + 1, chips))) / Math.LN2;
}

/** For agree > chips / 2, where terms fall from the first on: the first term times a sum of falling ratios. */
function upperTail(agree: number, chips: number): number {
  let ratio = 1;
  let sum = 1;
  for (let k = agree; k < chips && ratio > sum * 1e-17; k++) {
    ratio *= (chips - k) / (k + 1);
    sum += ratio;
  }
  return (logBinomial(chips, agree) + Math.log(sum)) / Math.LN2 - chips;
}
