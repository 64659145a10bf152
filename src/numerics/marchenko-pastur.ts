/**
 * Singular values of an m x n matrix (m <= n) of independent entries of variance 1/n, in the limit of Marchenko and Pastur
 * (1967), and what a low-rank part added to it looks like (Baik, Ben Arous and Peche 2005; Benaych-Georges and Nadakuditi,
 * J. Multivariate Anal. 111, 2012). g = m / n throughout.
 */

const STEPS = 4096;
const known = new Map<string, number>();

/** Median singular value of noise alone. */
export function medianOfNoise(g: number): number {
  return quantileOfNoise(g, 0.5);
}

/** The singular value of noise alone below which a share of them lies. */
export function quantileOfNoise(g: number, share: number): number {
  const key = `${g} ${share}`;
  let value = known.get(key);
  if (value === undefined) {
    value = integrate(g, share);
    if (known.size > 256) known.clear();
    known.set(key, value);
  }
  return value;
}

/**
 * With x^2 = 1 + g - 2 sqrt(g) cos(angle) the density of x^2, sqrt((b - t)(t - a)) / (2 pi g t) dt, is smooth in the angle
 * and has no singular ends but for g = 1 at angle 0.
 */
function integrate(g: number, share: number): number {
  const root = Math.sqrt(g);
  const square = (angle: number): number => 1 + g - 2 * root * Math.cos(angle);
  let mass = 0;
  for (let i = 0; i < STEPS; i++) {
    const angle = (Math.PI * (i + 0.5)) / STEPS;
    // (2 / pi) sin^2(angle) / x^2 per unit of angle.
    mass += (2 * Math.sin(angle) ** 2) / square(angle) / STEPS;
    if (mass >= share) return Math.sqrt(square(angle));
  }
  return 1 + root;
}

/**
 * The share of an observed outlying singular direction that is signal: t cu cv / x for the signal's strength t behind the
 * observed singular value x and the cosines cu, cv of observed and true singular vectors. 0 at or below the edge 1 + sqrt(g).
 */
export function signalShare(x: number, g: number): number {
  const b = 1 + g - x * x;
  const discriminant = b * b - 4 * g;
  if (!(discriminant > 0) || b > 0) return 0;
  const t2 = (-b + Math.sqrt(discriminant)) / 2;
  const cu2 = 1 - (g * (1 + t2)) / (t2 * (t2 + g));
  const cv2 = 1 - (g + t2) / (t2 * (t2 + 1));
  if (!(cu2 > 0 && cv2 > 0)) return 0;
  return (Math.sqrt(t2) * Math.sqrt(cu2 * cv2)) / x;
}
