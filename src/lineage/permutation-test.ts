import { relabelledSums } from "../kernels/relabel.ts";
import { type GramProduct, gramProduct } from "../kernels/sign-gram.ts";
import { seedState, subset } from "../numerics/prng.ts";
import { labelProducts, narrowTrace } from "./label-products.ts";
import { rowMeans, type SignStack, stackInner } from "./sign-stack.ts";

/** Beyond this tail a normal approximation is quoted but never counted. */
export const ASYMPTOTIC_FLOOR = -6;
/** Labels that take part in random relabelings, as many as in T2: their 1 MB of products stays in the cache. */
const MAX_LABELS = 512;
const RELABELINGS = 10_000;

/** T1: how far the observed labelling lies from a random one, in standard deviations. */
export interface PermutationZ {
  readonly z: number;
  /** Sum of row-centred sign products over rows and labels. */
  readonly statistic: number;
  /** Exact variance over all n! relabelings: tr((A A^T)(B B^T)) / (n - 1). */
  readonly variance: number;
  /** statistic / (|A| |B|), the correlation of centred signs. */
  readonly signCorrelation: number;
  /** Fraction of equal signs. */
  readonly agreement: number;
  readonly m: number;
  readonly n: number;
}

/** T1 in closed form (exact first two moments of the permutation distribution), or null when there is nothing to test. */
export function permutationZ(stack: SignStack): PermutationZ | null {
  const { m, n } = stack;
  if (m === 0 || n < 8) return null;
  const { trace, normA, normB } = traces(stack);
  // tr(G_A G_B) / (n - 1), as `gramVariance` has it.
  const variance = trace / (n - 1);
  if (!(variance > 0)) return null;
  const { centred, agreement } = stackInner(stack);
  return {
    z: centred / Math.sqrt(variance),
    statistic: centred,
    variance,
    signCorrelation: centred / Math.sqrt(normA * normB),
    agreement,
    m,
    n,
  };
}

function traces(stack: SignStack): GramProduct {
  const { a, b, m, n, words } = stack;
  const trace = narrowTrace(stack);
  if (trace === null) return gramProduct(a, b, m, words, n);
  const norm = (bits: Uint32Array) => rowMeans(bits, m, words, n).reduce((sum, mean) => sum + n * (1 - mean * mean), 0);
  return { trace, normA: norm(a), normB: norm(b) };
}

/** Weight correlation behind a correlation of signs, for jointly Gaussian weights: sin(pi/2 * s). */
export function weightCorrelation(signCorrelation: number): number {
  return Math.sin((Math.PI / 2) * Math.max(-1, Math.min(1, signCorrelation)));
}

/**
 * Two-sided p of T among random relabelings drawn with a fixed seed: (1 + #{|T_pi| >= |T|}) / (1 + N). Above 512
 * labels both the statistic and the relabelings use a fixed subset of them, which keeps the p valid.
 */
export function monteCarloP(stack: SignStack): number {
  const labels =
    stack.n <= MAX_LABELS
      ? Uint32Array.from({ length: stack.n }, (_, i) => i)
      : subset(stack.n, MAX_LABELS, "weightmark relabelings");
  const products = new Float32Array(labelProducts(stack, labels));
  const k = labels.length;
  let [own, all] = [0, 0];
  for (let i = 0; i < k; i++) own += products[i * k + i]!;
  for (let i = 0; i < k * k; i++) all += products[i]!;
  const mean = all / k;
  const observed = Math.abs(own - mean);
  let extreme = 0;
  for (const sum of relabelledSums(products, k, seedState("weightmark relabelings"), RELABELINGS)) {
    // A hair of slack: equal sums may differ in the last place, and a tie counts against the suspect's guilt.
    if (Math.abs(sum - mean) >= observed * (1 - 1e-9)) extreme++;
  }
  return (1 + extreme) / (1 + RELABELINGS);
}
