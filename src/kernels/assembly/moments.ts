// Power sums, extremes and counts in one pass. 512 elements make a block: four f32 lanes add up 64 pairs each and are
// then added to four f64 lanes, so the rounding of f32 never grows with the length of the tensor. Pairs, not eight
// lanes: with eight accumulators one is spilled, and the loop waits for its store to come back (half the speed).
// A block with a NaN, an infinity or no negative value is done again, slowly, with what is not finite masked.
// Extremes are kept as keys: the magnitude bits, negated for negative values, so keys are ordered as the values are.

import { widenF16 } from "./decode";

const BLOCK: u32 = 512;
/** f64 lanes: sum, squares, cubes, fourth powers, four lanes each. */
const SUMS: usize = memory.data(128, 16);
/** Last block, padded with NaN. */
const TAIL: usize = memory.data(2048, 16);

let zeros: u32 = 0;
let nans: u32 = 0;
let plusInfs: u32 = 0;
let minusInfs: u32 = 0;
let minKey: i32 = 0;
let maxKey: i32 = 0;

// @ts-ignore: decorator
@inline function addLanes(at: usize, v: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v)));
  v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3))), 16);
}

// @ts-ignore: decorator
@inline function sumLanes(v: v128): u32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

// F is u16 for bf16, i16 for f16, f32 for f32: the type says how elements are loaded.
// @ts-ignore: decorator
@inline function infinityOf<F>(): i32 { return isFloat<F>() ? 0x7f800000 : isSigned<F>() ? 0x7c00 : 0x7f80; }
// @ts-ignore: decorator
@inline function signOf<F>(): i32 { return isFloat<F>() ? 0x80000000 : 0x8000; }

// @ts-ignore: decorator
@inline function first<F>(v: v128): v128 {
  if (isFloat<F>()) return v;
  return isSigned<F>() ? widenF16(i32x4.extend_low_i16x8_u(v)) : i32x4.shl(v, 16);
}
// @ts-ignore: decorator
@inline function second<F>(v: v128): v128 {
  return isSigned<F>() ? widenF16(i32x4.extend_high_i16x8_u(v)) : v128.and(v, i32x4.splat(0xffff0000));
}

/**
 * Adds one block of finite values of both signs. Returns false, and adds nothing, for any other block.
 * The bits of the largest positive value are the largest signed integer, those of the most negative value the largest
 * unsigned one: two maxima give minimum, maximum and the presence of NaN and infinities.
 */
