// ggml's blocks of 32 values with one scale, decoded to f32: `n` blocks from `from` on. Low nibbles are the first half of a
// block, high ones the second. Products of an f16 and a code of few bits are exact, so the order of steps is that of ggml.
import { widenAnyF16 } from "./decode";
import { bitsFrom, halfAt, lane, loweredScale, scaledPlus16, signed16 } from "./lanes";

/** Scales of four blocks at once, a lane each: widening one takes as long as widening four. */
// @ts-ignore: decorator
@inline function loweredFour(from: usize, bytes: usize): v128 {
  let v = v128.load16_lane(from, i32x4.splat(0), 0);
  v = v128.load16_lane(from + bytes, v, 2);
  v = v128.load16_lane(from + 2 * bytes, v, 4);
  return loweredScale(widenAnyF16(v128.load16_lane(from + 3 * bytes, v, 6)));
}

// @ts-ignore: decorator
@inline function bytesOf(from: usize, to: usize, d: v128): void {
  signed16(to, v128.load(from, 2), d);
  signed16(to + 64, v128.load(from, 18), d);
}

export function decodeQ8_0(from: usize, to: usize, n: u32): void {
  for (; n >= 4; n -= 4, from += 136, to += 512) {
    const d = loweredFour(from, 34);
    bytesOf(from, to, lane(d, 0));
    bytesOf(from + 34, to + 128, lane(d, 1));
    bytesOf(from + 68, to + 256, lane(d, 2));
    bytesOf(from + 102, to + 384, lane(d, 3));
  }
  for (; n > 0; n--, from += 34, to += 128) bytesOf(from, to, loweredScale(halfAt(from)));
}

// @ts-ignore: decorator
@inline function nibblesOf(from: usize, to: usize, d: v128): void {
  const v = v128.load(from, 2), eight = i8x16.splat(8);
  signed16(to, i8x16.sub(bitsFrom(v, 0, 15), eight), d);
  signed16(to + 64, i8x16.sub(bitsFrom(v, 4, 15), eight), d);
}

export function decodeQ4_0(from: usize, to: usize, n: u32): void {
  for (; n >= 4; n -= 4, from += 72, to += 512) {
    const d = loweredFour(from, 18);
    nibblesOf(from, to, lane(d, 0));
    nibblesOf(from + 18, to + 128, lane(d, 1));
    nibblesOf(from + 36, to + 256, lane(d, 2));
    nibblesOf(from + 54, to + 384, lane(d, 3));
  }
  for (; n > 0; n--, from += 18, to += 128) nibblesOf(from, to, loweredScale(halfAt(from)));
}

export function decodeQ4_1(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 20, to += 128) {
    const d = halfAt(from), least = halfAt(from + 2), v = v128.load(from, 4);
    scaledPlus16(to, bitsFrom(v, 0, 15), d, least);
    scaledPlus16(to + 64, bitsFrom(v, 4, 15), d, least);
  }
}

/** A byte of 16 for each bit that is set of the first or the last sixteen of a word. */
// @ts-ignore: decorator
@inline function fifth(word: v128, low: bool): v128 {
  const bytes = low
    ? i8x16.swizzle(word, i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1))
    : i8x16.swizzle(word, i8x16(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.and(i8x16.eq(v128.and(bytes, bit), bit), i8x16.splat(16));
}

export function decodeQ5_0(from: usize, to: usize, n: u32): void {
  const sixteen = i8x16.splat(16);
  for (let i: u32 = 0; i < n; i++, from += 22, to += 128) {
    const d = loweredScale(halfAt(from)), word = v128.load32_zero(from, 2), v = v128.load(from, 6);
    signed16(to, i8x16.sub(v128.or(bitsFrom(v, 0, 15), fifth(word, true)), sixteen), d);
    signed16(to + 64, i8x16.sub(v128.or(bitsFrom(v, 4, 15), fifth(word, false)), sixteen), d);
  }
}

export function decodeQ5_1(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 24, to += 128) {
    const d = halfAt(from), least = halfAt(from + 2), word = v128.load32_zero(from, 4), v = v128.load(from, 8);
    scaledPlus16(to, v128.or(bitsFrom(v, 0, 15), fifth(word, true)), d, least);
    scaledPlus16(to + 64, v128.or(bitsFrom(v, 4, 15), fifth(word, false)), d, least);
  }
}

/** What the nibbles of IQ4_NL and IQ4_XS stand for. */
// @ts-ignore: decorator
@inline function nonLinear(codes: v128): v128 {
  return i8x16.swizzle(i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113), codes);
}

export function decodeIQ4_NL(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 18, to += 128) {
    const d = loweredScale(halfAt(from)), v = v128.load(from, 2);
    signed16(to, nonLinear(bitsFrom(v, 0, 15)), d);
    signed16(to + 64, nonLinear(bitsFrom(v, 4, 15)), d);
  }
}

/** Blocks of 256: scale; the upper two bits of eight scales of six, then their lower four; nibbles. */
export function decodeIQ4_XS(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 136) {
    const d = loweredScale(halfAt(from));
    const highs: u32 = load<u16>(from, 2), lows: u32 = load<u32>(from, 4);
    for (let part: u32 = 0; part < 8; part++, to += 128) {
      const scale = <i32>(((lows >> (4 * part)) & 15) | (((highs >> (2 * part)) & 3) << 4)) - 32;
      const dl = f32x4.mul(d, f32x4.splat(<f32>scale)), v = v128.load(from + 16 * part, 8);
      signed16(to, nonLinear(bitsFrom(v, 0, 15)), dl);
      signed16(to + 64, nonLinear(bitsFrom(v, 4, 15)), dl);
    }
  }
}
