// Folded distances of 256-bit codes: in every lane the fewer of the bits that differ and of those that agree. Lanes need counts
// of their own, so the byte-wise SIMD popcount it is: scalar ones would need a minimum each.

/** Bits that differ in each of the 8 words of a code, i16x8. */
// @ts-ignore: decorator
@inline function wordCounts(low: v128, high: v128, p: usize): v128 {
  const a = i8x16.popcnt(v128.xor(low, v128.load(p)));
  const b = i8x16.popcnt(v128.xor(high, v128.load(p, 16)));
  return i16x8.extadd_pairwise_i8x16_u(
    i8x16.narrow_i16x8_u(i16x8.extadd_pairwise_i8x16_u(a), i16x8.extadd_pairwise_i8x16_u(b)));
}

/** Of two codes: each 4 sums over two words, i16x8. Folds bytes where lanes are one word, sums where they are two. */
// @ts-ignore: decorator
@inline function doubleWords(low: v128, high: v128, p: usize, one: v128, two: v128): v128 {
  const words = i8x16.narrow_i16x8_u(wordCounts(low, high, p), wordCounts(low, high, p + 32));
  const sums = i16x8.extadd_pairwise_i8x16_u(i8x16.min_u(words, i8x16.sub(one, words)));
  return i16x8.min_s(sums, i16x8.sub(two, sums));
}

/**
 * Lowers the u32 at `nearest` of each of `owners` owners to its least folded distance from the code at `query`. The codes at
 * `codes` are those of one owner after another, up to the u32 at `ends`. Lanes are `laneWords` words, 1, 2 or 4, and use
 * `laneBits` bits; the others are zero. Codes are read by fours and a distance of each is left at `scratch`, so both reach up
 * to the next multiple of four.
 */
export function nearestFolded(
  query: usize, codes: usize, laneWords: u32, laneBits: u32, ends: usize, owners: u32, scratch: usize, nearest: usize,
): void {
  if (owners == 0) return;
  const low = v128.load(query), high = v128.load(query, 16);
  // Where counts are not yet, or no more, those of a lane, they are held against a width that folds nothing.
  const one = i8x16.splat(laneWords == 1 ? <i8>laneBits : -1);
  const two = i16x8.splat(laneWords == 2 ? <i16>laneBits : 0x7fff);
  const four = i16x8.splat(laneWords == 4 ? <i16>laneBits : 0x7fff);
  let at = scratch;
  const endAll = scratch + (load<u32>(ends + ((owners - 1) << 2)) << 2);
  for (let p = codes; at < endAll; at += 16, p += 128) {
    const sums = i16x8.extadd_pairwise_i8x16_u(
      i8x16.narrow_i16x8_u(doubleWords(low, high, p, one, two), doubleWords(low, high, p + 64, one, two)));
    v128.store(at, i32x4.extadd_pairwise_i16x8_u(i16x8.min_s(sums, i16x8.sub(four, sums))));
  }
  at = scratch;
  for (const last = nearest + (owners << 2); nearest < last; nearest += 4, ends += 4) {
    const end = scratch + (load<u32>(ends) << 2);
    let least = load<u32>(nearest);
    if (at + 16 <= end) {
      let best = v128.load(at);
      for (at += 16; at + 16 <= end; at += 16) best = i32x4.min_u(best, v128.load(at));
      best = i32x4.min_u(best, i8x16.shuffle(best, best, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
      least = min(least, min(i32x4.extract_lane(best, 0), i32x4.extract_lane(best, 1)));
    }
    for (; at < end; at += 4) least = min(least, load<u32>(at));
    store<u32>(nearest, least);
  }
}
