// ggml's blocks of 256 values whose parts have scales of few bits, decoded to f32: `n` blocks from `from` on.
import { bitsFrom, halfAt, lane, low0, loweredScale, scaledLess16, signed16 } from "./lanes";

/** Four bytes of a word, each times a scale. */
// @ts-ignore: decorator
@inline function times(d: v128, bytes: u32): v128 {
  return f32x4.mul(d, f32x4.convert_i32x4_s(low0(i32x4.splat(bytes))));
}

/** 64 values: 32 bytes of nibbles, with 32 bytes of a fifth bit each at bits `shift` and `shift` + 1 of `fifths`. */
// @ts-ignore: decorator
@inline function pair(from: usize, fifths: usize, shift: i32, to: usize, d1: v128, m1: v128, d2: v128, m2: v128): void {
  const a = v128.load(from), b = v128.load(from, 16);
  let a1 = bitsFrom(a, 0, 15), b1 = bitsFrom(b, 0, 15), a2 = bitsFrom(a, 4, 15), b2 = bitsFrom(b, 4, 15);
  if (fifths != 0) {
    const h = v128.load(fifths), k = v128.load(fifths, 16);
    a1 = v128.or(a1, i16x8.shl(bitsFrom(h, shift, 1), 4));
    b1 = v128.or(b1, i16x8.shl(bitsFrom(k, shift, 1), 4));
    a2 = v128.or(a2, i16x8.shl(bitsFrom(h, shift + 1, 1), 4));
    b2 = v128.or(b2, i16x8.shl(bitsFrom(k, shift + 1, 1), 4));
  }
  scaledLess16(to, a1, d1, m1);
  scaledLess16(to + 64, b1, d1, m1);
  scaledLess16(to + 128, a2, d2, m2);
  scaledLess16(to + 192, b2, d2, m2);
}

/** Scale, minimum; eight scales and minima of six bits: the last four have their upper bits where the first have room. */
// @ts-ignore: decorator
@inline function block45(from: usize, fifths: usize, codes: usize, to: usize): void {
  const d = halfAt(from), min = halfAt(from + 2);
  const a = load<u32>(from, 4), b = load<u32>(from, 8), c = load<u32>(from, 12);
  const s1 = times(d, a & 0x3f3f3f3f), s2 = times(d, (c & 0x0f0f0f0f) | (((a >> 6) & 0x03030303) << 4));
  const m1 = times(min, b & 0x3f3f3f3f), m2 = times(min, ((c >> 4) & 0x0f0f0f0f) | (((b >> 6) & 0x03030303) << 4));
  pair(codes, fifths, 0, to, lane(s1, 0), lane(m1, 0), lane(s1, 1), lane(m1, 1));
  pair(codes + 32, fifths, 2, to + 256, lane(s1, 2), lane(m1, 2), lane(s1, 3), lane(m1, 3));
  pair(codes + 64, fifths, 4, to + 512, lane(s2, 0), lane(m2, 0), lane(s2, 1), lane(m2, 1));
  pair(codes + 96, fifths, 6, to + 768, lane(s2, 2), lane(m2, 2), lane(s2, 3), lane(m2, 3));
}

export function decodeQ4_K(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 144, to += 1024) block45(from, 0, from + 16, to);
}

export function decodeQ5_K(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 176, to += 1024) block45(from, from + 16, from + 48, to);
}

/** Sixteen bytes, each a scale and a minimum of four bits; 64 bytes, each two bits of values 32 apart; scale, minimum. */
export function decodeQ2_K(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 84) {
    const d = halfAt(from + 80), min = halfAt(from + 82);
    for (let half: usize = 0; half < 2; half++) {
      const codes = from + 16 + 32 * half, a = v128.load(codes), b = v128.load(codes, 16);
      for (let part: u32 = 0; part < 4; part++, to += 128) {
        const scales: u32 = load<u16>(from + 8 * half + 2 * part);
        const s = times(d, (scales & 15) | (scales & 0xf00)), m = times(min, ((scales >> 4) & 15) | ((scales >> 4) & 0xf00));
        scaledLess16(to, bitsFrom(a, 2 * part, 3), lane(s, 0), lane(m, 0));
        scaledLess16(to + 64, bitsFrom(b, 2 * part, 3), lane(s, 1), lane(m, 1));
      }
    }
  }
}

/** 32 bytes of high bits; 64 bytes of two low bits; sixteen scales of six bits; scale. Where the high bit is not set, less 4. */
export function decodeQ3_K(from: usize, to: usize, n: u32): void {
  const four = i8x16.splat(4);
  for (let i: u32 = 0; i < n; i++, from += 110) {
    const d = loweredScale(halfAt(from + 108)), high1 = v128.load(from), high2 = v128.load(from, 16);
    for (let part: u32 = 0; part < 16; part++, to += 64) {
      const low: u32 = part < 8 ? load<u8>(from + part, 96) & 15 : load<u8>(from + part, 88) >> 4;
      const upper: u32 = (load<u8>(from + (part & 3), 104) >> <u8>(2 * (part >> 2))) & 3;
      const dl = f32x4.mul(d, f32x4.splat(<f32>(<i32>(low | (upper << 4)) - 32)));
      const codes = v128.load(from + 32 * (part >> 3) + 16 * (part & 1), 32);
      const bit = i16x8.shl(bitsFrom(part & 1 ? high2 : high1, part >> 1, 1), 2);
      signed16(to, i8x16.sub(v128.or(bitsFrom(codes, 2 * ((part >> 1) & 3), 3), bit), four), dl);
    }
  }
}

/** Four times sixteen values, 32 apart: scale `i` and every second one after it. */
// @ts-ignore: decorator
@inline function run6(low: usize, high: usize, to: usize, s1: v128, s2: v128, i: u32): void {
  const less = i8x16.splat(32), upper = i8x16.splat(48);
  const a = v128.load(low), b = v128.load(low, 32), h = v128.load(high);
  signed16(to, i8x16.sub(v128.or(bitsFrom(a, 0, 15), v128.and(i16x8.shl(h, 4), upper)), less), lane(s1, i));
  signed16(to + 128, i8x16.sub(v128.or(bitsFrom(b, 0, 15), v128.and(i16x8.shl(h, 2), upper)), less), lane(s1, i + 2));
  signed16(to + 256, i8x16.sub(v128.or(bitsFrom(a, 4, 15), v128.and(h, upper)), less), lane(s2, i));
  signed16(to + 384, i8x16.sub(v128.or(bitsFrom(b, 4, 15), v128.and(i16x8.shr_u(h, 2), upper)), less), lane(s2, i + 2));
}

/** 128 bytes of nibbles, 64 of two high bits; sixteen signed scales; scale; less 32. */
export function decodeQ6_K(from: usize, to: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++, from += 210) {
    const d = loweredScale(halfAt(from + 208));
    for (let half: usize = 0; half < 2; half++, to += 512) {
      const scales = i16x8.extend_low_i8x16_s(v128.load64_zero(from + 8 * half, 192));
      const s1 = f32x4.mul(d, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(scales)));
      const s2 = f32x4.mul(d, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(scales)));
      const low = from + 64 * half, high = from + 32 * half + 128;
      run6(low, high, to, s1, s2, 0);
      run6(low + 16, high + 16, to + 64, s1, s2, 1);
    }
  }
}
