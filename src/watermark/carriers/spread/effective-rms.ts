import type { DirectDtype } from "../../../kernels/coins.ts";
import type { ScaledMatrix } from "./spread-units.ts";

/** Bits of mantissa behind the leading one. */
const MANTISSA: Readonly<Record<DirectDtype, number>> = { BF16: 7, F16: 10, F32: 23 };
const STEPS = 64;

/**
 * RMS of the change that is left in the weights after stochastic rounding, in units of the Sinkhorn form. A weight on the
 * grid that is to move by delta = (k + f) units moves by k or k + 1 of them, on average by delta, and in the mean square
 * by delta^2 + f (1 - f) unit^2: rounding adds energy where delta is small. The unit follows from the weight's size;
 * weights are taken as Gaussian and their scale as anything within a factor of two.
 *
 * @param amplitudes change per weight, of every chip
 * @param moved weights of every chip that move
 * @param matrices how many weights there are of each type
 */
export function effectiveRms(
  amplitudes: Float64Array,
  moved: Float64Array,
  matrices: readonly Pick<ScaledMatrix, "weights" | "dtype">[],
): number {
  const perType = new Map<DirectDtype, number>();
  for (const { dtype, weights } of matrices) perType.set(dtype, (perType.get(dtype) ?? 0) + weights);
  const weights = [...perType.values()].reduce((a, b) => a + b, 0);
  const all = moved.reduce((a, b) => a + b, 0);
  let square = 0;
  for (const [dtype, count] of perType) {
    const units = unitsOf(dtype);
    for (const [i, amplitude] of amplitudes.entries()) {
      let sum = 0;
      for (const unit of units) {
        const fraction = (Math.abs(amplitude) / unit) % 1;
        sum += amplitude * amplitude + fraction * (1 - fraction) * unit * unit;
      }
      square += ((sum / units.length) * (count / weights) * moved[i]!) / all;
    }
  }
  return Math.sqrt(square);
}

/** Units in the last place of weights drawn from N(0, s^2), in units of s, for s evenly spread over an octave. */
function unitsOf(dtype: DirectDtype): number[] {
  const units: number[] = [];
  for (let k = 0; k < STEPS; k++) {
    const size = halfNormal((k + 0.5) / STEPS);
    for (let octave = 0; octave < 1; octave += 1 / 8) {
      units.push(2 ** (Math.floor(Math.log2(size) + octave) - octave - MANTISSA[dtype]));
    }
  }
  return units;
}

/** Quantile of |N(0, 1)| by bisection of its distribution, tanh approximation (error below 2e-4, which is plenty). */
function halfNormal(p: number): number {
  let [low, high] = [0, 6];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (Math.tanh(Math.sqrt(2 / Math.PI) * (middle + 0.044715 * middle ** 3)) < p) low = middle;
    else high = middle;
  }
  return low;
}
