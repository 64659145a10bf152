/** Pairs of rows and columns that are each other's nearest. */
export interface NearestPair {
  readonly row: number;
  readonly column: number;
  /** Whether nothing else is as near to either: between equals the place has decided. */
  readonly alone: boolean;
}

/**
 * Pairs of which each is the other's nearest by cosine: `products` is n x m, the lengths are those of its rows' and columns'
 * vectors, left out where they are 1. One pass, for there are millions of products.
 */
export function mutualNearest(
  products: Float32Array,
  n: number,
  m: number,
  lengths: { readonly left: Float64Array; readonly right: Float64Array } | null = null,
): readonly NearestPair[] {
  const rows = new Nearest(n);
  const columns = new Nearest(m);
  for (let i = 0; i < n; i++) {
    let [best, second, at] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (let j = 0; j < m; j++) {
      const product = products[i * m + j]!;
      const forRow = lengths === null ? product : product / lengths.right[j]!;
      if (forRow > best) {
        second = best;
        best = forRow;
        at = j;
      } else if (forRow > second) second = forRow;
      const forColumn = lengths === null ? product : product / lengths.left[i]!;
      if (forColumn > columns.best[j]!) {
        columns.second[j] = columns.best[j]!;
        columns.best[j] = forColumn;
        columns.at[j] = i;
      } else if (forColumn > columns.second[j]!) columns.second[j] = forColumn;
    }
    rows.best[i] = best;
    rows.second[i] = second;
    rows.at[i] = at;
  }
  const pairs: NearestPair[] = [];
  for (const [row, column] of rows.at.entries()) {
    if (columns.at[column] === row) pairs.push({ row, column, alone: rows.isAlone(row) && columns.isAlone(column) });
  }
  return pairs;
}

/** Those of cosines at hand, n x m, as places of row and column. */
export function nearestByCosine(cosines: Float32Array, n: number, m: number): readonly (readonly [number, number])[] {
  return mutualNearest(cosines, n, m).map(({ row, column }) => [row, column] as const);
}

/** Of every label the nearest of the other side, and how near that and the next are. */
class Nearest {
  readonly best: Float64Array;
  readonly second: Float64Array;
  readonly at: Int32Array;

  constructor(count: number) {
    this.best = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    this.second = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    this.at = new Int32Array(count);
  }

  isAlone(label: number): boolean {
    return this.second[label]! < this.best[label]!;
  }
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
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
