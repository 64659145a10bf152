import { logNormalTail } from "./normal.ts";

/** Largest distance between the empirical distribution of `sample` and the standard normal one. */
export function normalDistance(sample: Float64Array): number {
  const sorted = Float64Array.from(sample).sort();
  let distance = 0;
  for (let i = 0; i < sorted.length; i++) {
    const below = normalCdf(sorted[i]!);
    distance = Math.max(distance, below - i / sorted.length, (i + 1) / sorted.length - below);
  }
  return distance;
}

/**
 * P(D_n >= distance) of the one-sample Kolmogorov-Smirnov test, from Kolmogorov's limit with the argument of Stephens
 * (1970), sqrt n + .12 + .11 / sqrt n: within .005 of the exact value from n = 20 on, and on the safe side of nothing,
 * so small n deserves no third digit.
 */
export function kolmogorovP(distance: number, n: number): number {
  const root = Math.sqrt(n);
  return kolmogorovTail((root + 0.12 + 0.11 / root) * distance);
}

/** 1 - K(x) of Kolmogorov's distribution. */
export function kolmogorovTail(x: number): number {
  if (!(x > 0)) return 1;
  if (x < 1) {
    // Jacobi's transformation of the series below, which converges where that one does not.
    const q = Math.exp(-(Math.PI ** 2) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * (q + q ** 9 + q ** 25 + q ** 49);
  }
  let tail = 0;
  for (let k = 1; k <= 8; k++) tail += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return tail;
}

function normalCdf(z: number): number {
  const outside = Math.exp(logNormalTail(z)) / 2;
  return z < 0 ? outside : 1 - outside;
}
