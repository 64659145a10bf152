/** The q-quantile of ascending values, linear between neighbours. */
export function quantile(sorted, q) {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

export function median(values) {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Interleaved rounds: every contender once per round, so that a slow minute of the machine hits all of them. */
export async function interleave(rounds, contenders) {
  const results = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (let r = 0; r < rounds; r++) {
    for (const [name, measure] of Object.entries(contenders)) results.get(name).push(await measure());
  }
  return results;
}

/** Median over rounds of ours[r] / theirs[r]: paired, so common drift cancels. */
export function pairedRatio(ours, theirs) {
  return median(ours.map((x, i) => x / theirs[i]));
}

export const round = (x, digits = 3) => (x === null ? null : Number(x.toPrecision(digits)));
