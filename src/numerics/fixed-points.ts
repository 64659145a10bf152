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

/** Labels of one block, and how many of them the matching gives a partner. */
export interface MatchedLabels {
  readonly n: number;
  readonly matched: number;
}

/**
 * log10 of the bound on the number K of labels that partial matchings of several blocks (layers, heads) put in their own place,
 * when the labels of each block are permuted at random, independently: the first factorial moment over all k-subsets of pairs,
 * P(K >= k) <= [x^k] prod_b sum_j C(matched_b, j) (n_b - j)! / n_b! x^j. Of one block it is `log10FixedPointTail`.
 */
export function log10FixedPointsTail(blocks: readonly MatchedLabels[], k: number): number {
  if (k <= 0) return 0;
  let product: Float64Array = Float64Array.of(0);
  for (const { n, matched } of blocks) {
    if (!isCount(n) || !isCount(matched) || matched > n) {
      throw new WeightmarkError("INTERNAL", `fixed-point tail of impossible counts: n = ${n}, matched = ${matched}`);
    }
    const terms = Float64Array.from(
      { length: Math.min(matched, k) + 1 },
      (_, j) => logBinomial(matched, j) - logBinomial(n, j) - logFactorial(j),
    );
    product = logProduct(product, terms, k);
  }
  return k < product.length ? Math.min(0, product[k]!) / Math.LN10 : Number.NEGATIVE_INFINITY;
}

/** Logarithms of the coefficients of a product of polynomials, up to x^top, from those of its factors. */
function logProduct(a: Float64Array, b: Float64Array, top: number): Float64Array {
  const out = new Float64Array(Math.min(top, a.length + b.length - 2) + 1);
  for (let degree = 0; degree < out.length; degree++) {
    const from = Math.max(0, degree - b.length + 1);
    const to = Math.min(degree, a.length - 1);
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = from; i <= to; i++) largest = Math.max(largest, a[i]! + b[degree - i]!);
    let sum = 0;
    for (let i = from; i <= to; i++) sum += Math.exp(a[i]! + b[degree - i]! - largest);
    out[degree] = largest + Math.log(sum);
  }
  return out;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
