const LN_SQRT_PI = 0.5723649429247001;

/**
 * ln of the two-sided standard normal tail, ln P(|Z| >= |z|) = ln erfc(|z| / sqrt 2). Relative error of the logarithm
 * below 1e-13 from z = 0.01 to 1e4 and beyond (below 0.01 the absolute error is below 1e-15).
 */
export function logNormalTail(z: number): number {
  const x = Math.abs(z) * Math.SQRT1_2;
  if (Number.isNaN(x)) return Number.NaN;
  return x < 2 ? Math.log1p(-erf(x)) : -x * x - LN_SQRT_PI - Math.log(tailFraction(x));
}

/** log10 of the two-sided standard normal tail; the sign of z does not matter. NaN in, NaN out. */
export function log10NormalTail(z: number): number {
  return logNormalTail(z) / Math.LN10;
}

/** The two-sided standard normal tail itself; 0 once it underflows (|z| > 38). */
export function normalTail(z: number): number {
  return Math.exp(logNormalTail(z));
}

/** erf on [0, 2] by the series with positive terms only: erf x = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return 2 * sum * Math.exp(-x * x - LN_SQRT_PI);
}

/**
 * The denominator f(x) of erfc x = e^(-x^2) / (sqrt(pi) f(x)), a continued fraction x + (1/2)/(x + 1/(x + (3/2)/(x + ...
 * (Laplace), evaluated backwards. For x >= 2, 80 levels are more than double precision can tell apart.
 */
function tailFraction(x: number): number {
  let fraction = x;
  for (let n = 80; n >= 1; n--) fraction = x + n / 2 / fraction;
  return fraction;
}
