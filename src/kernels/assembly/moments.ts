// Power sums, extremes and counts in one pass. 512 elements make a block: eight f32 lanes add up 64 values each and are
// then added to four f64 lanes, so the rounding of f32 never grows with the length of the tensor.
// A block that holds a NaN or an infinity is done again with those elements masked.

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
@inline function addLanes(at: usize, a: v128, b: v128): void {
  const highA = i32x4.shuffle(a, a, 2, 3, 2, 3), highB = i32x4.shuffle(b, b, 2, 3, 2, 3);
  v128.store(at, f64x2.add(v128.load(at), f64x2.add(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b))));
  v128.store(at, f64x2.add(v128.load(at, 16), f64x2.add(f64x2.promote_low_f32x4(highA), f64x2.promote_low_f32x4(highB))), 16);
}

// Order-preserving map of the bits of a float to a signed integer.
// @ts-ignore: decorator
@inline function key16(v: v128): v128 { return v128.xor(v, v128.and(i16x8.shr_s(v, 15), i16x8.splat(0x7fff))); }
// @ts-ignore: decorator
@inline function key32(v: v128): v128 { return v128.xor(v, v128.and(i32x4.shr_s(v, 31), i32x4.splat(0x7fffffff))); }

// @ts-ignore: decorator
@inline function sumLanes(v: v128): u32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

// F is u16 for bf16, i16 for f16, f32 for f32.
// @ts-ignore: decorator
@inline function infinityOf<F>(): i32 { return isFloat<F>() ? 0x7f800000 : isSigned<F>() ? 0x7c00 : 0x7f80; }

