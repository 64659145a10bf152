// Number formats to f32, by integers: multiplying subnormals up is many times slower. `n` is rounded up to a multiple
// of eight, so both buffers need room for seven more elements.

const F16_SUBNORMAL: i32 = 113 << 23;
const F8_SUBNORMAL: i32 = 121 << 23;

/** Four f16 in 32-bit lanes to f32; NaN and infinity come out as large finite numbers. */
// @ts-ignore: decorator
@inline export function widenF16(h: v128): v128 {
  const size = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  const normal = i32x4.add(size, i32x4.splat(112 << 23));
  const subnormal = f32x4.sub(i32x4.add(size, i32x4.splat(F16_SUBNORMAL)), i32x4.splat(F16_SUBNORMAL));
  return v128.or(sign, v128.bitselect(subnormal, normal, i32x4.lt_s(size, i32x4.splat(1 << 23))));
}

/** The same with NaN and infinity kept. */
// @ts-ignore: decorator
@inline export function widenAnyF16(h: v128): v128 {
  const special = i32x4.ge_u(v128.and(h, i32x4.splat(0x7fff)), i32x4.splat(0x7c00));
  return i32x4.add(widenF16(h), v128.and(special, i32x4.splat(112 << 23)));
}

// @ts-ignore: decorator
@inline export function widenE4M3(b: v128): v128 {
  const size = i32x4.shl(v128.and(b, i32x4.splat(0x7f)), 20);
  const sign = i32x4.shl(v128.and(b, i32x4.splat(0x80)), 24);
  const normal = i32x4.add(size, i32x4.splat(120 << 23));
  const subnormal = f32x4.sub(i32x4.add(size, i32x4.splat(F8_SUBNORMAL)), i32x4.splat(F8_SUBNORMAL));
  const value = v128.bitselect(subnormal, normal, i32x4.lt_s(size, i32x4.splat(1 << 23)));
  const nan = i32x4.eq(size, i32x4.splat(0x7f << 20));
  return v128.or(sign, v128.bitselect(i32x4.splat(0x7fc00000), value, nan));
}

export function decodeBf16(from: usize, to: usize, n: u32): void {
  for (const end = from + (n << 1); from < end; from += 16, to += 32) {
    const v = v128.load(from), zero = i32x4.splat(0);
    v128.store(to, i16x8.shuffle(zero, v, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to, i16x8.shuffle(zero, v, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}

export function decodeF16(from: usize, to: usize, n: u32): void {
  for (const end = from + (n << 1); from < end; from += 16, to += 32) {
    const v = v128.load(from);
    v128.store(to, widenAnyF16(i32x4.extend_low_i16x8_u(v)));
    v128.store(to, widenAnyF16(i32x4.extend_high_i16x8_u(v)), 16);
  }
}

/** Rounds to nearest even. */
export function decodeF64(from: usize, to: usize, n: u32): void {
  for (const end = from + (n << 3); from < end; from += 32, to += 16) {
    const low = f32x4.demote_f64x2_zero(v128.load(from)), high = f32x4.demote_f64x2_zero(v128.load(from, 16));
    v128.store(to, i64x2.shuffle(low, high, 0, 2));
  }
}
