import { popcount32 } from "../kernels/bits.ts";
import { knownPermutation } from "./known-permutation.ts";
import { labelColumns, type SignStack } from "./sign-stack.ts";

/** Neighbours compared: next to each other, and next but one where sines and cosines alternate. */
const LAGS = [1, 2];
const RANDOM_ORDERS = 32;
/** Standard deviations between the labels' own order and random ones. */
const ORDERED_SIGMA = 8;

/**
 * Whether neighbouring labels resemble each other, in both models, more than labels do in a random order. Labels without an
 * order have no neighbours. Sinusoidal positions that are added but not stored leave this trace: dimensions of similar
 * frequency do similar work in every model, at the same places.
 */
export function labelsHaveOrder(stack: SignStack): boolean {
  return [stack.a, stack.b].every((bits) => LAGS.some((lag) => neighbourSigma(bits, stack, lag) > ORDERED_SIGMA));
}

/** By how many standard deviations labels `lag` apart are closer to each other than in random orders. */
export function neighbourSigma(bits: Uint32Array, stack: SignStack, lag: number): number {
  if (stack.n < 32) return 0;
  const { columns, words } = labelColumns(bits, stack);
  const distance = (order: Uint32Array): number => {
    let sum = 0;
    for (let k = 0; k + lag < order.length; k++) {
      const [i, j] = [order[k]! * words, order[k + lag]! * words];
      for (let w = 0; w < words; w++) sum += popcount32(columns[i + w]! ^ columns[j + w]!);
    }
    return sum;
  };
  const random = Array.from({ length: RANDOM_ORDERS }, (_, i) =>
    distance(knownPermutation(stack.n, `weightmark label order ${i}`)),
  );
  const mean = random.reduce((a, b) => a + b, 0) / random.length;
  const sd = Math.sqrt(random.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (random.length - 1));
  return sd > 0 ? (mean - distance(Uint32Array.from({ length: stack.n }, (_, j) => j))) / sd : 0;
}
