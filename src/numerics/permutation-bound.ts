/** Constant of the theorem: (5/2) ln 3 - 2/3. */
const THETA = 2.5 * Math.log(3) - 2 / 3;

export interface PermutedSum {
  /** Number of labels. */
  readonly n: number;
  /** Sum of a[i, j]^2 over all n * n entries. */
  readonly sumSquares: number;
  /** Largest |a[i, j]|. */
  readonly maxAbs: number;
  /** Distance of the sum from its mean; its sign does not matter. */
  readonly t: number;
}

/**
 * log10 of a finite-sample two-sided bound for the permuted sum S = sum_i a[i, pi(i)], pi uniform over the permutations
 * of n labels: P(|S - E S| >= t) <= 4 exp(-t^2 / (16 (theta / n * sum a^2 + maxAbs * t / 3))).
 *
 * Bercu, Delyon, Rio, "Concentration Inequalities for Sums and Martingales" (2015), Theorem 4.3. S - E S does not change
 * when a constant is added to a row or column of a: centre both first, both figures shrink and the bound gets better.
 * About 33 times weaker in the exponent than the Gaussian tail, but it holds for every n, every array and every t.
 */
export function log10PermutationBound({ n, sumSquares, maxAbs, t }: PermutedSum): number {
  if (t === 0) return 0;
  const spread = (THETA / n) * sumSquares + (maxAbs * Math.abs(t)) / 3;
  // A constant array cannot leave its mean at all; exactly zero spread is that case.
  if (spread === 0) return Number.NEGATIVE_INFINITY;
  return Math.min(0, Math.log(4) - (t * t) / (16 * spread)) / Math.LN10;
}
