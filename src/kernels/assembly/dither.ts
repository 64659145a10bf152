// Additions in place with stochastic rounding: t = w + delta in f32, then bits(t) + U with U uniform below one unit in
// the last place of the stored type, and the bits below are cut off: up with the probability of what is cut, at the
// precision of the binade of t. An element moves only when it is normal before and after and keeps its sign.
// U comes in pairs of 16 bits from a keyed mixing of the pair's number: the two rounds of multiply and xor-shift with
// Chris Wellons' constants ("lowbias32"). It decides on roundings and on nothing that must stay secret.

import { BLOCK, evenSigns, oddSigns } from "./coins";
import { widenF16 } from "./decode";

// @ts-ignore: decorator
@inline function pairHash(counter: v128, s0: v128, s1: v128, s2: v128): v128 {
  let x = v128.xor(counter, s0);
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  x = v128.xor(x, s1);
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(<i32>0x846ca68b));
  x = i32x4.add(x, s2);
  return v128.xor(x, i32x4.shr_u(x, 16));
}

// Magnitudes, as f32 bits, of the normal numbers of the stored type.
// @ts-ignore: decorator
@inline function firstNormal<F>(): i32 { return !isFloat<F>() && isSigned<F>() ? 113 << 23 : 1 << 23; }
// @ts-ignore: decorator
@inline function normalSpan<F>(): i32 { return !isFloat<F>() && isSigned<F>() ? 30 << 23 : 254 << 23; }

/** The f32 bits after the move. `u` has 16 random bits. */
// @ts-ignore: decorator
@inline function target<F>(w: v128, delta: v128, u: v128): v128 {
  const t = f32x4.add(w, delta);
  if (isFloat<F>()) return t;
  const below = isSigned<F>() ? 0x1fff : 0xffff;
  return v128.andnot(i32x4.add(t, v128.and(u, i32x4.splat(below))), i32x4.splat(below));
}

/** Where the element may move: both normal and of one sign; the sign bit of a change of sign makes `t` too large. */
// @ts-ignore: decorator
@inline function mayMove<F>(w: v128, t: v128): v128 {
  const sign = v128.and(w, i32x4.splat(0x80000000));
  const first = i32x4.splat(firstNormal<F>());
  const largest = i32x4.max_u(i32x4.sub(v128.xor(w, sign), first), i32x4.sub(v128.xor(t, sign), first));
  return i32x4.lt_u(largest, i32x4.splat(normalSpan<F>()));
}

// @ts-ignore: decorator
@inline function moved<F>(w: v128, delta: v128, u: v128): v128 {
  const t = target<F>(w, delta, u);
  return v128.bitselect(t, w, mayMove<F>(w, t));
}

/** The f16 code, in lower halves, after the move of the element with this code. */
// @ts-ignore: decorator
@inline function movedF16(code: v128, delta: v128, u: v128): v128 {
  const w = widenF16(code);
  const t = target<i16>(w, delta, u);
  const size = i32x4.shr_u(i32x4.sub(v128.and(t, i32x4.splat(0x7fffffff)), i32x4.splat(112 << 23)), 13);
  return v128.bitselect(v128.or(size, v128.and(i32x4.shr_u(t, 16), i32x4.splat(0x8000))), code, mayMove<i16>(w, t));
}

/** Eight elements at `p`. */
// @ts-ignore: decorator
@inline function add8<F>(p: usize, even: v128, odd: v128, h: v128): void {
  if (isFloat<F>()) {
    const a = v128.load(p), b = v128.load(p, 16);
    const e = moved<F>(i32x4.shuffle(a, b, 0, 2, 4, 6), even, h);
    const o = moved<F>(i32x4.shuffle(a, b, 1, 3, 5, 7), odd, h);
    v128.store(p, i32x4.shuffle(e, o, 0, 4, 1, 5));
    v128.store(p, i32x4.shuffle(e, o, 2, 6, 3, 7), 16);
    return;
  }
  const v = v128.load(p);
  if (isSigned<F>()) {
    const e = movedF16(v128.and(v, i32x4.splat(0xffff)), even, h);
    const o = movedF16(i32x4.shr_u(v, 16), odd, i32x4.shr_u(h, 16));
    v128.store(p, v128.or(e, i32x4.shl(o, 16)));
  } else {
    const e = moved<F>(i32x4.shl(v, 16), even, h);
    const o = moved<F>(v128.and(v, i32x4.splat(0xffff0000)), odd, i32x4.shr_u(h, 16));
    v128.store(p, v128.or(i32x4.shr_u(e, 16), v128.and(o, i32x4.splat(0xffff0000))));
  }
}

