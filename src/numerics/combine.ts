/** Stouffer's combination of independent standard normal scores: sum / sqrt(k), again standard normal; 0 for none. */
export function stouffer(z: readonly number[]): number {
  let sum = 0;
  for (const score of z) sum += score;
  return z.length === 0 ? 0 : sum / Math.sqrt(z.length);
}
