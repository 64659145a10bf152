// Who is nearest to whom, and how often which distance occurs, told from a tile of distances that is never kept.

/** Lets `other` at distance `d` count for the one whose nearest distance, next distance and nearest stand `stride` bytes apart. */
// @ts-ignore: decorator
@inline function meet(d: u32, other: u32, one: usize, stride: usize): void {
  if (d >= load<u32>(one + stride)) return;
  const best = load<u32>(one);
  if (d < best) {
    store<u32>(one + stride, best);
    store<u32>(one, d);
    store<u32>(one + 2 * stride, other);
  } else store<u32>(one + stride, d);
}

/**
 * Distances u32 [rows x columns], all below 2^30, of the rows from number `first` of `allRows` on, where d counts as min(d, fold -
 * d). `ofRows` has for each of all rows the nearest distance, then the next, then the first column that is nearest; `ofColumns`
 * the same of columns. Few of many distances change anything: four at a time are looked through for those that do.
 */
export function meetNearest(
  distances: usize, rows: u32, columns: u32, first: u32, allRows: u32, fold: u32, ofRows: usize, ofColumns: usize
): void {
  const folds = i32x4.splat(fold), strideR: usize = allRows << 2, strideC: usize = columns << 2;
  const fours = columns & ~3;
  let row = ofRows + (first << 2);
  for (let i = first, end = first + rows; i < end; i++, row += 4, distances += strideC) {
    let limit = v128.load32_splat(row + strideR);
    for (let j: u32 = 0; j < fours; j += 4) {
      const d = v128.load(distances + (j << 2)), folded = i32x4.min_s(d, i32x4.sub(folds, d));
      const limits = i32x4.max_s(limit, v128.load(ofColumns + strideC + (j << 2)));
      let found = i32x4.bitmask(i32x4.lt_s(folded, limits));
      if (!found) continue;
      for (; found; found &= found - 1) {
        const k = j + ctz(found), own = load<u32>(distances + (k << 2)), near = min(own, fold - own);
        meet(near, k, row, strideR);
        meet(near, i, ofColumns + (k << 2), strideC);
      }
      limit = v128.load32_splat(row + strideR);
    }
    for (let k = fours; k < columns; k++) {
      const own = load<u32>(distances + (k << 2)), near = min(own, fold - own);
      meet(near, k, row, strideR);
      meet(near, i, ofColumns + (k << 2), strideC);
    }
  }
}

/** Counts `n` numbers below `size` into four tables of `size`: in one, equal numbers would wait for each other. */
export function tallyFours(values: usize, n: u32, tables: usize, size: u32): void {
  const stride: usize = size << 2;
  const second = tables + stride, third = second + stride, fourth = third + stride;
  let p = values;
  for (const end = values + ((n & ~3) << 2); p < end; p += 16) {
    const a = tables + (load<u32>(p) << 2), b = second + (load<u32>(p, 4) << 2);
    const c = third + (load<u32>(p, 8) << 2), d = fourth + (load<u32>(p, 12) << 2);
    store<u32>(a, load<u32>(a) + 1);
    store<u32>(b, load<u32>(b) + 1);
    store<u32>(c, load<u32>(c) + 1);
    store<u32>(d, load<u32>(d) + 1);
  }
  for (const end = values + (n << 2); p < end; p += 4) {
    const a = tables + (load<u32>(p) << 2);
    store<u32>(a, load<u32>(a) + 1);
  }
}
