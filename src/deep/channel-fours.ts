import { matmul } from "../kernels/matmul.ts";
import { mutualNearest } from "./label-tests.ts";
import { takeRows, unitRows } from "./take.ts";

/** Value channels of one layer of two models, in fours. */
export interface ChannelFours {
  /** Channels of the first model. */
  readonly labels: number;
  /** Fours that were tested, and their channels that the best of the 24 orders leaves in place. */
  readonly fours: number;
  readonly fixed: number;
  /** By how much the products of tested channels with themselves exceed those with the others of their four, summed. */
  readonly excess: number;
  /** By how much the products would fall if the first model's channels (2 k, 2 k + 1) were exchanged; 0 where untested. */
  readonly exchanges: Float64Array;
  /** Channels that are each other's nearest in the whole layer, those of them that stand at one place, or in fours that do. */
  readonly nearest: number;
  readonly inPlace: number;
  readonly inFours: number;
}

const FOUR = 4;
/** Mean product of two fours of one model in their best order, less that of all orders, from which one is the other's copy. */
const COPY = 0.15;

/**
 * Rows of value projections, n x width and m x width, n and m multiples of four. The size of a head is not in the weights, but
 * all heads are multiples of four wide, and within a head channels are exchangeable: so are they within each four. A channel's
 * row may have any sign and length, which what reads it takes back, so that products are squared cosines.
 *
 * Fours are paired by the sum of all their 16 products, which no order within changes: moved heads are found again, and choosing
 * costs nothing. Of a model whose heads were copied, orders of several fours are one: fours that are copies are left out, by a
 * measure that no order within changes either.
 */
export function channelFours(a: Float32Array, b: Float32Array, width: number): ChannelFours {
  const [x, y] = [unitRows(a, width), unitRows(b, width)];
  const [n, m] = [x.length / width, y.length / width];
  const products = squaredCosines(x, y, width);
  const sums = sumsOfFours(products, n, m);
  const paired = mutualNearest(sums, ones(n / FOUR), ones(m / FOUR));
  const partner = new Map(paired);
  const left = copies(
    foursOf(
      x,
      width,
      paired.map(([i]) => i),
    ),
    width,
  );
  const right = copies(
    foursOf(
      y,
      width,
      paired.map(([, j]) => j),
    ),
    width,
  );
  const exchanges = new Float64Array(n >> 1);
  let [fours, fixed, excess] = [0, 0, 0];
  paired.forEach(([i, j], at) => {
    if (left[at] || right[at]) return;
    const block = fourBy(products, m, FOUR * i, FOUR * j);
    const own = trace(block, IDENTITY);
    fours++;
    fixed += inOrder(bestOrder(block));
    excess += own - (total(block) - own) / (FOUR - 1);
    for (const k of [0, 2]) {
      const change = block[k * 5]! + block[k * 5 + 5]! - block[k * 5 + 1]! - block[k * 5 + 4]!;
      exchanges[(FOUR * i + k) >> 1] = change;
    }
  });
  const nearest = mutualNearest(products, ones(n), ones(m));
  return {
    labels: n,
    fours,
    fixed,
    excess,
    exchanges,
    nearest: nearest.length,
    inPlace: nearest.filter(([i, j]) => i === j).length,
    inFours: nearest.filter(([i, j]) => partner.get(i >> 2) === j >> 2 && i % FOUR === j % FOUR).length,
  };
}

function squaredCosines(x: Float32Array, y: Float32Array, width: number): Float32Array {
  const shape = { rows: x.length / width, depth: width, columns: y.length / width, transposedB: true };
  return matmul(x, y, shape).map((cosine) => cosine * cosine);
}

function sumsOfFours(products: Float32Array, n: number, m: number): Float32Array {
  const across = m / FOUR;
  const sums = new Float32Array((n / FOUR) * across);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) sums[(i >> 2) * across + (j >> 2)]! += products[i * m + j]!;
  return sums;
}

function foursOf(rows: Float32Array, width: number, wanted: readonly number[]): Float32Array {
  return takeRows(rows, FOUR * width, wanted);
}

/** Which fours of unit rows have an empty row, or are another's copies. */
function copies(rows: Float32Array, width: number): readonly boolean[] {
  const n = rows.length / width;
  const products = squaredCosines(rows, rows, width);
  const found = Array.from({ length: n / FOUR }, (_, i) =>
    [0, 1, 2, 3].some((k) => !(products[(FOUR * i + k) * (n + 1)]! > 0)),
  );
  for (let i = 0; i < found.length; i++) {
    for (let j = 0; j < i; j++) {
      const block = fourBy(products, n, FOUR * i, FOUR * j);
      const alike = trace(block, bestOrder(block)) / FOUR - total(block) / block.length;
      if (alike >= COPY) found[i] = found[j] = true;
    }
  }
  return found;
}

function fourBy(products: Float32Array, across: number, row: number, column: number): Float64Array {
  return Float64Array.from({ length: FOUR * FOUR }, (_, k) => products[(row + (k >> 2)) * across + column + (k & 3)]!);
}

type Order = readonly number[];

const IDENTITY: Order = [0, 1, 2, 3];
/** Those that leave least in place first: of equals the first is taken, so that ties speak for nobody. */
const ORDERS: readonly Order[] = ordersOf(IDENTITY).sort((x, y) => inOrder(x) - inOrder(y));

function ordersOf(values: Order): Order[] {
  if (values.length === 0) return [[]];
  return values.flatMap((first) => ordersOf(values.filter((x) => x !== first)).map((rest) => [first, ...rest]));
}

function inOrder(order: Order): number {
  return order.filter((to, from) => to === from).length;
}

function bestOrder(block: Float64Array): Order {
  return ORDERS.reduce((best, order) => (trace(block, order) > trace(block, best) ? order : best));
}

function trace(block: Float64Array, order: Order): number {
  return order.reduce((sum, to, from) => sum + block[FOUR * from + to]!, 0);
}

function total(block: Float64Array): number {
  return block.reduce((sum, x) => sum + x, 0);
}

function ones(count: number): Float64Array {
  return new Float64Array(count).fill(1);
}
