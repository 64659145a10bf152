// Sums of rows under keystream signs and column factors, and sums of squares, per block of 256 columns.

import { BLOCK, evenHalves, evenSigns, oddHalves, oddSigns } from "./coins";

// @ts-ignore: decorator
@inline function total(even: v128, odd: v128): f32 {
  const v = f32x4.add(even, odd);
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 2)) + (f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 3));
}

// @ts-ignore: decorator
@inline function correlateRow<F>(p: usize, cols: u32, factor: usize, coins: usize, out: usize): void {
  const end = p + cols * sizeof<F>();
  while (p < end) {
    let sumEven = f32x4.splat(0), sumOdd = sumEven, squareEven = sumEven, squareOdd = sumEven;
    const blockEnd = min(end, p + BLOCK * sizeof<F>());
    while (p < blockEnd) {
      let k = v128.load(coins);
      coins += 16;
      const runEnd = min(blockEnd, p + 128 * sizeof<F>());
      for (; p < runEnd; p += 8 * sizeof<F>(), factor += 32) {
        let even: v128, odd: v128;
        if (isFloat<F>()) {
          const a = v128.load(p), b = v128.load(p, 16);
          even = v128.xor(i32x4.shuffle(a, b, 0, 2, 4, 6), evenSigns(k));
          odd = v128.xor(i32x4.shuffle(a, b, 1, 3, 5, 7), oddSigns(k));
        } else {
          const v = v128.xor(v128.load(p), v128.and(k, i16x8.splat(<i16>0x8000)));
          even = evenHalves<F>(v);
          odd = oddHalves<F>(v);
        }
        even = f32x4.mul(even, v128.load(factor));
        odd = f32x4.mul(odd, v128.load(factor, 16));
        sumEven = f32x4.add(sumEven, even);
        sumOdd = f32x4.add(sumOdd, odd);
        squareEven = f32x4.add(squareEven, f32x4.mul(even, even));
        squareOdd = f32x4.add(squareOdd, f32x4.mul(odd, odd));
        k = i16x8.add(k, k);
      }
    }
    store<f32>(out, total(sumEven, sumOdd));
    store<f32>(out, total(squareEven, squareOdd), 4);
    out += 8;
  }
}

// @ts-ignore: decorator
@inline function correlate<F>(from: usize, rows: u32, stride: usize, cols: u32, factor: usize, coins: usize, coinStride: usize, out: usize): void {
  const outStride = ((cols + (BLOCK - 1)) / BLOCK) * 8;
  for (let i: u32 = 0; i < rows; i++, from += stride, coins += coinStride, out += outStride) {
    correlateRow<F>(from, cols, factor, coins, out);
  }
}

/**
 * Two f32 per block: sum and sum of squares of sign x element x factor. Element j of a block goes to lane (j mod 8) / 2 of
 * the even or the odd accumulator, in order of j; at the end even and odd are added, then lanes as (0 + 2) + (1 + 3).
 * `cols` is a multiple of eight, `stride` and `coinStride` are bytes.
 */
export function correlateBf16(from: usize, rows: u32, stride: usize, cols: u32, factor: usize, coins: usize, coinStride: usize, out: usize): void {
  correlate<u16>(from, rows, stride, cols, factor, coins, coinStride, out);
}
export function correlateF16(from: usize, rows: u32, stride: usize, cols: u32, factor: usize, coins: usize, coinStride: usize, out: usize): void {
  correlate<i16>(from, rows, stride, cols, factor, coins, coinStride, out);
}
export function correlateF32(from: usize, rows: u32, stride: usize, cols: u32, factor: usize, coins: usize, coinStride: usize, out: usize): void {
  correlate<f32>(from, rows, stride, cols, factor, coins, coinStride, out);
}
