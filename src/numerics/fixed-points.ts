import { WeightmarkError } from "../errors.ts";
import { logBinomial, logFactorial } from "./gamma.ts";

/**
 * log10 of the bound P(K >= k) <= E C(K, k) = C(k0, k) (n - k)! / n!, where K counts how many of k0 given pairs
 * (label, other label) a uniformly random permutation of n labels hits. Exact factorial moments, no asymptotics.
 *
 * The bound falls with k (the ratio of neighbours is (k0 - k) / ((k + 1)(n - k)) <= 1), so no smaller k gives a better
 * one, and neither does any other factorial moment E C(K, j) / C(k, j), j < k. 0 for k = 0, -Infinity for k > k0.
 */
export function log10FixedPointTail(n: number, k0: number, k: number): number {
  if (!isCount(n) || !isCount(k0) || !isCount(k) || k0 > n) {
    throw new WeightmarkError("INTERNAL", `fixed-point tail of impossible counts: n = ${n}, k0 = ${k0}, k = ${k}`);
  }
  if (k > k0) return Number.NEGATIVE_INFINITY;
  return Math.min(0, logBinomial(k0, k) - logBinomial(n, k) - logFactorial(k)) / Math.LN10;
}

/**
 * log10 of a bound on P(K >= k) for a sum K of independent counts whose factorial moments are at most a Poisson's:
 * E C(K_s, j) <= lambda_s^j / j!, lambda = sum of lambda_s. Fixed points in independent strata are such counts, with
 * lambda_s = k0_s / n_s; so are a Poisson count and a sum of independent events.
 *
 * P(K >= k) <= min over j <= k of E C(K, j) / C(k, j) <= lambda^j (k - j)! / k!, least at j = ceil(k - lambda). Never
 * above the Chernoff bound e^(k - lambda) (lambda / k)^k, which is a weighted mean of the same terms.
 */
export function log10PoissonTail(lambda: number, k: number): number {
  if (!(lambda >= 0 && Number.isFinite(lambda)) || !isCount(k)) {
    throw new WeightmarkError("INTERNAL", `Poisson tail outside its domain: lambda = ${lambda}, k = ${k}`);
  }
  if (k <= lambda) return 0;
  if (lambda === 0) return Number.NEGATIVE_INFINITY;
  const j = Math.ceil(k - lambda);
  // (k - j)! / k! by way of the binomial: two log factorials of a large k would lose digits in their difference.
  const logRatio = -logBinomial(k, j) - logFactorial(j);
  return Math.min(0, j * Math.log(lambda) + logRatio) / Math.LN10;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
