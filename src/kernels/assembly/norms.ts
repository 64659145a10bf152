// Sums of squares in f64. Rows are padded to `stride` (a multiple of four) f32 with zeros.

/** One f64 per row; element j goes to lane j mod 4, the lanes are added as (0 + 2) + (1 + 3). */
export function rowSquares(from: usize, rows: u32, stride: u32, out: usize): void {
  for (let i: u32 = 0; i < rows; i++, out += 8) {
    let low = f64x2.splat(0), high = low;
    for (const end = from + (stride << 2); from < end; from += 16) {
      const v = v128.load(from);
      const a = f64x2.promote_low_f32x4(v), b = f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3));
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
    }
    const sum = f64x2.add(low, high);
    store<f64>(out, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  }
}

/** Adds to one f64 per column, in row order. */
export function columnSquares(from: usize, rows: u32, stride: u32, out: usize): void {
  for (let i: u32 = 0; i < rows; i++) {
    let to = out;
    for (const end = from + (stride << 2); from < end; from += 16, to += 32) {
      const v = v128.load(from);
      const a = f64x2.promote_low_f32x4(v), b = f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3));
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(a, a)));
      v128.store(to, f64x2.add(v128.load(to, 16), f64x2.mul(b, b)), 16);
    }
  }
}
