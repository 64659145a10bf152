import { matmul } from "../kernels/matmul.ts";
import { log10IncreasingTail, longestIncreasing } from "../numerics/increasing.ts";
import { mutualNearest, type NearestPair, rowLengths } from "./nearest.ts";
import { unitRows } from "./take.ts";

/** Labels that were matched by content, and how long a run of them stands in the same order. */
export interface OrderTest {
  /** Of the side that has fewer. */
  readonly labels: number;
  readonly matched: number;
  readonly increasing: number;
  readonly log10P: number;
}

/**
 * Labels of both sides matched where each is the other's nearest by |cosine|, n x width and m x width. Renumbering one side
 * leaves the partners and shuffles the order in which they stand, uniformly, whatever n and m: P(LIS >= k) <= C(matched, k) /
 * k!. Catches what was pruned, padded or cut out, for a subset keeps its order.
 */
export function orderTest(a: Float32Array, b: Float32Array, width: number): OrderTest {
  const [n, m] = [a.length / width, b.length / width];
  const products = matmul(a, b, { rows: n, depth: width, columns: m, transposedB: true }).map(Math.abs);
  const lengths = { left: rowLengths(a, width), right: rowLengths(b, width) };
  return orderOf(mutualNearest(products, n, m, lengths), Math.min(n, m));
}

/** The same of rows and columns that are each other's nearest, of so many labels. */
export function orderOf(pairs: readonly NearestPair[], labels: number): OrderTest {
  // Between equals the place would decide, which is what is tested.
  const partners = pairs.filter(({ alone }) => alone).map(({ column }) => column);
  const increasing = longestIncreasing(partners);
  return {
    labels,
    matched: partners.length,
    increasing,
    log10P: log10IncreasingTail(partners.length, increasing),
  };
}

/** The best of several, its p corrected for how many there are: one layer may be stored twice in both models. */
export function bestOrder(orders: readonly OrderTest[]): OrderTest | null {
  if (orders.length === 0) return null;
  const best = orders.reduce((x, y) => (x.log10P <= y.log10P ? x : y));
  return { ...best, log10P: Math.min(0, best.log10P + Math.log10(orders.length)) };
}

/**
 * Whether labels stand in order of size: |rank correlation of length and place| beyond four standard errors. Where they do in
 * both models, what has one rank has one place, and no renumbering is as likely as another.
 *
 * @param places where in the model the rows stand. @default as they come
 */
export function isSortedBySize(rows: Float32Array, width: number, places?: readonly number[]): boolean {
  const lengths = rowLengths(rows, width);
  const n = lengths.length;
  if (n < 16) return false;
  const bySize = ranksOf(lengths);
  const byPlace = ranksOf(places ?? [...lengths.keys()]);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (bySize[i]! - byPlace[i]!) ** 2;
  const correlation = 1 - (6 * sum) / (n * (n * n - 1));
  return Math.abs(correlation) * Math.sqrt(n) > 4;
}

/** Neighbours compared: next to each other, and next but one where sines and cosines alternate. */
const LAGS = [1, 2];
const ORDERED_SIGMA = 8;

/** Whether neighbouring labels are more alike than others, as dimensions are that carry positions of a fixed formula. */
export function hasOrder(rows: Float32Array, width: number): boolean {
  const units = unitRows(rows, width);
  const n = units.length / width;
  const products = matmul(units, units, { rows: n, depth: width, columns: n, transposedB: true });
  let [sum, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      sum += products[i * n + j]!;
      squares += products[i * n + j]! ** 2;
    }
  }
  const count = (n * (n - 1)) / 2;
  const mean = sum / count;
  const sd = Math.sqrt(Math.max(0, squares / count - mean * mean));
  return LAGS.some((lag) => {
    let excess = 0;
    for (let i = lag; i < n; i++) excess += products[i * n + i - lag]! - mean;
    return excess > ORDERED_SIGMA * sd * Math.sqrt(n - lag);
  });
}

function ranksOf(values: ArrayLike<number>): Uint32Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i]! - values[j]! || i - j);
  const ranks = new Uint32Array(values.length);
  order.forEach((place, rank) => {
    ranks[place] = rank;
  });
  return ranks;
}
