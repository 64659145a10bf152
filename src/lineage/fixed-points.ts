import { log10FixedPointTail } from "../numerics/fixed-points.ts";
import { prng, subset } from "../numerics/prng.ts";
import { productParts } from "./label-products.ts";
import { labelColumns, type SignStack } from "./sign-stack.ts";

/** Labels compared with each other: 512 give p down to 1e-1166 and cost 512^2 comparisons. */
const LABELS = 512;
/** With fewer rows too many labels have the same signs. */
export const MIN_ROWS = 16;

/** Equal products are ordered by coins, drawn for each side alone, so that ties favour no label. */
const coinA = coins("weightmark ties a");
const coinB = coins("weightmark ties b");

function coins(seed: string): Float64Array {
  const random = prng(seed);
  return Float64Array.from({ length: LABELS }, () => random.float() * 1e-6);
}

/** T2: mutual nearest neighbours between the labels of both models, and how many of them are the same label. */
export interface FixedPoints {
  readonly n: number;
  readonly matched: number;
  readonly fixed: number;
  readonly log10P: number;
  /** The smallest log10 p that so many labels can give: every one in place. */
  readonly reach: number;
}

/**
 * Mutual nearest neighbours by |centred product|; under a uniformly random relabelling the number of fixed points K of
 * this partial matching obeys P(K >= k) <= C(matched, k) (n - k)! / n!, with no approximation.
 */
export function fixedPoints(stack: SignStack, pool: Uint32Array = usualPool(stack.n)): FixedPoints | null {
  if (stack.m < MIN_ROWS || stack.n < 8) return null;
  const repeated = duplicates(stack, pool);
  const labels = pool.filter((_, i) => !repeated.has(i));
  const k = labels.length;
  if (k < 8) return null;
  const { m, distance, left, right, both } = productParts(stack, labels);
  const bestOfA = new Int32Array(k);
  const bestOfB = new Int32Array(k);
  const topB = new Float64Array(k).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < k; i++) {
    let top = Number.NEGATIVE_INFINITY;
    let best = 0;
    const coin = coinA[i]!;
    for (let j = 0; j < k; j++) {
      const size = Math.abs(m - 2 * distance[i * k + j]! - left[i]! - right[j]! + both);
      if (size + coinB[j]! > top) {
        top = size + coinB[j]!;
        best = j;
      }
      if (size + coin > topB[j]!) {
        topB[j] = size + coin;
        bestOfB[j] = i;
      }
    }
    bestOfA[i] = best;
  }
  let matched = 0;
  let fixed = 0;
  for (let i = 0; i < k; i++) {
    if (bestOfB[bestOfA[i]!] !== i) continue;
    matched++;
    if (bestOfA[i] === i) fixed++;
  }
  return {
    n: k,
    matched,
    fixed,
    log10P: log10FixedPointTail(k, matched, fixed),
    reach: log10FixedPointTail(k, k, k),
  };
}

/** Models of a scan share their widths. */
const MAX_POOLS = 64;
const pools = new Map<number, Uint32Array>();

function usualPool(n: number): Uint32Array {
  let pool = pools.get(n);
  if (pool === undefined) {
    pool = subset(n, Math.min(n, LABELS), "weightmark labels");
    if (pools.size >= MAX_POOLS) pools.clear();
    pools.set(n, pool);
  }
  return pool;
}

/**
 * Positions in `pool` whose signs another label of the same model shares: dead or copied dimensions. All members of such
 * a class go, not all but the first: which labels stay may depend on where the class lies, but not on an order within.
 */
function duplicates(stack: SignStack, pool: Uint32Array): Set<number> {
  const repeated = new Set<number>();
  for (const bits of [stack.a, stack.b]) {
    const { columns, words } = labelColumns(bits, stack);
    const bytes = Buffer.from(columns.buffer, columns.byteOffset, columns.byteLength);
    const seen = new Map<string, number>();
    pool.forEach((label, i) => {
      const key = bytes.toString("latin1", 4 * label * words, 4 * (label + 1) * words);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, i);
      else repeated.add(first).add(i);
    });
  }
  return repeated;
}
