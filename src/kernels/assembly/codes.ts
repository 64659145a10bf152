// Folded distances of 256-bit codes: 8 lanes of 32 bits, and in every lane the fewer of the bits that differ and of those that
// agree. Lanes need counts of their own, so the byte-wise SIMD popcount it is: scalar ones would be eight with a minimum each.

/** Bits that differ in each of the 8 lanes of a code, i16x8. */
// @ts-ignore: decorator
@inline function laneCounts(low: v128, high: v128, p: usize): v128 {
  const a = i8x16.popcnt(v128.xor(low, v128.load(p)));
  const b = i8x16.popcnt(v128.xor(high, v128.load(p, 16)));
  return i16x8.extadd_pairwise_i8x16_u(
    i8x16.narrow_i16x8_u(i16x8.extadd_pairwise_i8x16_u(a), i16x8.extadd_pairwise_i8x16_u(b)));
}

/** Folded lanes of two codes, those of neighbours added: 4 sums a code, i16x8. */
// @ts-ignore: decorator
@inline function foldedPair(low: v128, high: v128, p: usize, width: v128): v128 {
  const counts = i8x16.narrow_i16x8_u(laneCounts(low, high, p), laneCounts(low, high, p + 32));
  return i16x8.extadd_pairwise_i8x16_u(i8x16.min_u(counts, i8x16.sub(width, counts)));
}

/**
 * Lowers the u32 at `nearest` of each of `owners` owners to its least folded distance from the code at `query`. The codes at
 * `codes` are those of one owner after another, up to the u32 at `ends`; lanes use `laneBits` bits, the others are zero.
 * Codes are read by fours and a distance of each is left at `scratch`, so both reach up to the next multiple of four.
 */
export function nearestFolded(
  query: usize, codes: usize, laneBits: u32, ends: usize, owners: u32, scratch: usize, nearest: usize,
): void {
  if (owners == 0) return;
  const low = v128.load(query), high = v128.load(query, 16);
  const width = i8x16.splat(<i8>laneBits);
  let at = scratch;
  const endAll = scratch + (load<u32>(ends + ((owners - 1) << 2)) << 2);
  for (let p = codes; at < endAll; at += 16, p += 128) {
    const sums = i8x16.narrow_i16x8_u(foldedPair(low, high, p, width), foldedPair(low, high, p + 64, width));
    v128.store(at, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(sums)));
  }
  at = scratch;
  for (const last = nearest + (owners << 2); nearest < last; nearest += 4, ends += 4) {
    const end = scratch + (load<u32>(ends) << 2);
    let least = load<u32>(nearest);
    if (at + 16 <= end) {
      let four = v128.load(at);
      for (at += 16; at + 16 <= end; at += 16) four = i32x4.min_u(four, v128.load(at));
      four = i32x4.min_u(four, i8x16.shuffle(four, four, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
      least = min(least, min(i32x4.extract_lane(four, 0), i32x4.extract_lane(four, 1)));
    }
    for (; at < end; at += 4) least = min(least, load<u32>(at));
    store<u32>(nearest, least);
  }
}
