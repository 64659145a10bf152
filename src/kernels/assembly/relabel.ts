// Random relabelings and what they sum: the draws of numerics/prng.ts, a label at a time, the sums in order of labels.

// @ts-ignore: decorator
@inline function rotl(x: u32, bits: u32): u32 { return (x << bits) | (x >>> (32 - bits)); }

/**
 * Shuffles the `k` numbers at `order` `rounds` times, and each time sums products[i][order[i]] over i, f64 of f32 [k x k]. `state`:
 * the four words of xoshiro128**, left as they are after all draws.
 */
export function relabel(products: usize, k: u32, order: usize, state: usize, rounds: u32, sums: usize): void {
  let s0 = load<u32>(state), s1 = load<u32>(state, 4), s2 = load<u32>(state, 8), s3 = load<u32>(state, 12);
  for (const end = sums + (rounds << 3); sums < end; sums += 8) {
    for (let n = k; n > 1; n--) {
      let value: u32 = 0;
      do {
        value = rotl(s1 * 5, 7) * 9;
        const shifted = s1 << 9;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = rotl(s3, 11);
        // The incomplete last block of n values, 2^32 % n (which is -n % n) of them, would favour small results.
      } while (value >= -n && value > ~(-n % n));
      const own = order + ((n - 1) << 2), other = order + ((value % n) << 2);
      const kept = load<u32>(own);
      store<u32>(own, load<u32>(other));
      store<u32>(other, kept);
    }
    let sum: f64 = 0, row = products;
    for (let p = order, stop = order + (k << 2); p < stop; p += 4, row += k << 2) sum += load<f32>(row + (load<u32>(p) << 2));
    store<f64>(sums, sum);
  }
  store<u32>(state, s0);
  store<u32>(state, s1, 4);
  store<u32>(state, s2, 8);
  store<u32>(state, s3, 12);
}
