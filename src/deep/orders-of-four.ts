/** Labels that stand beside each other and have 24 orders. */
export const FOUR = 4;

/** Products of labels of two models [rows x columns], row-major. */
export interface Products {
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Those of one four with another, row-major. */
export function productsOfFours({ values, columns }: Products, i: number, j: number): Float64Array {
  return Float64Array.from(
    { length: FOUR * FOUR },
    (_, k) => values[(FOUR * i + (k >> 2)) * columns + FOUR * j + (k & 3)]!,
  );
}

/** The sum of all 16 for every pair of fours, which no order within them changes. */
export function sumsOfFours({ values, rows, columns }: Products): Products {
  const across = columns / FOUR;
  const sums = new Float32Array((rows / FOUR) * across);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) sums[(i >> 2) * across + (j >> 2)]! += values[i * columns + j]!;
  return { values: sums, rows: rows / FOUR, columns: across };
}

type Order = readonly number[];

/** Those that leave least in place first: of equals the first is taken, so that ties speak for nobody. */
const ORDERS: readonly Order[] = ordersOf([0, 1, 2, 3]).sort((x, y) => inPlace(x) - inPlace(y));

function ordersOf(values: Order): Order[] {
  if (values.length === 0) return [[]];
  return values.flatMap((first) => ordersOf(values.filter((x) => x !== first)).map((rest) => [first, ...rest]));
}

function inPlace(order: Order): number {
  return order.filter((to, from) => to === from).length;
}

/** How many of four the order of largest products leaves in place: of unrelated fours as a random order does. */
export function fixedOfFour(products: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  let best: Order = [];
  for (const order of ORDERS) {
    const sum = order.reduce((total, to, from) => total + products[FOUR * from + to]!, 0);
    if (sum > most) [most, best] = [sum, order];
  }
  return inPlace(best);
}
