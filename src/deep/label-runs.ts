/** Where in the kept labels those of each run begin and end. */
export function runsOf(kept: readonly number[], run: number): readonly (readonly [number, number])[] {
  const starts = [...kept.keys()].filter(
    (i) => i === 0 || Math.floor(kept[i]! / run) !== Math.floor(kept[i - 1]! / run),
  );
  return starts.map((first, at) => [first, starts[at + 1] ?? kept.length] as const);
}

/** The square of a matrix of n columns that some labels have among themselves. */
export function squareOf(products: Float32Array, n: number, first: number, end: number): Float32Array {
  const size = end - first;
  if (size === n) return products;
  const out = new Float32Array(size * size);
  for (let i = 0; i < size; i++) out.set(products.subarray((first + i) * n + first, (first + i) * n + end), i * size);
  return out;
}
