// Codes of a byte to f32, sixteen at a time. Swizzles by constants put each byte into a lane of its own, one instruction.
import { widenAnyF16 } from "./decode";

/** An f16 in all four lanes. */
// @ts-ignore: decorator
@inline export function halfAt(from: usize): v128 {
  return widenAnyF16(i32x4.splat(load<u16>(from)));
}

/** One of four lanes in all of them. */
// @ts-ignore: decorator
@inline export function lane(v: v128, i: u32): v128 {
  if (i == 0) return i32x4.shuffle(v, v, 0, 0, 0, 0);
  if (i == 1) return i32x4.shuffle(v, v, 1, 1, 1, 1);
  if (i == 2) return i32x4.shuffle(v, v, 2, 2, 2, 2);
  return i32x4.shuffle(v, v, 3, 3, 3, 3);
}

/** What turns a scale into that of `signed16`. */
// @ts-ignore: decorator
@inline export function loweredScale(d: v128): v128 {
  return f32x4.mul(d, f32x4.splat(<f32>5.9604644775390625e-8));
}

// @ts-ignore: decorator
@inline export function low0(v: v128): v128 { return i8x16.swizzle(v, i8x16(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1)); }
// @ts-ignore: decorator
@inline export function low1(v: v128): v128 { return i8x16.swizzle(v, i8x16(4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7, -1, -1, -1)); }
// @ts-ignore: decorator
@inline function low2(v: v128): v128 { return i8x16.swizzle(v, i8x16(8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11, -1, -1, -1)); }
// @ts-ignore: decorator
@inline function low3(v: v128): v128 { return i8x16.swizzle(v, i8x16(12, -1, -1, -1, 13, -1, -1, -1, 14, -1, -1, -1, 15, -1, -1, -1)); }
// @ts-ignore: decorator
@inline export function high0(v: v128): v128 { return i8x16.swizzle(v, i8x16(-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3)); }
// @ts-ignore: decorator
@inline export function high1(v: v128): v128 { return i8x16.swizzle(v, i8x16(-1, -1, -1, 4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7)); }
// @ts-ignore: decorator
@inline export function high2(v: v128): v128 { return i8x16.swizzle(v, i8x16(-1, -1, -1, 8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11)); }
// @ts-ignore: decorator
@inline export function high3(v: v128): v128 { return i8x16.swizzle(v, i8x16(-1, -1, -1, 12, -1, -1, -1, 13, -1, -1, -1, 14, -1, -1, -1, 15)); }

/**
 * Sixteen signed codes times a scale. As the top byte of a lane a code counts 2^24 times, which the scale makes up for: exact,
 * for scales made of f16 are far from where f32 ends.
 */
// @ts-ignore: decorator
@inline export function signed16(to: usize, codes: v128, lowered: v128): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high0(codes)), lowered));
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high1(codes)), lowered), 16);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high2(codes)), lowered), 32);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high3(codes)), lowered), 48);
}

/** Sixteen codes times a scale, and a number added. */
// @ts-ignore: decorator
@inline export function scaledPlus16(to: usize, codes: v128, d: v128, least: v128): void {
  v128.store(to, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low0(codes)), d), least));
  v128.store(to, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low1(codes)), d), least), 16);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low2(codes)), d), least), 32);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low3(codes)), d), least), 48);
}

/** Sixteen codes times a scale, less a number. */
// @ts-ignore: decorator
@inline export function scaledLess16(to: usize, codes: v128, d: v128, less: v128): void {
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(low0(codes)), d), less));
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(low1(codes)), d), less), 16);
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(low2(codes)), d), less), 32);
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(low3(codes)), d), less), 48);
}

/** The bytes of two vectors in turns: of their first halves. */
// @ts-ignore: decorator
@inline export function first16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The same of their last halves. */
// @ts-ignore: decorator
@inline export function last16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Bits `shift` and up of sixteen bytes, as many as `mask` has. */
// @ts-ignore: decorator
@inline export function bitsFrom(v: v128, shift: i32, mask: i8): v128 {
  return v128.and(i16x8.shr_u(v, shift), i8x16.splat(mask));
}
