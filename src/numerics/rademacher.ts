/**
 * log10 of the two-sided Hoeffding (1963) bound on a Rademacher sum: P(|sum e_k d_k| >= z |d|) <= 2 exp(-z^2 / 2) for
 * independent fair signs e_k and any fixed d. No asymptotics and no condition on d.
 */
export function log10RademacherTail(z: number): number {
  return Math.min(0, (Math.LN2 - (z * z) / 2) / Math.LN10);
}

/** What rounding may leave of an exchange that changes nothing. */
const ROUNDING = 1e-9;

/** The sum of what exchanges change, each a fair coin, in units of its standard deviation; and how many change anything. */
export function exchangeSum(lists: readonly Float64Array[]): { readonly z: number; readonly pairs: number } | null {
  let [sum, squares, pairs] = [0, 0, 0];
  for (const exchanges of lists) {
    for (const d of exchanges) {
      if (Math.abs(d) < ROUNDING) continue;
      sum += d;
      squares += d * d;
      pairs++;
    }
  }
  return pairs === 0 ? null : { z: sum / Math.sqrt(squares), pairs };
}