/** False, and nothing added, when `masked` is false and the block holds a NaN or an infinity. */
// @ts-ignore: decorator
@inline function block<F>(p: usize, scale: v128, masked: bool): bool {
  let a1 = f32x4.splat(0), a2 = a1, a3 = a1, a4 = a1, b1 = a1, b2 = a1, b3 = a1, b4 = a1;
  let zero = i32x4.splat(0), most = zero;
  let low = isFloat<F>() ? i32x4.splat(0x7fffffff) : i16x8.splat(0x7fff);
  let high = isFloat<F>() ? i32x4.splat(0x80000000) : i16x8.splat(-0x8000);
  let nan: u32 = 0, plusInf: u32 = 0, minusInf: u32 = 0;
  const end = p + (BLOCK * sizeof<F>());
  for (; p < end; p += 8 * sizeof<F>()) {
    let a: v128, b: v128;
    if (isFloat<F>()) {
      a = v128.load(p);
      b = v128.load(p, 16);
      const sizeA = v128.and(a, i32x4.splat(0x7fffffff)), sizeB = v128.and(b, i32x4.splat(0x7fffffff));
      const keyA = key32(a), keyB = key32(b);
      zero = i32x4.sub(zero, i32x4.eq(sizeA, i32x4.splat(0)));
      zero = i32x4.sub(zero, i32x4.eq(sizeB, i32x4.splat(0)));
      if (masked) {
        const infinity = i32x4.splat(infinityOf<F>());
        const finiteA = i32x4.lt_u(sizeA, infinity), finiteB = i32x4.lt_u(sizeB, infinity);
        nan += popcnt(i32x4.bitmask(i32x4.gt_u(sizeA, infinity))) + popcnt(i32x4.bitmask(i32x4.gt_u(sizeB, infinity)));
        plusInf += popcnt(i32x4.bitmask(i32x4.eq(a, infinity))) + popcnt(i32x4.bitmask(i32x4.eq(b, infinity)));
        const minus = v128.or(infinity, i32x4.splat(0x80000000));
        minusInf += popcnt(i32x4.bitmask(i32x4.eq(a, minus))) + popcnt(i32x4.bitmask(i32x4.eq(b, minus)));
        low = i32x4.min_s(low, i32x4.min_s(v128.bitselect(keyA, i32x4.splat(0x7fffffff), finiteA), v128.bitselect(keyB, i32x4.splat(0x7fffffff), finiteB)));
        high = i32x4.max_s(high, i32x4.max_s(v128.bitselect(keyA, i32x4.splat(0x80000000), finiteA), v128.bitselect(keyB, i32x4.splat(0x80000000), finiteB)));
        a = v128.and(a, finiteA);
        b = v128.and(b, finiteB);
      } else {
        most = i32x4.max_u(most, i32x4.max_u(sizeA, sizeB));
        low = i32x4.min_s(low, i32x4.min_s(keyA, keyB));
        high = i32x4.max_s(high, i32x4.max_s(keyA, keyB));
      }
    } else {
      let v = v128.load(p);
      const size = v128.and(v, i16x8.splat(0x7fff));
      const key = key16(v);
      zero = i16x8.sub(zero, i16x8.eq(size, i16x8.splat(0)));
      if (masked) {
        const infinity = i16x8.splat(<i16>infinityOf<F>());
        const finite = i16x8.lt_u(size, infinity);
        nan += popcnt(i16x8.bitmask(i16x8.gt_u(size, infinity)));
        plusInf += popcnt(i16x8.bitmask(i16x8.eq(v, infinity)));
        minusInf += popcnt(i16x8.bitmask(i16x8.eq(v, v128.or(infinity, i16x8.splat(-0x8000)))));
        low = i16x8.min_s(low, v128.bitselect(key, i16x8.splat(0x7fff), finite));
        high = i16x8.max_s(high, v128.bitselect(key, i16x8.splat(-0x8000), finite));
        v = v128.and(v, finite);
      } else {
        most = i16x8.max_s(most, size);
        low = i16x8.min_s(low, key);
        high = i16x8.max_s(high, key);
      }
      if (isSigned<F>()) {
        a = widenF16(i32x4.extend_low_i16x8_u(v));
        b = widenF16(i32x4.extend_high_i16x8_u(v));
      } else {
        a = i32x4.shl(v, 16);
        b = v128.and(v, i32x4.splat(0xffff0000));
      }
    }
    a = f32x4.mul(a, scale);
    b = f32x4.mul(b, scale);
    const aa = f32x4.mul(a, a), bb = f32x4.mul(b, b);
    a1 = f32x4.add(a1, a);
    b1 = f32x4.add(b1, b);
    a2 = f32x4.add(a2, aa);
    b2 = f32x4.add(b2, bb);
    a3 = f32x4.add(a3, f32x4.mul(aa, a));
    b3 = f32x4.add(b3, f32x4.mul(bb, b));
    a4 = f32x4.add(a4, f32x4.mul(aa, aa));
    b4 = f32x4.add(b4, f32x4.mul(bb, bb));
  }
  if (!masked) {
    const over = isFloat<F>() ? i32x4.ge_u(most, i32x4.splat(infinityOf<F>())) : i16x8.ge_s(most, i16x8.splat(<i16>infinityOf<F>()));
    if (v128.any_true(over)) return false;
  }
  addLanes(SUMS, a1, b1);
  addLanes(SUMS + 32, a2, b2);
  addLanes(SUMS + 64, a3, b3);
  addLanes(SUMS + 96, a4, b4);
  if (isFloat<F>()) {
    zeros += sumLanes(zero);
  } else {
    zeros += sumLanes(i32x4.extadd_pairwise_i16x8_s(zero));
    low = i32x4.min_s(i32x4.extend_low_i16x8_s(low), i32x4.extend_high_i16x8_s(low));
    high = i32x4.max_s(i32x4.extend_low_i16x8_s(high), i32x4.extend_high_i16x8_s(high));
  }
  low = i32x4.min_s(low, i32x4.shuffle(low, low, 2, 3, 0, 1));
  low = i32x4.min_s(low, i32x4.shuffle(low, low, 1, 0, 3, 2));
  high = i32x4.max_s(high, i32x4.shuffle(high, high, 2, 3, 0, 1));
  high = i32x4.max_s(high, i32x4.shuffle(high, high, 1, 0, 3, 2));
  const lowest = i32x4.extract_lane(low, 0), highest = i32x4.extract_lane(high, 0);
  minKey = lowest < minKey ? lowest : minKey;
  maxKey = highest > maxKey ? highest : maxKey;
  nans += nan;
  plusInfs += plusInf;
  minusInfs += minusInf;
  return true;
}

function plain<F>(p: usize, scale: v128): bool { return block<F>(p, scale, false); }
function masked<F>(p: usize, scale: v128): bool { return block<F>(p, scale, true); }

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
  for (let i: u32 = 0; i < blocks; i++, p += BLOCK * sizeof<F>()) if (!plain<F>(p, scales)) masked<F>(p, scales);
  if (rest > 0) {
    memory.fill(TAIL, 0xff, 2048);
    memory.copy(TAIL, p, rest * sizeof<F>());
    masked<F>(TAIL, scales);
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
