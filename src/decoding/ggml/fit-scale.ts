const f = Math.fround;
/** Added in single precision, it leaves a whole number, ties to even. */
const WHOLE = 1.5 * 2 ** 23;
const SMALLEST = f(1e-15);
const TENTH = f(0.1);

/** The scale of some values whose codes go from -half to half - 1. */
export type Fit = (values: Float32Array, half: number) => number;

/** The whole number nearest to an f32 of less than 2^22, ties to even. */
export function nearestWhole(value: number): number {
  return f(value + WHOLE) - WHOLE;
}

function largestOf(values: Float32Array): number {
  let largest = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest;
}

/** Best scale by squares weighted with squares, of nineteen that the largest value allows. */
export const fitCentred: Fit = (values, half) => {
  const largest = largestOf(values);
  if (Math.abs(largest) < SMALLEST) return 0;
  let [scale, best] = [0, 0];
  for (let attempt = 0; attempt < 19; attempt++) {
    // The one that is expected comes first, then those below and above it in order.
    const off = attempt === 0 ? 0 : attempt < 10 ? attempt - 10 : attempt - 9;
    const inverse = off === 0 ? f(-half / largest) : f(-f(half + f(TENTH * off)) / largest);
    let [product, square] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const code = Math.max(-half, Math.min(half - 1, nearestWhole(f(inverse * value))));
      const weight = f(value * value);
      product = f(product + f(f(weight * value) * code));
      square = f(square + f(f(weight * code) * code));
    }
    if (off === 0) {
      scale = square === 0 ? 0 : f(product / square);
      best = f(scale * product);
    } else if (square > 0 && f(product * product) > f(best * square)) {
      scale = f(product / square);
      best = f(scale * product);
    }
  }
  return scale;
};

const ROUNDS = 5;
const codesOf = new Float32Array(32);

/** Codes of the largest value's scale, each changed while that makes the weighted fit better. */
export const fitRefined: Fit = (values, half) => {
  const largest = largestOf(values);
  if (Math.abs(largest) < SMALLEST) return 0;
  const inverse = f(-half / largest);
  let [product, square] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const code = Math.max(-half, Math.min(half - 1, nearestWhole(f(inverse * value))));
    const weight = f(value * value);
    codesOf[i] = code;
    product = f(product + f(f(weight * value) * code));
    square = f(square + f(f(weight * code) * code));
  }
  for (let round = 0; round < ROUNDS; round++) {
    let changed = false;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const weight = f(value * value);
      const own = codesOf[i]!;
      let others = f(product - f(f(weight * value) * own));
      if (!(others > 0)) continue;
      let its = f(square - f(f(weight * own) * own));
      const code = Math.max(-half, Math.min(half - 1, nearestWhole(f(f(value * its) / others))));
      if (code === own) continue;
      others = f(others + f(f(weight * value) * code));
      its = f(its + f(f(weight * code) * code));
      if (its > 0 && f(f(others * others) * square) > f(f(product * product) * its)) {
        codesOf[i] = code;
        [product, square] = [others, its];
        changed = true;
      }
    }
    if (!changed) break;
  }
  return f(product / square);
};

/** How `fitSpanned` searches. */
export interface Search {
  /** Largest code. */
  readonly codes: number;
  /** Steps of a tenth that are added to it, from `from` on. */
  readonly from: number;
  readonly steps: number;
  /** Whether errors count by their sizes, else by their squares. */
  readonly bySize: boolean;
}

const tried = new Float32Array(32);

/** Scale and least value (with a minus) of least weighted error, each by least squares for codes that some scale gives. */
export function fitSpanned(
  values: Float32Array,
  weights: Float32Array,
  { codes, from, steps, bySize }: Search,
): { readonly scale: number; readonly least: number } {
  const count = values.length;
  let [low, high] = [values[0]!, values[0]!];
  let sumW = weights[0]!;
  let sumX = f(sumW * low);
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    if (value < low) low = value;
    if (value > high) high = value;
    sumW = f(sumW + weights[i]!);
    sumX = f(sumX + f(weights[i]! * value));
  }
  if (low > 0) low = 0;
  if (low === high) return { scale: 0, least: -low };
  const codeOf = (inverse: number, value: number): number =>
    Math.max(0, Math.min(codes, nearestWhole(f(inverse * f(value - low)))));
  let inverse = f(codes / f(high - low));
  let scale = f(1 / inverse);
  let best = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const off = f(f(f(scale * codeOf(inverse, value)) + low) - value);
    best = f(best + f(weights[i]! * (bySize ? Math.abs(off) : f(off * off))));
  }
  // What is found to be better is where the next ones are counted from.
  for (let step = 0; step <= steps; step++) {
    inverse = f(f(f(from + f(TENTH * step)) + codes) / f(high - low));
    let [sumL, sumL2, sumXL] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const code = codeOf(inverse, value);
      tried[i] = code;
      const weighted = f(weights[i]! * code);
      sumL = f(sumL + weighted);
      sumL2 = f(sumL2 + f(weighted * code));
      sumXL = f(sumXL + f(weighted * value));
    }
    const determinant = f(f(sumW * sumL2) - f(sumL * sumL));
    if (!(determinant > 0)) continue;
    let ownScale = f(f(f(sumW * sumXL) - f(sumX * sumL)) / determinant);
    let ownLeast = f(f(f(sumL2 * sumX) - f(sumL * sumXL)) / determinant);
    if (ownLeast > 0) {
      ownLeast = 0;
      ownScale = f(sumXL / sumL2);
    }
    let error = 0;
    for (let i = 0; i < count; i++) {
      const off = f(f(f(ownScale * tried[i]!) + ownLeast) - values[i]!);
      error = f(error + f(weights[i]! * (bySize ? Math.abs(off) : f(off * off))));
    }
    if (error < best) {
      best = error;
      scale = ownScale;
      low = ownLeast;
    }
  }
  return { scale, least: -low };
}
