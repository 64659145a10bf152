import { WeightmarkError } from "../errors.ts";
import { stirlingError } from "./gamma.ts";

const EPSILON = 1e-16;
const MAX_TERMS = 1_000_000;

/**
 * ln Q(a, x), the regularised upper incomplete gamma function, for a > 0 and x >= 0: a series below x = a + 1, Legendre's
 * continued fraction (modified Lentz) above. Both need about sqrt(a) terms where x is near a.
 */
export function logUpperGamma(a: number, x: number): number {
  if (!(a > 0 && Number.isFinite(a)) || Number.isNaN(x)) {
    throw new WeightmarkError("INTERNAL", `incomplete gamma function outside its domain: a = ${a}, x = ${x}`);
  }
  if (x <= 0) return 0;
  if (x === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  // ln(x^a e^-x / Gamma(a)) written so that the terms of size a cancel on paper.
  const excess = (x - a) / a;
  const scale = -a * (excess - Math.log(x / a)) + 0.5 * Math.log(a / (2 * Math.PI)) - stirlingError(a);
  if (x < a + 1) return Math.log1p(-Math.min(1, Math.exp(scale + Math.log(lowerSeries(a, x)))));
  return scale - Math.log(upperFraction(a, x));
}

/** log10 of P(X >= x) for X chi-square with `degrees` degrees of freedom (any positive number). Never underflows. */
export function log10ChiSquareTail(x: number, degrees: number): number {
  return logUpperGamma(degrees / 2, x / 2) / Math.LN10;
}

/** P(a, x) Gamma(a) / (x^a e^-x) = sum x^n / (a (a+1) ... (a+n)). */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MAX_TERMS; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * EPSILON) return sum;
  }
  throw new WeightmarkError("INTERNAL", `incomplete gamma series did not converge: a = ${a}, x = ${x}`);
}

/** The denominator of Q(a, x) Gamma(a) / (x^a e^-x) = 1 / (x + 1 - a - 1(1-a)/(x + 3 - a - ...)). */
function upperFraction(a: number, x: number): number {
  let base = x + 1 - a;
  let c = base;
  let d = 0;
  let fraction = base;
  for (let n = 1; n < MAX_TERMS; n++) {
    const numerator = -n * (n - a);
    base += 2;
    d = 1 / nonZero(base + numerator * d);
    c = nonZero(base + numerator / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 4 * EPSILON) return fraction;
  }
  throw new WeightmarkError("INTERNAL", `incomplete gamma fraction did not converge: a = ${a}, x = ${x}`);
}

function nonZero(value: number): number {
  return value === 0 ? 1e-300 : value;
}
