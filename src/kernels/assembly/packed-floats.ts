// Floats of a byte to f32, sixteen at a time, with the scales of their blocks.
import { widenAnyF16, widenE4M3 } from "./decode";
import { first16, last16 } from "./lanes";

// @ts-ignore: decorator
@inline function wide(bits: v128, isE5M2: bool): v128 {
  return isE5M2
    ? i16x8.add(v128.and(i16x8.shr_s(bits, 3), i16x8.splat(<i16>0x8fe0)), i16x8.splat(0x3800))
    : i16x8.add(v128.and(i16x8.shr_s(bits, 4), i16x8.splat(<i16>0x87f0)), i16x8.splat(0x3c00));
}

// @ts-ignore: decorator
@inline function put(to: usize, v: v128, d: v128, scales: bool): void {
  v128.store(to, scales ? f32x4.mul(v, d) : v);
}

/**
 * Sixteen codes, none of them infinite or NaN. Each is a bf16, with another bias; what that makes of the subnormal ones, the smallest
 * few, is mended by bits that are looked up: a size that is not in the table finds none.
 */
// @ts-ignore: decorator
@inline function finite16(to: usize, v: v128, size: v128, d: v128, isE5M2: bool, scales: bool): void {
  const low = isE5M2
    ? i8x16.swizzle(i8x16(0, -96, 64, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), size)
    : i8x16.swizzle(i8x16(0, 16, -96, -16, 64, 112, 32, 16, 0, 0, 0, 0, 0, 0, 0, 0), size);
  const high = isE5M2
    ? i8x16.swizzle(i8x16(56, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), size)
    : i8x16.swizzle(i8x16(60, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), size);
  const a = v128.xor(wide(first16(v, v), isE5M2), first16(low, high)), b = v128.xor(wide(last16(v, v), isE5M2), last16(low, high));
  const zero = i32x4.splat(0);
  put(to, i16x8.shuffle(zero, a, 0, 8, 1, 9, 2, 10, 3, 11), d, scales);
  put(to + 16, i16x8.shuffle(zero, a, 4, 12, 5, 13, 6, 14, 7, 15), d, scales);
  put(to + 32, i16x8.shuffle(zero, b, 0, 8, 1, 9, 2, 10, 3, 11), d, scales);
  put(to + 48, i16x8.shuffle(zero, b, 4, 12, 5, 13, 6, 14, 7, 15), d, scales);
}

/** Eight codes of any kind. E5M2 is the upper half of f16. */
// @ts-ignore: decorator
@inline function any8(from: usize, to: usize, d: v128, isE5M2: bool, scales: bool): void {
  const v = v128.load8x8_u(from), h = i16x8.shl(v, 8);
  const a = isE5M2 ? widenAnyF16(i32x4.extend_low_i16x8_u(h)) : widenE4M3(i32x4.extend_low_i16x8_u(v));
  const b = isE5M2 ? widenAnyF16(i32x4.extend_high_i16x8_u(h)) : widenE4M3(i32x4.extend_high_i16x8_u(v));
  put(to, a, d, scales);
  put(to + 16, b, d, scales);
}

/** `size` codes, a multiple of eight: those of a run in which one is infinite or NaN are done again, eight at a time. */
// @ts-ignore: decorator
@inline function run(from: usize, to: usize, size: u32, d: v128, isE5M2: bool, scales: bool): void {
  let largest = i8x16.splat(0), at: u32 = 0;
  for (; at + 16 <= size; at += 16) {
    const v = v128.load(from + at), own = v128.and(v, i8x16.splat(0x7f));
    largest = i8x16.max_u(largest, own);
    finite16(to + (at << 2), v, own, d, isE5M2, scales);
  }
  if (v128.any_true(i8x16.ge_s(largest, i8x16.splat(isE5M2 ? 0x7c : 0x7f)))) at = 0;
  for (; at < size; at += 8) any8(from + at, to + (at << 2), d, isE5M2, scales);
}

// @ts-ignore: decorator
@inline function blocks(from: usize, to: usize, n: u32, size: u32, scales: usize, isE5M2: bool): void {
  for (let i: u32 = 0; i < n; i++, scales += 4, from += size, to += size << 2) {
    run(from, to, size, v128.load32_splat(scales), isE5M2, true);
  }
}

/** E4M3 times scales: `n` blocks of `size` codes, a multiple of 8. */
export function scaledE4M3(from: usize, to: usize, n: u32, size: u32, scales: usize): void {
  blocks(from, to, n, size, scales, false);
}

/** The same of E5M2. */
export function scaledE5M2(from: usize, to: usize, n: u32, size: u32, scales: usize): void {
  blocks(from, to, n, size, scales, true);
}

/** Codes that are looked at together for one that is infinite or NaN. */
const RUN: u32 = 256;

// @ts-ignore: decorator
@inline function plain(from: usize, to: usize, n: u32, isE5M2: bool): void {
  for (; n > RUN; n -= RUN, from += RUN, to += RUN << 2) run(from, to, RUN, i32x4.splat(0), isE5M2, false);
  run(from, to, n, i32x4.splat(0), isE5M2, false);
}

export function decodeE4M3(from: usize, to: usize, n: u32): void {
  plain(from, to, n, false);
}

export function decodeE5M2(from: usize, to: usize, n: u32): void {
  plain(from, to, n, true);
}
