/**
 * Positions of the `count` most reliable bit channels of a polar code of length n over a binary-input Gaussian channel,
 * by the Gaussian approximation of density evolution (Trifonov 2012; the exact method is Tal and Vardy 2013): every bit
 * channel is a Gaussian LLR N(x, 2x), the mean x doubles at variable nodes, and check nodes map x to
 * phi^-1(1 - (1 - phi(x))^2). `ratio` is the mean of a chip over its standard deviation, so that channel LLRs have the
 * mean 2 ratio^2. Rising.
 */
export function gaussianApproximation(n: number, count: number, ratio: number): Uint16Array {
  let means = [2 * ratio * ratio];
  while (means.length < n) means = means.flatMap((x) => [checkMean(x), 2 * x]);
  const order = means.map((_, i) => i).sort((a, b) => means[b]! - means[a]! || b - a);
  return Uint16Array.from(order.slice(0, count)).sort();
}

/** 1 - phi(x) = E tanh(L / 2), L ~ N(x, 2x), by the trapezoidal rule over +-9 standard deviations. */
function meanTanh(x: number): number {
  const deviation = Math.sqrt(2 * x);
  let sum = 0;
  let weights = 0;
  for (let k = -180; k <= 180; k++) {
    const weight = Math.exp(-((k / 20) ** 2) / 2);
    sum += weight * Math.tanh((x + (k / 20) * deviation) / 2);
    weights += weight;
  }
  return sum / weights;
}

/** 1 - E tanh, without cancellation where it is small: E 2 / (1 + e^L). */
function phi(x: number): number {
  const deviation = Math.sqrt(2 * x);
  let sum = 0;
  let weights = 0;
  for (let k = -360; k <= 180; k++) {
    const weight = Math.exp(-((k / 20) ** 2) / 2);
    sum += (2 * weight) / (1 + Math.exp(x + (k / 20) * deviation));
    weights += weight;
  }
  return sum / weights;
}

function checkMean(x: number): number {
  // For small x the tanh is what has digits, for large x its complement.
  const tanh = meanTanh(x) ** 2;
  const complement = phi(x) * (2 - phi(x));
  let low = 0;
  let high = x;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    const above = x < 5 ? meanTanh(middle) > tanh : phi(middle) < complement;
    if (above) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
