import { WeightmarkError } from "../errors.ts";
import { loadKernels } from "./load-kernels.ts";

/** Relabelings at a time: a kernel that is busy for long is never replaced by its faster form. */
const ROUNDS = 100;

/**
 * Sums of products[i][order[i]] over i for random orders of `k` labels, `rounds` of them: f64 of f32 [k x k], added in order
 * of i. The orders are those of one list 0 .. k - 1 that `Prng.shuffle` shuffles again and again, from the four words of `state`.
 */
export function relabelledSums(products: Float32Array, k: number, state: Uint32Array, rounds: number): Float64Array {
  if (products.length !== k * k || state.length !== 4) {
    throw new WeightmarkError("INTERNAL", `no products of ${k} labels, or no state to draw from`);
  }
  const { arena, exports } = loadKernels();
  return arena.scope(() => {
    const [atProducts, atOrder, atState] = [arena.alloc(4 * k * k), arena.alloc(4 * k), arena.alloc(16)];
    const sums = arena.alloc(8 * rounds);
    arena.f32(atProducts, k * k).set(products);
    arena.u32(atState, 4).set(state);
    const order = arena.u32(atOrder, k);
    for (let i = 0; i < k; i++) order[i] = i;
    for (let done = 0; done < rounds; done += ROUNDS) {
      exports.relabel(atProducts, k, atOrder, atState, Math.min(ROUNDS, rounds - done), sums + 8 * done);
    }
    return arena.f64(sums, rounds).slice();
  });
}
