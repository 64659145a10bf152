/**
 * Pairs (i, j), each the other's nearest by cosine: `products` is n x m, the lengths are those of its rows' and columns'
 * vectors.
 */
export function mutualNearest(
  products: Float32Array,
  left: Float64Array,
  right: Float64Array,
): readonly (readonly [number, number])[] {
  const [n, m] = [left.length, right.length];
  const bestOfRow = new Int32Array(n);
  const bestOfColumn = new Int32Array(m);
  const top = new Float64Array(m).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < n; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < m; j++) {
      const product = products[i * m + j]!;
      const forRow = product / right[j]!;
      if (forRow > best) {
        best = forRow;
        bestOfRow[i] = j;
      }
      const forColumn = product / left[i]!;
      if (forColumn > top[j]!) {
        top[j] = forColumn;
        bestOfColumn[j] = i;
      }
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < n; i++) if (bestOfColumn[bestOfRow[i]!] === i) pairs.push([i, bestOfRow[i]!]);
  return pairs;
}

/** The same of cosines at hand, n x m. */
export function nearestByCosine(cosines: Float32Array, n: number, m: number): readonly (readonly [number, number])[] {
  return mutualNearest(cosines, new Float64Array(n).fill(1), new Float64Array(m).fill(1));
}

/** Lengths of rows, never 0. */
export function rowLengths(rows: Float32Array, width: number): Float64Array {
  const lengths = new Float64Array(rows.length / width);
  for (let i = 0; i < lengths.length; i++)
    lengths[i] = Math.sqrt(squares(rows.subarray(i * width, (i + 1) * width))) || 1e-30;
  return lengths;
}

export function squares(values: Float32Array): number {
  let sum = 0;
  for (const x of values) sum += x * x;
  return sum;
}
