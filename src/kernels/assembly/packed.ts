// Codes of packed linears to f32, with the scales of their blocks.
import { bitsFrom, first16, last16 } from "./lanes";

/** Byte `k` of sixteen f32, for each `k`: a table in which bytes are looked up. */
let p0: v128 = i32x4.splat(0), p1: v128 = i32x4.splat(0), p2: v128 = i32x4.splat(0), p3: v128 = i32x4.splat(0);

// @ts-ignore: decorator
@inline function bytesApart(v: v128): v128 {
  return i8x16.swizzle(v, i8x16(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

// @ts-ignore: decorator
@inline function setTable(a: v128, b: v128, c: v128, d: v128): void {
  a = bytesApart(a);
  b = bytesApart(b);
  c = bytesApart(c);
  d = bytesApart(d);
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5), cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7), cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  p0 = i64x2.shuffle(ab, cd, 0, 2);
  p1 = i64x2.shuffle(ab, cd, 1, 3);
  p2 = i64x2.shuffle(ab2, cd2, 0, 2);
  p3 = i64x2.shuffle(ab2, cd2, 1, 3);
}

/** What sixteen codes stand for, each times `d` if there is any. */
// @ts-ignore: decorator
@inline function looked16(to: usize, codes: v128, d: v128, scales: bool): void {
  const a = i8x16.swizzle(p0, codes), b = i8x16.swizzle(p1, codes), c = i8x16.swizzle(p2, codes), e = i8x16.swizzle(p3, codes);
  const ab1 = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const ab2 = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const ce1 = i8x16.shuffle(c, e, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const ce2 = i8x16.shuffle(c, e, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  let v0 = i16x8.shuffle(ab1, ce1, 0, 8, 1, 9, 2, 10, 3, 11), v1 = i16x8.shuffle(ab1, ce1, 4, 12, 5, 13, 6, 14, 7, 15);
  let v2 = i16x8.shuffle(ab2, ce2, 0, 8, 1, 9, 2, 10, 3, 11), v3 = i16x8.shuffle(ab2, ce2, 4, 12, 5, 13, 6, 14, 7, 15);
  if (scales) {
    v0 = f32x4.mul(v0, d);
    v1 = f32x4.mul(v1, d);
    v2 = f32x4.mul(v2, d);
    v3 = f32x4.mul(v3, d);
  }
  v128.store(to, v0);
  v128.store(to, v1, 16);
  v128.store(to, v2, 32);
  v128.store(to, v3, 48);
}

/** One block of nibbles by the table that is set. */
// @ts-ignore: decorator
@inline function nibbleBlock(from: usize, to: usize, size: u32, highFirst: bool, d: v128, scales: bool): void {
  for (let j: u32 = 0; j < size; j += 32, from += 16, to += 128) {
    const v = v128.load(from), low = bitsFrom(v, 0, 15), high = bitsFrom(v, 4, 15);
    const first = highFirst ? high : low, second = highFirst ? low : high;
    looked16(to, first16(first, second), d, scales);
    looked16(to + 64, last16(first, second), d, scales);
  }
}

/** table[code] * scale: `n` blocks of `size` codes of 4 bits, a multiple of 32, with a scale each. */
export function scaledNibbles(from: usize, to: usize, n: u32, size: u32, highFirst: bool, table: usize, scales: usize): void {
  setTable(v128.load(table), v128.load(table, 16), v128.load(table, 32), v128.load(table, 48));
  for (let i: u32 = 0; i < n; i++, from += size >> 1, to += size << 2, scales += 4) {
    nibbleBlock(from, to, size, highFirst, v128.load32_splat(scales), true);
  }
}

/** Four entries of a table by f64 as plain code computes them, rounded once. */
// @ts-ignore: decorator
@inline function four(table: usize, zero: v128, scale: v128, biases: usize): v128 {
  const v = v128.load(table);
  let a = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v), zero), scale);
  let b = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1)), zero), scale);
  if (biases != 0) {
    const bias = f64x2.splat(<f64>load<f32>(biases));
    a = f64x2.add(a, bias);
    b = f64x2.add(b, bias);
  }
  return i64x2.shuffle(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** (table[code] - zero) * scale + bias, with a zero point and perhaps a bias for each block. */
export function affineNibbles(
  from: usize, to: usize, n: u32, size: u32, highFirst: bool, table: usize, scales: usize, zeros: usize, biases: usize,
): void {
  for (let i: u32 = 0; i < n; i++, from += size >> 1, to += size << 2, scales += 4) {
    const scale = f64x2.splat(<f64>load<f32>(scales)), zero = f64x2.splat(zeros == 0 ? 0 : <f64>load<f32>(zeros));
    setTable(
      four(table, zero, scale, biases), four(table + 16, zero, scale, biases),
      four(table + 32, zero, scale, biases), four(table + 48, zero, scale, biases),
    );
    nibbleBlock(from, to, size, highFirst, scale, false);
    if (zeros != 0) zeros += 4;
    if (biases != 0) biases += 4;
  }
}
