import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { polarFactor } from "../numerics/polar.ts";
import type { DeepModel } from "./deep-model.ts";
import { nearestByCosine } from "./nearest.ts";
import type { SharedTokens } from "./shared-tokens.ts";
import { lengthOf, takeRows, unitRows } from "./take.ts";

/** Tokens that are looked for: those of the longest rows of the head, which are the most trained. */
const MAX_TOKENS = 2048;
const QUANTILES = 24;
const ROUNDS = 12;
/** Fewer tokens in common map no stream on another. */
const MIN_TOKENS = 64;
/** Streams wider than this would cost minutes a round. */
export const MAX_SOUGHT_WIDTH = 1024;

/**
 * Tokens of two models whose ids were renumbered, or whose tokenizers nobody has: products of rows with rows, of embedding and
 * head, are the same under every symmetry of a network. Quantiles of a row's products give the first pairs; then the map
 * between the streams and the pairs are found in turn. Only content is looked at and no label of the network, so that tests of
 * its neurons stay what they are. That tokens were found is no evidence: strangers learn the same words.
 *
 * @returns null for streams of different width, or where too few tokens find each other
 */
export async function unknownTokens(a: DeepModel, b: DeepModel): Promise<SharedTokens | null> {
  if (a.width !== b.width || a.width > MAX_SOUGHT_WIDTH) return null;
  const [one, other] = [await tableOf(a), await tableOf(b)];
  const [s, t] = [signatures(one), signatures(other)];
  let pairs = nearest(s.values, t.values, s.width);
  for (let round = 0; round < ROUNDS && pairs.length >= MIN_TOKENS; round++) {
    const turned = mapped(one, other, pairs);
    if (turned === null) return null;
    pairs = nearest(turned, joined(other), 2 * a.width);
  }
  if (pairs.length < MIN_TOKENS) return null;
  return { how: "content", a: pairs.map(([i]) => one.ids[i]!), b: pairs.map(([, j]) => other.ids[j]!) };
}

interface Table {
  readonly ids: readonly number[];
  readonly width: number;
  /** Rows of embedding and head, centred over tokens, at unit length. */
  readonly embedding: Float32Array;
  readonly head: Float32Array;
  readonly lengths: readonly Float64Array[];
}

async function tableOf(model: DeepModel): Promise<Table> {
  const { width, vocabulary } = model;
  const all = Array.from({ length: vocabulary }, (_, i) => i);
  const table = model.head ?? model.parts.embed!;
  const rows: { readonly id: number; readonly size: number }[] = [];
  const step = Math.max(1, Math.floor((1 << 20) / width));
  for (let first = 0; first < vocabulary; first += step) {
    const ids = all.slice(first, first + step);
    const values = await model.readers(table, ids);
    for (const [i, id] of ids.entries()) rows.push({ id, size: lengthOf(values.subarray(i * width, (i + 1) * width)) });
  }
  const kept = rows.sort((x, y) => y.size - x.size || x.id - y.id).slice(0, MAX_TOKENS);
  const ids = kept.map(({ id }) => id).sort((x, y) => x - y);
  const parts = [await model.embedding(ids), await model.readers(table, ids)].map((values) => centred(values, width));
  const lengths = parts.map((values) =>
    Float64Array.from(ids, (_, i) => lengthOf(values.subarray(i * width, (i + 1) * width))),
  );
  const [embedding, head] = parts.map((values) => unitRows(values, width)) as [Float32Array, Float32Array];
  return { ids, width, embedding, head, lengths };
}

/** What a row is like whatever its number: ranks over all tokens of quantiles of its products, and of lengths. */
function signatures({ ids, width, embedding, head, lengths }: Table): { values: Float32Array; width: number } {
  const n = ids.length;
  const columns: Float64Array[] = [];
  for (const [x, y] of [
    [embedding, embedding],
    [head, head],
    [embedding, head],
    [head, embedding],
  ] as const) {
    const products = matmul(x, y, { rows: n, depth: width, columns: n, transposedB: true });
    const sorted = Array.from({ length: n }, (_, i) => products.slice(i * n, (i + 1) * n).sort());
    for (let q = 0; q < QUANTILES; q++) {
      const at = Math.round((q * (n - 1)) / (QUANTILES - 1));
      columns.push(Float64Array.from(sorted, (row) => row[at]!));
    }
  }
  columns.push(...lengths);
  columns.push(Float64Array.from({ length: n }, (_, i) => dot(embedding, head, i, width)));
  const out = new Float32Array(n * columns.length);
  for (const [c, column] of columns.entries()) {
    const order = [...column.keys()].sort((i, j) => column[i]! - column[j]! || i - j);
    for (const [rank, i] of order.entries()) out[i * columns.length + c] = rank / n - 0.5;
  }
  return { values: out, width: columns.length };
}

/** Rows that are each other's nearest by Euclidean distance. */
function nearest(x: Float32Array, y: Float32Array, width: number): readonly (readonly [number, number])[] {
  const [n, m] = [x.length / width, y.length / width];
  const products = matmul(x, y, { rows: n, depth: width, columns: m, transposedB: true });
  const [sx, sy] = [x, y].map((rows) =>
    Float64Array.from(
      { length: rows.length / width },
      (_, i) => lengthOf(rows.subarray(i * width, (i + 1) * width)) ** 2,
    ),
  );
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) products[i * m + j]! -= (sx![i]! + sy![j]!) / 2;
  return nearestByCosine(products, n, m);
}

/** The first model's rows, embedding beside head, in the second's stream, as the pairs say. */
function mapped(one: Table, other: Table, pairs: readonly (readonly [number, number])[]): Float32Array | null {
  const { width } = one;
  const [i, j] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
  const cross = new Float32Array(width * width);
  for (const part of ["embedding", "head"] as const) {
    const x = transposed(takeRows(one[part], width, i), width);
    const product = matmul(x, takeRows(other[part], width, j), { rows: width, depth: pairs.length, columns: width });
    for (let k = 0; k < cross.length; k++) cross[k]! += product[k]!;
  }
  const turn = polarFactor(cross, width);
  if (turn === null) return null;
  const shape = { rows: one.ids.length, depth: width, columns: width };
  return beside(matmul(one.embedding, turn, shape), matmul(one.head, turn, shape), width);
}

function joined({ embedding, head, width }: Table): Float32Array {
  return beside(embedding, head, width);
}

function beside(left: Float32Array, right: Float32Array, width: number): Float32Array {
  const out = new Float32Array(left.length + right.length);
  for (let i = 0; i < left.length / width; i++) {
    out.set(left.subarray(i * width, (i + 1) * width), 2 * i * width);
    out.set(right.subarray(i * width, (i + 1) * width), (2 * i + 1) * width);
  }
  return out;
}

function centred(rows: Float32Array, width: number): Float32Array {
  const mean = new Float64Array(width);
  const count = rows.length / width;
  for (let i = 0; i < rows.length; i++) mean[i % width]! += rows[i]! / count;
  return rows.map((x, i) => x - mean[i % width]!);
}

function dot(x: Float32Array, y: Float32Array, row: number, width: number): number {
  let sum = 0;
  for (let k = row * width; k < (row + 1) * width; k++) sum += x[k]! * y[k]!;
  return sum;
}
