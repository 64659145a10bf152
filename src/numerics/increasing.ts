import { logBinomial, logFactorial } from "./gamma.ts";

/** Length of the longest strictly increasing subsequence, by patience sorting (Fredman 1975): O(n log n). */
export function longestIncreasing(values: ArrayLike<number>): number {
  const tops: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tops[middle]! < value) low = middle + 1;
      else high = middle;
    }
    tops[low] = value;
  }
  return tops.length;
}

/**
 * log10 of the bound P(LIS >= k) <= C(n, k) / k! for a uniformly random permutation of n values: the expected number of
 * increasing subsequences of length k. 0 for k = 0, -Infinity for k > n.
 */
export function log10IncreasingTail(n: number, k: number): number {
  return Math.min(0, logBinomial(n, k) - logFactorial(k)) / Math.LN10;
}