// @ts-ignore: decorator
@inline function ditherAdd<F>(p: usize, delta: usize, n: u32, seed: usize, counter: u32): void {
  const s0 = v128.load32_splat(seed), s1 = v128.load32_splat(seed, 4), s2 = v128.load32_splat(seed, 8);
  let c = i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
  for (const end = p + n * sizeof<F>(); p < end; p += 8 * sizeof<F>(), delta += 32) {
    const a = v128.load(delta), b = v128.load(delta, 16);
    add8<F>(p, i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(a, b, 1, 3, 5, 7), pairHash(c, s0, s1, s2));
    c = i32x4.add(c, i32x4.splat(4));
  }
}

// @ts-ignore: decorator
@inline function spread<F>(p: usize, cols: u32, scales: usize, coins: usize, amplitudes: usize, seed: usize, counter: u32): void {
  const s0 = v128.load32_splat(seed), s1 = v128.load32_splat(seed, 4), s2 = v128.load32_splat(seed, 8);
  let c = i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
  const end = p + cols * sizeof<F>();
  while (p < end) {
    const amplitude = v128.load32_splat(amplitudes);
    amplitudes += 4;
    const blockEnd = min(end, p + BLOCK * sizeof<F>());
    while (p < blockEnd) {
      let k = v128.load(coins);
      coins += 16;
      const runEnd = min(blockEnd, p + 128 * sizeof<F>());
      for (; p < runEnd; p += 8 * sizeof<F>(), scales += 32) {
        const even = v128.xor(f32x4.mul(amplitude, v128.load(scales)), evenSigns(k));
        const odd = v128.xor(f32x4.mul(amplitude, v128.load(scales, 16)), oddSigns(k));
        add8<F>(p, even, odd, pairHash(c, s0, s1, s2));
        c = i32x4.add(c, i32x4.splat(4));
        k = i16x8.add(k, k);
      }
    }
  }
}

/** Adds `n` (a multiple of eight) f32 deltas; the pair of elements 0 and 1 has number `counter`. `seed`: three words. */
export function ditherAddBf16(p: usize, delta: usize, n: u32, seed: usize, counter: u32): void { ditherAdd<u16>(p, delta, n, seed, counter); }
export function ditherAddF16(p: usize, delta: usize, n: u32, seed: usize, counter: u32): void { ditherAdd<i16>(p, delta, n, seed, counter); }
export function ditherAddF32(p: usize, delta: usize, n: u32, seed: usize, counter: u32): void { ditherAdd<f32>(p, delta, n, seed, counter); }

/** Adds sign x amplitude of the block x scale of the column to one row; `cols` is a multiple of eight. */
export function spreadBf16(p: usize, cols: u32, scales: usize, coins: usize, amplitudes: usize, seed: usize, counter: u32): void { spread<u16>(p, cols, scales, coins, amplitudes, seed, counter); }
export function spreadF16(p: usize, cols: u32, scales: usize, coins: usize, amplitudes: usize, seed: usize, counter: u32): void { spread<i16>(p, cols, scales, coins, amplitudes, seed, counter); }
export function spreadF32(p: usize, cols: u32, scales: usize, coins: usize, amplitudes: usize, seed: usize, counter: u32): void { spread<f32>(p, cols, scales, coins, amplitudes, seed, counter); }

// @ts-ignore: decorator
@inline function movable16(from: usize, cols: u32, first: i16, span: i16, out: usize): void {
  const end = from + cols * 2;
  for (; from < end; out += 4) {
    let count = i16x8.splat(0);
    for (const blockEnd = min(end, from + BLOCK * 2); from < blockEnd; from += 16) {
      const size = v128.and(v128.load(from), i16x8.splat(0x7fff));
      count = i16x8.sub(count, i16x8.lt_u(i16x8.sub(size, i16x8.splat(first)), i16x8.splat(span)));
    }
    const pairs = i32x4.extadd_pairwise_i16x8_u(count);
    store<u32>(out, i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1) + i32x4.extract_lane(pairs, 2) + i32x4.extract_lane(pairs, 3));
  }
}

/** How many elements of every block are normal numbers, one u32 per block of a row; `cols` is a multiple of eight. */
export function movableBf16(from: usize, cols: u32, out: usize): void { movable16(from, cols, 0x80, 0x7f00, out); }
export function movableF16(from: usize, cols: u32, out: usize): void { movable16(from, cols, 0x400, 0x7800, out); }
export function movableF32(from: usize, cols: u32, out: usize): void {
  const end = from + cols * 4;
  for (; from < end; out += 4) {
    let count = i32x4.splat(0);
    for (const blockEnd = min(end, from + BLOCK * 4); from < blockEnd; from += 16) {
      const size = v128.and(v128.load(from), i32x4.splat(0x7fffffff));
      count = i32x4.sub(count, i32x4.lt_u(i32x4.sub(size, i32x4.splat(firstNormal<f32>())), i32x4.splat(normalSpan<f32>())));
    }
    store<u32>(out, i32x4.extract_lane(count, 0) + i32x4.extract_lane(count, 1) + i32x4.extract_lane(count, 2) + i32x4.extract_lane(count, 3));
  }
}
