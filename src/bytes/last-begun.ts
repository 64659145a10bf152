/** The last of ascending ranges that begins at `at` or before; undefined where none does. */
export function lastBegun<R extends { readonly start: number }>(ranges: readonly R[], at: number): R | undefined {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.start <= at) low = middle + 1;
    else high = middle;
  }
  return ranges[low - 1];
}
