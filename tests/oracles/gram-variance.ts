/**
 * Exact permutation variance of T = <A, B> over relabelings of the n columns, from the Gram matrices GA = A A^T and
 * GB = B B^T (m x m, row-major) of A and B (m x n) with every row centred: tr(GA GB) / (n - 1). The mean is then 0.
 * It is the variance of sum_j C[j, pi(j)] for C = A^T B (Hoeffding 1951), without forming an n x n matrix.
 */
export function gramVariance(ga: ArrayLike<number>, gb: ArrayLike<number>, m: number, n: number): number {
  if (n < 2) return 0;
  let trace = 0;
  for (let i = 0; i < m * m; i++) trace += ga[i]! * gb[i]!;
  return trace / (n - 1);
}
