// One balancing pass over a matrix of squares. `stride` is a multiple of eight f32; padding is zero.

/**
 * Values at `from` times `scale`, squared; what is not finite or beyond 1e15 becomes 0. `n` is rounded up to a multiple of four.
 */
export function scaledSquares(from: usize, n: u32, scale: f32, to: usize): void {
  const factor = f32x4.splat(scale);
  for (const end = from + (n << 2); from < end; from += 16, to += 16) {
    const v = f32x4.mul(v128.load(from), factor);
    const square = f32x4.mul(v, v);
    v128.store(to, v128.and(square, f32x4.lt(square, f32x4.splat(1e30))));
  }
}

/**
 * Adds to `sums` (f32, one per column) every row divided by its own weighted sum; rows without one add nothing. Returns
 * the total of the weighted sums. Element j of a row goes to lane j mod 4 of accumulator (j / 4) mod 2; the accumulators
 * are added, then lanes as (0 + 2) + (1 + 3).
 */
export function balance(squares: usize, rows: u32, stride: u32, weights: usize, sums: usize): f64 {
  let all: f64 = 0;
  const bytes = stride << 2;
  for (let i: u32 = 0; i < rows; i++, squares += bytes) {
    let low = f32x4.splat(0), high = low;
    for (let at: usize = 0; at < bytes; at += 32) {
      low = f32x4.add(low, f32x4.mul(v128.load(squares + at), v128.load(weights + at)));
      high = f32x4.add(high, f32x4.mul(v128.load(squares + at, 16), v128.load(weights + at, 16)));
    }
    const v = f32x4.add(low, high);
    const row = (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 2)) + (f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 3));
    if (!(row > 0)) continue;
    all += <f64>row;
    const share = f32x4.splat(1 / row);
    for (let at: usize = 0; at < bytes; at += 16) v128.store(sums + at, f32x4.add(v128.load(sums + at), f32x4.mul(v128.load(squares + at), share)));
  }
  return all;
}
