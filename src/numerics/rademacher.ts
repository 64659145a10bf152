/**
 * log10 of the two-sided Hoeffding (1963) bound on a Rademacher sum: P(|sum e_k d_k| >= z |d|) <= 2 exp(-z^2 / 2) for
 * independent fair signs e_k and any fixed d. No asymptotics and no condition on d.
 */
export function log10RademacherTail(z: number): number {
  return Math.min(0, (Math.LN2 - (z * z) / 2) / Math.LN10);
}
