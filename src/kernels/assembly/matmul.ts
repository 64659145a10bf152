// f32 product of packed panels: 4 rows of A against 8 columns of B in eight accumulators. Every product is rounded, then
// added, k ascending: fused or relaxed multiply-add would give other bits on other machines.

/**
 * C += A B for one tile. `a`: panels of 4 rows, [depth][4]; `b`: panels of 8 columns, [depth][8]; `c`: row-major with
 * rows of `columns` f32. `rows` is a multiple of 4 and `columns` of 8.
 */
export function multiplyTile(a: usize, b: usize, c: usize, rows: u32, columns: u32, depth: u32): void {
  const stride = columns << 2;
  for (let j: u32 = 0; j < columns; j += 8) {
    const panelB = b + j * (depth << 2);
    for (let i: u32 = 0; i < rows; i += 4) {
      let p = a + i * (depth << 2), q = panelB;
      let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
      for (const end = p + (depth << 4); p < end; p += 16, q += 32) {
        const b0 = v128.load(q), b1 = v128.load(q, 16);
        const a0 = v128.load32_splat(p);
        c00 = f32x4.add(c00, f32x4.mul(a0, b0));
        c01 = f32x4.add(c01, f32x4.mul(a0, b1));
        const a1 = v128.load32_splat(p, 4);
        c10 = f32x4.add(c10, f32x4.mul(a1, b0));
        c11 = f32x4.add(c11, f32x4.mul(a1, b1));
        const a2 = v128.load32_splat(p, 8);
        c20 = f32x4.add(c20, f32x4.mul(a2, b0));
        c21 = f32x4.add(c21, f32x4.mul(a2, b1));
        const a3 = v128.load32_splat(p, 12);
        c30 = f32x4.add(c30, f32x4.mul(a3, b0));
        c31 = f32x4.add(c31, f32x4.mul(a3, b1));
      }
      let to = c + i * stride + (j << 2);
      v128.store(to, f32x4.add(v128.load(to), c00));
      v128.store(to, f32x4.add(v128.load(to, 16), c01), 16);
      to += stride;
      v128.store(to, f32x4.add(v128.load(to), c10));
      v128.store(to, f32x4.add(v128.load(to, 16), c11), 16);
      to += stride;
      v128.store(to, f32x4.add(v128.load(to), c20));
      v128.store(to, f32x4.add(v128.load(to, 16), c21), 16);
      to += stride;
      v128.store(to, f32x4.add(v128.load(to), c30));
      v128.store(to, f32x4.add(v128.load(to, 16), c31), 16);
    }
  }
}
