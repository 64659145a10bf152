import { log10NormalTail } from "../../dist/src/numerics/normal.js";
import { quantile, round } from "../support/statistics.mjs";

const PROBABILITIES = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];
const NORMAL_QUANTILES = [-3.0902, -2.3263, -1.6449, -0.6745, 0, 0.6745, 1.6449, 2.3263, 3.0902];

/** Moments, extremes, Kolmogorov-Smirnov distance and quantiles of z scores that ought to be N(0, 1). */
export function summariseZ(values) {
  const z = values.filter((x) => x !== null).sort((a, b) => a - b);
  if (z.length === 0) return null;
  const mean = z.reduce((a, b) => a + b, 0) / z.length;
  const variance = z.reduce((a, x) => a + (x - mean) ** 2, 0) / (z.length - 1);
  let distance = 0;
  z.forEach((x, i) => {
    const p = normalCdf(x);
    distance = Math.max(distance, (i + 1) / z.length - p, p - i / z.length);
  });
  return {
    pairs: z.length,
    mean: round(mean),
    sd: round(Math.sqrt(variance)),
    largest: round(Math.max(-z[0], z[z.length - 1])),
    ks: round(distance),
    quantiles: PROBABILITIES.map((p, i) => ({ p, normal: NORMAL_QUANTILES[i], found: round(quantile(z, p)) })),
  };
}

/** How often at least k labels were their own nearest neighbours, against the bound 1 / k!. */
export function summariseFixedPoints(counts) {
  const found = counts.filter((x) => x !== null);
  if (found.length === 0) return null;
  const rows = [];
  let bound = 1;
  for (let k = 0; k <= Math.max(6, ...found); k++) {
    if (k > 0) bound /= k;
    const pairs = found.filter((x) => x === k).length;
    const share = found.filter((x) => x >= k).length / found.length;
    rows.push({ k, pairs, atLeast: round(share), bound: round(bound) });
  }
  return { pairs: found.length, mean: round(found.reduce((a, b) => a + b, 0) / found.length), rows };
}

function normalCdf(z) {
  const half = 10 ** log10NormalTail(z) / 2;
  return z > 0 ? 1 - half : half;
}