// @ts-ignore: decorator
@inline function plainBlock<F>(p: usize, scale: v128, scaled: bool): bool {
  let s1 = f32x4.splat(0), s2 = s1, s3 = s1, s4 = s1;
  let zero = i32x4.splat(0), most = i32x4.splat(0), least = most;
  const end = p + (BLOCK * sizeof<F>());
  for (; p < end; p += 8 * sizeof<F>()) {
    const v = v128.load(p);
    let a: v128, b: v128;
    if (isFloat<F>()) {
      a = v;
      b = v128.load(p, 16);
      zero = i32x4.sub(zero, i32x4.eq(i32x4.add(a, a), i32x4.splat(0)));
      zero = i32x4.sub(zero, i32x4.eq(i32x4.add(b, b), i32x4.splat(0)));
      most = i32x4.max_s(i32x4.max_s(most, a), b);
      least = i32x4.max_u(i32x4.max_u(least, a), b);
    } else {
      zero = i16x8.sub(zero, i16x8.eq(i16x8.add(v, v), i32x4.splat(0)));
      most = i16x8.max_s(most, v);
      least = i16x8.max_u(least, v);
      a = first<F>(v);
      b = second<F>(v);
    }
    if (scaled) {
      a = f32x4.mul(a, scale);
      b = f32x4.mul(b, scale);
    }
    const aa = f32x4.mul(a, a), bb = f32x4.mul(b, b);
    s1 = f32x4.add(s1, f32x4.add(a, b));
    s2 = f32x4.add(s2, f32x4.add(aa, bb));
    s3 = f32x4.add(s3, f32x4.add(f32x4.mul(aa, a), f32x4.mul(bb, b)));
    s4 = f32x4.add(s4, f32x4.add(f32x4.mul(aa, aa), f32x4.mul(bb, bb)));
  }
  let zeroLanes = zero;
  if (!isFloat<F>()) {
    zeroLanes = i32x4.extadd_pairwise_i16x8_s(zero);
    most = i32x4.max_s(i32x4.extend_low_i16x8_s(most), i32x4.extend_high_i16x8_s(most));
    least = i32x4.max_u(i32x4.extend_low_i16x8_u(least), i32x4.extend_high_i16x8_u(least));
  }
  most = i32x4.max_s(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
  most = i32x4.max_s(most, i32x4.shuffle(most, most, 1, 0, 3, 2));
  least = i32x4.max_u(least, i32x4.shuffle(least, least, 2, 3, 0, 1));
  least = i32x4.max_u(least, i32x4.shuffle(least, least, 1, 0, 3, 2));
  const highest = i32x4.extract_lane(most, 0);
  const lowest: u32 = i32x4.extract_lane(least, 0);
  const sign: u32 = signOf<F>(), minusInfinity: u32 = sign | infinityOf<F>();
  if (highest >= infinityOf<F>() || lowest < sign || lowest >= minusInfinity) return false;
  addLanes(SUMS, s1);
  addLanes(SUMS + 32, s2);
  addLanes(SUMS + 64, s3);
  addLanes(SUMS + 96, s4);
  zeros += sumLanes(zeroLanes);
  const key: i32 = 0 - <i32>(lowest - sign);
  minKey = key < minKey ? key : minKey;
  maxKey = highest > maxKey ? highest : maxKey;
  return true;
}

/** Adds one block of any values, NaN and infinities counted and left out. */
function maskedBlock<F>(p: usize, scale: v128): void {
  let s1 = f32x4.splat(0), s2 = s1, s3 = s1, s4 = s1;
  const end = p + (BLOCK * sizeof<F>());
  for (; p < end; p += 8 * sizeof<F>()) {
    let v = v128.load(p);
    let a: v128, b: v128;
    if (isFloat<F>()) {
      a = v128.and(v, maskFinite<F>(v));
      b = v128.load(p, 16);
      b = v128.and(b, maskFinite<F>(b));
    } else {
      v = v128.and(v, maskFinite<F>(v));
      a = first<F>(v);
      b = second<F>(v);
    }
    a = f32x4.mul(a, scale);
    b = f32x4.mul(b, scale);
    const aa = f32x4.mul(a, a), bb = f32x4.mul(b, b);
    s1 = f32x4.add(s1, f32x4.add(a, b));
    s2 = f32x4.add(s2, f32x4.add(aa, bb));
    s3 = f32x4.add(s3, f32x4.add(f32x4.mul(aa, a), f32x4.mul(bb, b)));
    s4 = f32x4.add(s4, f32x4.add(f32x4.mul(aa, aa), f32x4.mul(bb, bb)));
  }
  addLanes(SUMS, s1);
  addLanes(SUMS + 32, s2);
  addLanes(SUMS + 64, s3);
  addLanes(SUMS + 96, s4);
}

/** All ones in the finite lanes; counts the others, the zeros and the extremes. */
// @ts-ignore: decorator
@inline function maskFinite<F>(v: v128): v128 {
  if (isFloat<F>()) {
    const infinity = i32x4.splat(infinityOf<F>()), size = v128.and(v, i32x4.splat(0x7fffffff));
    const finite = i32x4.lt_u(size, infinity), infinite = i32x4.eq(size, infinity), negative = i32x4.shr_s(v, 31);
    const key = i32x4.sub(v128.xor(size, negative), negative);
    count(i32x4.bitmask(i32x4.eq(size, i32x4.splat(0))), i32x4.bitmask(finite), i32x4.bitmask(infinite), i32x4.bitmask(negative), 15);
    extremes(v128.bitselect(key, i32x4.splat(0x7fffffff), finite), v128.bitselect(key, i32x4.splat(0x80000000), finite));
    return finite;
  }
  const infinity = i16x8.splat(<i16>infinityOf<F>()), size = v128.and(v, i16x8.splat(0x7fff));
  const finite = i16x8.lt_u(size, infinity), infinite = i16x8.eq(size, infinity), negative = i16x8.shr_s(v, 15);
  const key = i16x8.sub(v128.xor(size, negative), negative);
  count(i16x8.bitmask(i16x8.eq(size, i16x8.splat(0))), i16x8.bitmask(finite), i16x8.bitmask(infinite), i16x8.bitmask(negative), 255);
  const low = v128.bitselect(key, i16x8.splat(0x7fff), finite), high = v128.bitselect(key, i16x8.splat(-0x8000), finite);
  extremes(
    i32x4.min_s(i32x4.extend_low_i16x8_s(low), i32x4.extend_high_i16x8_s(low)),
    i32x4.max_s(i32x4.extend_low_i16x8_s(high), i32x4.extend_high_i16x8_s(high)),
  );
  return finite;
}

// @ts-ignore: decorator
@inline function count(zero: i32, finite: i32, infinite: i32, negative: i32, all: i32): void {
  zeros += popcnt(zero);
  minusInfs += popcnt(infinite & negative);
  plusInfs += popcnt(infinite & ~negative);
  nans += popcnt(all & ~(finite | infinite));
}

function extremes(low: v128, high: v128): void {
  low = i32x4.min_s(low, i32x4.shuffle(low, low, 2, 3, 0, 1));
  low = i32x4.min_s(low, i32x4.shuffle(low, low, 1, 0, 3, 2));
  high = i32x4.max_s(high, i32x4.shuffle(high, high, 2, 3, 0, 1));
  high = i32x4.max_s(high, i32x4.shuffle(high, high, 1, 0, 3, 2));
  const lowest = i32x4.extract_lane(low, 0), highest = i32x4.extract_lane(high, 0);
  minKey = lowest < minKey ? lowest : minKey;
  maxKey = highest > maxKey ? highest : maxKey;
}

function plain<F>(p: usize, scale: v128): bool { return plainBlock<F>(p, scale, false); }
function plainScaled<F>(p: usize, scale: v128): bool { return plainBlock<F>(p, scale, true); }

// @ts-ignore: decorator
@inline function total(at: usize): f64 {
  const sum = f64x2.add(v128.load(at), v128.load(at, 16));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

function moments<F>(p: usize, n: u32, scale: f32, out: usize): void {
  const scales = f32x4.splat(scale);
  memory.fill(SUMS, 0, 128);
  zeros = nans = plusInfs = minusInfs = 0;
  minKey = 0x7fffffff;
  maxKey = 0x80000000;
  const blocks = n / BLOCK, rest = n % BLOCK;
  for (let i: u32 = 0; i < blocks; i++, p += BLOCK * sizeof<F>()) {
    const done = scale == 1 ? plain<F>(p, scales) : plainScaled<F>(p, scales);
    if (!done) maskedBlock<F>(p, scales);
  }
  if (rest > 0) {
    memory.fill(TAIL, 0xff, 2048);
    memory.copy(TAIL, p, rest * sizeof<F>());
    maskedBlock<F>(TAIL, scales);
    nans -= BLOCK - rest;
  }
  store<f64>(out, total(SUMS), 0);
  store<f64>(out, total(SUMS + 32), 8);
  store<f64>(out, total(SUMS + 64), 16);
  store<f64>(out, total(SUMS + 96), 24);
  store<u32>(out, n - nans - plusInfs - minusInfs, 32);
  store<u32>(out, zeros, 36);
  store<u32>(out, nans, 40);
  store<u32>(out, plusInfs, 44);
  store<u32>(out, minusInfs, 48);
  store<i32>(out, minKey, 52);
  store<i32>(out, maxKey, 56);
}

/** `n` elements at `p` times `scale`: four f64 sums, then u32 counts, then the keys of the extremes: 60 bytes at `out`. */
export function momentsBf16(p: usize, n: u32, scale: f32, out: usize): void { moments<u16>(p, n, scale, out); }
export function momentsF16(p: usize, n: u32, scale: f32, out: usize): void { moments<i16>(p, n, scale, out); }
export function momentsF32(p: usize, n: u32, scale: f32, out: usize): void { moments<f32>(p, n, scale, out); }
