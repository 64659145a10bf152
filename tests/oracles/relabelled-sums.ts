import { xoshiro128 } from "../../src/numerics/prng.ts";

/** `relabelledSums` by the generator that everything else draws from. */
export function relabelledSumsPlain(
  products: Float32Array,
  k: number,
  state: Uint32Array,
  rounds: number,
): Float64Array {
  const random = xoshiro128(state);
  const order = Uint32Array.from({ length: k }, (_, i) => i);
  return Float64Array.from({ length: rounds }, () => {
    random.shuffle(order);
    return order.reduce((sum, other, i) => sum + products[i * k + other]!, 0);
  });
}
