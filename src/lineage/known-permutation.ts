import { permutation } from "../numerics/prng.ts";

/** Labels of permutations that are kept, and how many: 2 MB at most. Models of a scan share their widths. */
const MAX_LABELS = 4096;
const MAX_KEPT = 128;

const kept = new Map<string, Uint32Array>();

/** `permutation`, kept for widths that come again. Not to be written to. */
export function knownPermutation(n: number, seed: string): Uint32Array {
  if (n > MAX_LABELS) return permutation(n, seed);
  const key = `${n} ${seed}`;
  let order = kept.get(key);
  if (order === undefined) {
    order = permutation(n, seed);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, order);
  }
  return order;
}
