/**
 * Spearman's rank correlation of the values with their own index: +1 for rising, -1 for falling order, ties given their
 * average rank. 0 where no order can be seen (fewer than two values, or all equal); NaN when a value is NaN.
 */
export function spearman(x: Float64Array): number {
  const n = x.length;
  if (x.some(Number.isNaN)) return Number.NaN;
  const order = Uint32Array.from(x.keys()).sort((a, b) => ascending(x[a]!, x[b]!));
  const middle = (n - 1) / 2;
  let covariance = 0;
  let rankSquares = 0;
  for (let start = 0; start < n; ) {
    let end = start + 1;
    while (end < n && x[order[end]!] === x[order[start]!]) end++;
    const rank = (start + end - 1) / 2 - middle;
    for (let i = start; i < end; i++) covariance += rank * (order[i]! - middle);
    rankSquares += (end - start) * rank * rank;
    start = end;
  }
  const indexSquares = (n * (n * n - 1)) / 12;
  return rankSquares === 0 ? 0 : covariance / Math.sqrt(rankSquares * indexSquares);
}

/** Comparison by difference would make Infinity - Infinity a NaN. */
function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
