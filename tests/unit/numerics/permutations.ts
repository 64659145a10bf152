/** All n! permutations of 0 .. n-1, the slow way: the twin that closed forms are checked against. */
export function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((shorter) =>
    Array.from({ length: n }, (_, at) => [...shorter.slice(0, at), n - 1, ...shorter.slice(at)]),
  );
}

export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/**
 * Exact mean and variance of S = sum_j C[j, pi(j)] over all n! permutations pi (Hoeffding 1951):
 * mean = sum C / n, variance = 1/(n-1) * sum (C_ij - rowmean_i - colmean_j + mean_all)^2.
 * C is n x n, row-major. One label has one permutation: variance 0.
 */
export function permutationMoments(c: Float64Array, n: number): Moments {
  const rowMeans = new Float64Array(n);
  const columnMeans = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const value = c[i * n + j] as number;
      rowMeans[i]! += value / n;
      columnMeans[j]! += value / n;
      total += value;
    }
  }
  const overall = total / (n * n);
  let squares = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const centred = c[i * n + j]! - rowMeans[i]! - columnMeans[j]! + overall;
      squares += centred * centred;
    }
  }
  return { mean: n === 0 ? 0 : total / n, variance: n < 2 ? 0 : squares / (n - 1) };
}
