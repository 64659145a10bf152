// Codes of 4 bits of packed linears whose rows stand upright: words of different rows lie side by side.
import { bitsFrom, first16, high0, high1, high2, high3, last16 } from "./lanes";

/** Four vectors of words turned: the first words of all, the second ones, and so on. */
let t0: v128 = i32x4.splat(0), t1: v128 = i32x4.splat(0), t2: v128 = i32x4.splat(0), t3: v128 = i32x4.splat(0);

// @ts-ignore: decorator
@inline function turn(a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5), cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7), cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  t0 = i64x2.shuffle(ab, cd, 0, 2);
  t1 = i64x2.shuffle(ab, cd, 1, 3);
  t2 = i64x2.shuffle(ab2, cd2, 0, 2);
  t3 = i64x2.shuffle(ab2, cd2, 1, 3);
}

/**
 * Makes `n` scales and zero points, a multiple of four, ready: of each zero point, a whole number, four bytes; of all scales what turns
 * codes that are the top byte of a word to values, where that is exact for each of them. Whether it is.
 */
export function readyUpright(scales: usize, zeros: usize, n: u32): bool {
  const down = f32x4.splat(<f32>5.9604644775390625e-8), up = f32x4.splat(16777216), whole = f32x4.splat(8388608);
  let exact = i32x4.splat(-1);
  for (let at: u32 = 0; at < n << 2; at += 16) {
    const d = v128.load(scales + at), z = f32x4.add(v128.load(zeros + at), whole);
    exact = v128.and(exact, f32x4.eq(f32x4.mul(f32x4.mul(d, down), up), d));
    v128.store(zeros + at, i8x16.swizzle(z, i8x16(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)));
  }
  if (!i32x4.all_true(exact)) return false;
  for (let at: u32 = 0; at < n << 2; at += 16) v128.store(scales + at, f32x4.mul(v128.load(scales + at), down));
  return true;
}

// @ts-ignore: decorator
@inline function four(to: usize, top: v128, d: v128, lowered: bool): void {
  const codes = f32x4.convert_i32x4_s(top);
  v128.store(to, f32x4.mul(lowered ? codes : f32x4.mul(codes, f32x4.splat(<f32>5.9604644775390625e-8)), d));
}

/** Sixteen codes less a zero point, times a scale. */
// @ts-ignore: decorator
@inline function sixteen(to: usize, codes: v128, zero: usize, scale: usize, lowered: bool): void {
  const c = i8x16.sub(codes, v128.load32_splat(zero)), d = v128.load32_splat(scale);
  four(to, high0(c), d, lowered);
  four(to + 16, high1(c), d, lowered);
  four(to + 32, high2(c), d, lowered);
  four(to + 48, high3(c), d, lowered);
}

/** 32 codes of a row, of which four words lie side by side. */
// @ts-ignore: decorator
@inline function gptqRow(to: usize, words: v128, zero: usize, scale: usize, lowered: bool): void {
  const low = bitsFrom(words, 0, 15), high = bitsFrom(words, 4, 15);
  sixteen(to, first16(low, high), zero, scale, lowered);
  sixteen(to + 64, last16(low, high), zero, scale, lowered);
}

// @ts-ignore: decorator
@inline function gptq(
  from: usize, stride: usize, to: usize, out: usize, n: u32, scales: usize, zeros: usize, g: usize, at: u32, perGroup: u32, lowered: bool,
): void {
  for (let w: u32 = 0; w < n; w += 4, to += 128, from += 4 * stride) {
    if (at >= perGroup) {
      at = 0;
      scales += 4;
      zeros += 4;
    }
    at += 4;
    turn(v128.load(from), v128.load(from + stride), v128.load(from + 2 * stride), v128.load(from + 3 * stride));
    gptqRow(to, t0, zeros, scales, lowered);
    gptqRow(to + out, t1, zeros + g, scales + g, lowered);
    gptqRow(to + 2 * out, t2, zeros + 2 * g, scales + 2 * g, lowered);
    gptqRow(to + 3 * out, t3, zeros + 3 * g, scales + 3 * g, lowered);
  }
}

/**
 * (code - zero) * scale as GPTQ stores codes: four rows, of `n` words each, a multiple of four; words of different rows lie side by side,
 * those of one `stride` bytes apart. `perGroup` words have a scale and a zero point together, made ready, which lie `g` bytes from one row
 * to the next; the first word is the `at`-th of its group. Rows of `out` bytes.
 */
export function gptqFours(
  from: usize, stride: usize, to: usize, out: usize, n: u32, scales: usize, zeros: usize, g: usize, at: u32, perGroup: u32, lowered: bool,
): void {
  if (lowered) gptq(from, stride, to, out, n, scales, zeros, g, at, perGroup, true);
  else gptq(from, stride, to, out, n, scales, zeros, g, at, perGroup, false);
}

/** Bytes of four words, the first ones first. */
// @ts-ignore: decorator
@inline function bytesApart(from: usize): v128 {
  return i8x16.swizzle(v128.load(from), i8x16(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

// @ts-ignore: decorator
@inline function awq(
  from: usize, to: usize, out: usize, n: u32, scales: usize, zeros: usize, g: usize, at: u32, perGroup: u32, lowered: bool,
): void {
  for (let i: u32 = 0; i < n; i += 16, to += 64, from += 64) {
    if (at >= perGroup) {
      at = 0;
      scales += 4;
      zeros += 4;
    }
    at += 16;
    turn(bytesApart(from), bytesApart(from + 16), bytesApart(from + 32), bytesApart(from + 48));
    sixteen(to, bitsFrom(t0, 0, 15), zeros, scales, lowered);
    sixteen(to + out, bitsFrom(t2, 0, 15), zeros + g, scales + g, lowered);
    sixteen(to + 2 * out, bitsFrom(t0, 4, 15), zeros + 2 * g, scales + 2 * g, lowered);
    sixteen(to + 3 * out, bitsFrom(t2, 4, 15), zeros + 3 * g, scales + 3 * g, lowered);
    sixteen(to + 4 * out, bitsFrom(t1, 0, 15), zeros + 4 * g, scales + 4 * g, lowered);
    sixteen(to + 5 * out, bitsFrom(t3, 0, 15), zeros + 5 * g, scales + 5 * g, lowered);
    sixteen(to + 6 * out, bitsFrom(t1, 4, 15), zeros + 6 * g, scales + 6 * g, lowered);
    sixteen(to + 7 * out, bitsFrom(t3, 4, 15), zeros + 7 * g, scales + 7 * g, lowered);
  }
}

/**
 * The same of AWQ: eight rows, whose codes share a word for each input, interleaved as 0, 2, 4, 6, 1, 3, 5, 7; words of `n` inputs, a
 * multiple of sixteen, follow one another, and `perGroup` of them have a scale and a zero point together.
 */
export function awqEights(
  from: usize, to: usize, out: usize, n: u32, scales: usize, zeros: usize, g: usize, at: u32, perGroup: u32, lowered: bool,
): void {
  if (lowered) awq(from, to, out, n, scales, zeros, g, at, perGroup, true);
  else awq(from, to, out, n, scales, zeros, g, at, perGroup, false);
}
