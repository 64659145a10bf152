// Steps of a symmetric eigenproblem on f64, rows of `stride` (a multiple of eight). Every product is rounded, then added, rows
// ascending: the same bits on any machine. Columns are taken from `first` on, a multiple of eight.

/** Plane rotations of neighbouring rows, one after the other: rows a and b become c a + s b and c b - s a. `turns`: c, s each. */
export function rotateRows(rows: usize, stride: u32, count: u32, turns: usize): void {
  const bytes: usize = stride << 3;
  for (let j: usize = 0; j < bytes; j += 64) {
    let at = rows + j, turn = turns;
    let a0 = v128.load(at), a1 = v128.load(at, 16), a2 = v128.load(at, 32), a3 = v128.load(at, 48);
    for (const end = turn + (count << 4); turn < end; turn += 16) {
      const c = v128.load64_splat(turn), s = v128.load64_splat(turn, 8), next = at + bytes;
      const b0 = v128.load(next), b1 = v128.load(next, 16), b2 = v128.load(next, 32), b3 = v128.load(next, 48);
      v128.store(at, f64x2.add(f64x2.mul(c, a0), f64x2.mul(s, b0)));
      v128.store(at, f64x2.add(f64x2.mul(c, a1), f64x2.mul(s, b1)), 16);
      v128.store(at, f64x2.add(f64x2.mul(c, a2), f64x2.mul(s, b2)), 32);
      v128.store(at, f64x2.add(f64x2.mul(c, a3), f64x2.mul(s, b3)), 48);
      a0 = f64x2.sub(f64x2.mul(c, b0), f64x2.mul(s, a0));
      a1 = f64x2.sub(f64x2.mul(c, b1), f64x2.mul(s, a1));
      a2 = f64x2.sub(f64x2.mul(c, b2), f64x2.mul(s, a2));
      a3 = f64x2.sub(f64x2.mul(c, b3), f64x2.mul(s, a3));
      at = next;
    }
    v128.store(at, a0);
    v128.store(at, a1, 16);
    v128.store(at, a2, 32);
    v128.store(at, a3, 48);
  }
}

/** `factor` times the sum of rows, each times its weight: one number a column. */
export function weightedRows(rows: usize, stride: u32, count: u32, weights: usize, factor: f64, first: u32, out: usize): void {
  const bytes: usize = stride << 3, scale = f64x2.splat(factor);
  for (let j: usize = first << 3; j < bytes; j += 64) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0, at = rows + j;
    for (let weight = weights, end = weights + (count << 3); weight < end; weight += 8, at += bytes) {
      const w = v128.load64_splat(weight);
      s0 = f64x2.add(s0, f64x2.mul(v128.load(at), w));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(at, 16), w));
      s2 = f64x2.add(s2, f64x2.mul(v128.load(at, 32), w));
      s3 = f64x2.add(s3, f64x2.mul(v128.load(at, 48), w));
    }
    v128.store(out + j, f64x2.mul(scale, s0));
    v128.store(out + j, f64x2.mul(scale, s1), 16);
    v128.store(out + j, f64x2.mul(scale, s2), 32);
    v128.store(out + j, f64x2.mul(scale, s3), 48);
  }
}

/** Takes v p^T from rows, and p v^T as well where `both`; `v` and `p` hold the number of the first row at `at`. */
export function reflectRows(rows: usize, stride: u32, count: u32, v: usize, p: usize, at: u32, first: u32, both: bool): void {
  const bytes: usize = stride << 3;
  for (let i: usize = at << 3, end = i + (count << 3); i < end; i += 8, rows += bytes) {
    const x = v128.load64_splat(v + i), y = v128.load64_splat(p + i);
    for (let j: usize = first << 3; j < bytes; j += 16) {
      let taken = f64x2.mul(x, v128.load(p + j));
      if (both) taken = f64x2.add(taken, f64x2.mul(y, v128.load(v + j)));
      v128.store(rows + j, f64x2.sub(v128.load(rows + j), taken));
    }
  }
}
