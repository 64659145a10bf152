import { allOf, type Factor, type FactorMemory, rangeOfAll, rangesOfRows, rowsOf } from "./factor.ts";
import { factorProduct } from "./factor-product.ts";
import type { RowChange } from "./row-change.ts";

/** A product of two factors, [rows, rank] and [rank, cols]. */
export interface Product {
  readonly left: Factor;
  readonly right: Factor;
}

/** Row `i` of left [.., rank] times right [rank, cols], summed in f64 in the order of the rank. */
function productRow(left: Float32Array, i: number, right: Float32Array, out: Float64Array): void {
  const cols = out.length;
  const rank = right.length / cols;
  out.fill(0);
  for (let k = 0; k < rank; k++) {
    const factor = left[i * rank + k]!;
    const at = k * cols;
    for (let j = 0; j < cols; j++) out[j]! += factor * right[at + j]!;
  }
}

/** Rows of a product in f32: every element is the same, however many rows are asked for at a time. */
function productRows({ right }: Product, rows: Float32Array, whole: Float32Array, count: number): Float32Array {
  return factorProduct(rows, whole, count, right.cols);
}

/** LoRA: W + scale * (left right). */
export function lowRankChange(product: Product, scale: number, memory: FactorMemory): RowChange {
  const { left, right } = product;
  return {
    ranges: (first, count) => [rangeOfAll(right), ...rangesOfRows(left, first, count)],
    apply([whole, ...stored], _first, count, rows) {
      const change = productRows(product, rowsOf(left, stored, count), allOf(right, whole!, memory), count);
      for (let i = 0; i < change.length; i++) rows[i]! += scale * change[i]!;
    },
  };
}

/** LoHa: W + scale * (one . other), the products taken element by element. */
export function hadamardChange(one: Product, other: Product, scale: number, memory: FactorMemory): RowChange {
  const lefts = (first: number, count: number) => [one, other].map(({ left }) => rangesOfRows(left, first, count));
  return {
    ranges: (first, count) => [rangeOfAll(one.right), rangeOfAll(other.right), ...lefts(first, count).flat()],
    apply([right1, right2, ...stored], first, count, rows) {
      const cut = lefts(first, count)[0]!.length;
      const x = rowsOf(one.left, stored.slice(0, cut), count);
      const y = rowsOf(other.left, stored.slice(cut), count);
      const a = productRows(one, x, allOf(one.right, right1!, memory), count);
      const b = productRows(other, y, allOf(other.right, right2!, memory), count);
      for (let i = 0; i < a.length; i++) rows[i]! += scale * a[i]! * b[i]!;
    },
  };
}

/** A matrix that a Kronecker product is made of: stored, or as a product. */
export type Operand = Factor | Product;

/** LoKr: W + scale * (outer x inner). */
export function kroneckerChange(outer: Operand, inner: Operand, scale: number, memory: FactorMemory): RowChange {
  const factors = [outer, inner].flatMap((operand) => ("left" in operand ? [operand.left, operand.right] : [operand]));
  const innerRows = "left" in inner ? inner.left.rows : inner.rows;
  return {
    ranges: () => factors.map(rangeOfAll),
    apply(stored, first, count, rows) {
      const values = new Map(factors.map((factor, i) => [factor, allOf(factor, stored[i]!, memory)]));
      const [x, y] = [rowReader(outer, values), rowReader(inner, values)];
      const width = x.row.length * y.row.length;
      for (let i = 0; i < count; i++) {
        x.read(Math.floor((first + i) / innerRows));
        y.read((first + i) % innerRows);
        let at = i * width;
        for (const a of x.row) for (const b of y.row) rows[at++]! += scale * a * b;
      }
    },
  };
}

/** Rows of an operand, one at a time in the same place. */
function rowReader(
  operand: Operand,
  values: ReadonlyMap<Factor, Float32Array>,
): { readonly row: Float64Array; read(index: number): void } {
  if ("left" in operand) {
    const [left, right] = [values.get(operand.left)!, values.get(operand.right)!];
    const row = new Float64Array(operand.right.cols);
    return { row, read: (index) => productRow(left, index, right, row) };
  }
  const all = values.get(operand)!;
  const row = new Float64Array(operand.cols);
  return { row, read: (index) => row.set(all.subarray(index * row.length, (index + 1) * row.length)) };
}
