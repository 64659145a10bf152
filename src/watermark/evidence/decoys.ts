import { kolmogorovP, normalDistance } from "../../numerics/kolmogorov.ts";
import type { CarrierName } from "../message/carrier-reading.ts";

/**
 * What decoy keys are tried on: sums over units (blocks of a row, neurons, projections) with the keyed coins inside. Any
 * number of units; a carrier may have added up several of them already, at random and without regard to their values.
 */
export interface DecoySource {
  readonly carrier: CarrierName;
  /** Signed sum of every unit: under H0 a Rademacher sum of its own, independent of the others. */
  readonly unitValues: Float32Array;
  /** Sum of squared coefficients of every unit. */
  readonly unitEnergies: Float32Array;
}

export interface DecoyRank {
  /** Decoy keys tried. */
  readonly count: number;
  /** 1 when no decoy scores as high as the key: 1 + decoys whose best carrier reaches the key's best carrier. */
  readonly rank: number;
  /** Kolmogorov-Smirnov test of all decoy statistics against N(0, 1). */
  readonly ks: { readonly statistic: number; readonly p: number };
  readonly histogram: DecoyHistogram;
}

/** How many decoys have their best carrier in each of a row of bins. */
export interface DecoyHistogram {
  /** Where the first bin begins, and how wide each is, in standard deviations. */
  readonly low: number;
  readonly width: number;
  readonly counts: readonly number[];
}

/** Bins, and one more than the decoys: a power of two. */
const BINS = 4096;

/**
 * Decoy keys through the same statistic on the same weights. A wrong key differs from the right one by a fair sign at
 * every unit, so a decoy is a sign per unit, and its statistic is Z_x = sum_u e_x(u) v_u / sqrt(sum e_u).
 *
 * Signs are e_x(u) = (-1)^(popcount(x & bin(u))), x = 1 .. 4095, where bin(u) is a hash of the unit's number: the
 * characters of Z_2^12. Units share nothing but their bin; two units of different bins have independent fair signs over
 * the decoys, and so have two decoys over the bins. All 4,096 statistics are then one Walsh-Hadamard transform of the
 * sums of the bins, whatever the number of units. What this keeps exact: under H0 the units' values have independent
 * symmetric signs, the e_x form a group of sign changes, hence (Z_0, Z_1, ..) is exchangeable and every Z_x has exactly
 * the null distribution; x = 0 is left out, being the plain sum, where a mark's pilots show. What it is not: keys are
 * not drawn afresh weight by weight, so a unit's own value is taken as it is.
 *
 * @param best the largest statistic of the key itself over its carriers.
 */
export function rankAmongDecoys(sources: readonly DecoySource[], best: number): DecoyRank | null {
  const all = sources.map(decoyStatistics).filter((z) => z !== null);
  if (all.length === 0) return null;
  const count = BINS - 1;
  const scores = Float64Array.from({ length: count }, (_, x) => Math.max(...all.map((z) => z[x]!)));
  const reached = scores.reduce((sum, score) => sum + (score >= best ? 1 : 0), 0);
  const pooled = Float64Array.from({ length: count * all.length }, (_, i) => all[Math.floor(i / count)]![i % count]!);
  const statistic = normalDistance(pooled);
  const ks = { statistic, p: kolmogorovP(statistic, pooled.length) };
  return { count, rank: 1 + reached, ks, histogram: histogramOf(scores) };
}

/** In quarters of a standard deviation; what lies beyond 64 of them stands in the outermost bin. */
function histogramOf(scores: Float64Array): DecoyHistogram {
  const width = 0.25;
  const bins = scores.map((score) => Math.floor(Math.max(-64, Math.min(64, score)) / width));
  const first = Math.min(...bins);
  const counts = Array.from({ length: Math.max(...bins) - first + 1 }, () => 0);
  for (const bin of bins) counts[bin - first]! += 1;
  return { low: first * width, width, counts };
}

/** Z_1 .. Z_4095 of one carrier; null when nothing of it is left. */
export function decoyStatistics({ unitValues, unitEnergies }: DecoySource): Float64Array | null {
  const sums = new Float64Array(BINS);
  let energy = 0;
  for (let u = 0; u < unitValues.length; u++) {
    sums[mix(u) & (BINS - 1)]! += unitValues[u]!;
    energy += unitEnergies[u]!;
  }
  if (!(energy > 0)) return null;
  walshHadamard(sums);
  return sums.subarray(1).map((sum) => sum / Math.sqrt(energy));
}

/** In place, natural order: entry x becomes sum_b (-1)^(popcount(x & b)) of entry b. */
function walshHadamard(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const [a, b] = [values[i]!, values[i + half]!];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

/** Finaliser of MurmurHash3 (Appleby): neighbours in, unrelated bits out. */
function mix(unit: number): number {
  let h = Math.imul(unit ^ (unit >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
