// Sign and zero masks of f32 rows: 16 comparisons narrowed to bytes, then one bit mask.

// @ts-ignore: decorator
@inline function mask16(a: v128, b: v128, c: v128, d: v128): u32 {
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

// @ts-ignore: decorator
@inline function negative16(p: usize): u32 {
  const zero = f32x4.splat(0);
  return mask16(f32x4.lt(v128.load(p), zero), f32x4.lt(v128.load(p, 16), zero), f32x4.lt(v128.load(p, 32), zero), f32x4.lt(v128.load(p, 48), zero));
}

// @ts-ignore: decorator
@inline function zero16(p: usize): u32 {
  const zero = f32x4.splat(0);
  return mask16(f32x4.eq(v128.load(p), zero), f32x4.eq(v128.load(p, 16), zero), f32x4.eq(v128.load(p, 32), zero), f32x4.eq(v128.load(p, 48), zero));
}

/** Bit j of the words at `to` is 1 where value j of `32 * words` is below zero. */
export function packNegative(from: usize, words: u32, to: usize): void {
  for (const end = to + (words << 2); to < end; to += 4, from += 128) store<u32>(to, negative16(from) | (negative16(from + 64) << 16));
}

/** Bit j is 1 where value j is zero, of either sign. */
export function packZero(from: usize, words: u32, to: usize): void {
  for (const end = to + (words << 2); to < end; to += 4, from += 128) store<u32>(to, zero16(from) | (zero16(from + 64) << 16));
}
