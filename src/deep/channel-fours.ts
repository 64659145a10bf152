import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { log10FoursTail } from "../numerics/fixed-points.ts";
import { nearestByCosine } from "./nearest.ts";
import { FOUR, fixedOfFour, type Products, productsOfFours, sumsOfFours } from "./orders-of-four.ts";
import { takeRows, unitRows } from "./take.ts";
import { gramEigen, whitening } from "./whitening.ts";

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

/** Penalty on the directions that values hardly read, relative to their mean energy. */
const RIDGE = 0.01;
/** What rounding leaves of the product of equal rows. */
const EQUAL = 1 - 1e-6;
/** log10 p of two fours of one model having one order, from which its heads are held for copies. */
const COPIED = -2;

/**
 * Rows of value projections, n x width and m x width, n and m multiples of four. The size of a head is not in the weights, but
 * all heads are multiples of four wide, and within a head channels are exchangeable: so are they within each four. A channel's
 * row may have any sign and length, which what reads it takes back, so that products are squared cosines. Fours are paired by
 * the sum of theirs, which no order within changes: moved heads are found again, and choosing costs nothing.
 *
 * @returns null where heads of a model are copies of each other, so that several fours have one order
 */
export function channelFours(a: Float32Array, b: Float32Array, width: number): ChannelFours | null {
  const [x, y] = [unitRows(a, width), unitRows(b, width)];
  const products = squaredCosines(evened(x, width), evened(y, width), width);
  const paired = nearestOf(sumsOfFours(products)).filter(
    ([i, j]) => isDistinct(x, i, width) && isDistinct(y, j, width),
  );
  const side = (rows: Float32Array, which: 0 | 1): Float32Array => {
    const wanted = paired.map((pair) => pair[which]);
    return takeRows(rows, FOUR * width, wanted);
  };
  if (areCopies(side(x, 0), width) || areCopies(side(y, 1), width)) return null;
  const exchanges = new Float64Array(products.rows >> 1);
  let [fixed, excess] = [0, 0];
  for (const [i, j] of paired) {
    const block = productsOfFours(products, i, j);
    fixed += fixedOfFour(block);
    const own = block[0]! + block[5]! + block[10]! + block[15]!;
    excess += own - (block.reduce((sum, product) => sum + product, 0) - own) / (FOUR - 1);
    for (const k of [0, 1]) {
      const at = 10 * k;
      exchanges[2 * i + k] = block[at]! + block[at + 5]! - block[at + 1]! - block[at + 4]!;
    }
  }
  const nearest = nearestOf(products);
  const partner = new Map(paired);
  return {
    labels: products.rows,
    fours: paired.length,
    fixed,
    excess,
    exchanges,
    nearest: nearest.length,
    inPlace: nearest.filter(([i, j]) => i === j).length,
    inFours: nearest.filter(([i, j]) => partner.get(i >> 2) === j >> 2 && i % FOUR === j % FOUR).length,
  };
}

/**
 * Unit rows after whitening over all of them, W (W^T W + ridge)^(-1/2): values read some directions much more than others, and
 * rows would be told apart by the rest alone. Renumbering rows renumbers these.
 */
function evened(rows: Float32Array, width: number): Float32Array {
  const count = rows.length / width;
  const isFlat = count <= width;
  const root = whitening(isFlat ? gramEigen(rows, width) : gramEigen(transposed(rows, width), count), RIDGE);
  return unitRows(
    isFlat
      ? matmul(root, rows, { rows: count, depth: count, columns: width })
      : matmul(rows, root, { rows: count, depth: width, columns: width }),
    width,
  );
}

function squaredCosines(x: Float32Array, y: Float32Array, width: number): Products {
  const [rows, columns] = [x.length / width, y.length / width];
  const values = matmul(x, y, { rows, depth: width, columns, transposedB: true });
  for (let i = 0; i < values.length; i++) values[i]! *= values[i]!;
  return { values, rows, columns };
}

function nearestOf({ values, rows, columns }: Products): readonly (readonly [number, number])[] {
  return nearestByCosine(values, rows, columns);
}

/** Whether no unit row of the four is empty or another's equal. */
function isDistinct(rows: Float32Array, four: number, width: number): boolean {
  const own = rows.subarray(FOUR * four * width, FOUR * (four + 1) * width);
  const { values } = squaredCosines(own, own, width);
  return values.every((product, k) => (k % (FOUR + 1) === 0 ? product > 0 : product < EQUAL));
}

/** Whether fours of one model that are most alike have one order, more than by chance: never, where each was drawn by itself. */
function areCopies(rows: Float32Array, width: number): boolean {
  const products = squaredCosines(rows, rows, width);
  const sums = sumsOfFours(products);
  for (let i = 0; i < sums.rows; i++) sums.values[i * (sums.columns + 1)] = -1;
  const pairs = nearestOf(sums).filter(([i, j]) => i < j);
  const fixed = pairs.reduce((sum, [i, j]) => sum + fixedOfFour(productsOfFours(products, i, j)), 0);
  return log10FoursTail(pairs.length, fixed) <= COPIED;
}
