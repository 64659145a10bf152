import { centredGram, hammingMatrix, popcount32, transposeBits } from "../kernels/bits.ts";

/**
 * m rows of n signs each (bit 1 = negative), packed in 32-bit words, for both models of a pair: row i of `a` stands
 * against row i of `b`, and column j of both carries label j.
 */
export interface SignStack {
  readonly m: number;
  readonly n: number;
  readonly words: number;
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

/** Collects matched rows; rows of different width are cut to the labels both have. */
export function buildStack(pairs: readonly RowPair[], n: number): SignStack {
  const words = Math.ceil(n / 32);
  const m = pairs.length;
  const a = new Uint32Array(m * words);
  const b = new Uint32Array(m * words);
  const tail = n % 32 === 0 ? 0xffffffff : (1 << (n % 32)) - 1;
  pairs.forEach((pair, i) => {
    a.set(pair.a.length === words ? pair.a : pair.a.subarray(0, words), i * words);
    b.set(pair.b.length === words ? pair.b : pair.b.subarray(0, words), i * words);
    a[(i + 1) * words - 1]! &= tail;
    b[(i + 1) * words - 1]! &= tail;
  });
  return { m, n, words, a, b };
}

export interface RowPair {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

/** Mean of each row's +-1 values. */
export function rowMeans(bits: Uint32Array, m: number, words: number, n: number): Float64Array {
  const means = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    let negative = 0;
    for (let w = i * words; w < (i + 1) * words; w++) negative += popcount32(bits[w]!);
    means[i] = 1 - (2 * negative) / n;
  }
  return means;
}

/** Sum over rows of the inner products of row-centred signs, and the fraction of equal signs. */
export function stackInner(
  { m, n, words, a, b }: SignStack,
  meanA = rowMeans(a, m, words, n),
  meanB = rowMeans(b, m, words, n),
): { centred: number; agreement: number } {
  let centred = 0;
  let equal = 0;
  for (let i = 0; i < m; i++) {
    let distance = 0;
    for (let w = i * words; w < (i + 1) * words; w++) distance += popcount32(a[w]! ^ b[w]!);
    centred += n - 2 * distance - n * meanA[i]! * meanB[i]!;
    equal += n - distance;
  }
  return { centred, agreement: m * n > 0 ? equal / (m * n) : 0 };
}

/** m x m inner products of row-centred signs. */
export function gram(bits: Uint32Array, stack: Pick<SignStack, "m" | "n" | "words">): Float64Array {
  return centredGram(bits, stack.m, stack.words, stack.n);
}

/** Transposed sides of stacks: three tests look at the same one. A side is written once, by `buildStack`. */
const transposed = new WeakMap<Uint32Array, Uint32Array>();

/** Label vectors of one side of a stack: for each label its m signs, packed in `words` 32-bit words. */
export function labelColumns(bits: Uint32Array, stack: SignStack): { columns: Uint32Array; words: number } {
  const { m, n, words } = stack;
  let columns = transposed.get(bits);
  if (!columns) {
    columns = transposeBits(bits, m, n, words);
    transposed.set(bits, columns);
  }
  return { columns, words: Math.ceil(m / 32) };
}

/**
 * C[j, k] = sum over rows of the centred sign of label labels[j] in a times that of label labels[k] in b. The permutation
 * statistic is sum_j C[j, pi(j)].
 */
export function labelProducts(stack: SignStack, labels: Uint32Array): Float64Array {
  const { m, n, words } = stack;
  const pick = (columns: Uint32Array, w: number): Uint32Array => {
    const out = new Uint32Array(labels.length * w);
    labels.forEach((label, i) => {
      out.set(columns.subarray(label * w, (label + 1) * w), i * w);
    });
    return out;
  };
  const a = labelColumns(stack.a, stack);
  const b = labelColumns(stack.b, stack);
  const ca = pick(a.columns, a.words);
  const cb = pick(b.columns, b.words);
  const k = labels.length;
  const distance = hammingMatrix(ca, k, cb, k, a.words);
  const meanA = rowMeans(stack.a, m, words, n);
  const meanB = rowMeans(stack.b, m, words, n);
  const leftOf = weightedSigns(ca, a.words, k, m, meanB);
  const rightOf = weightedSigns(cb, b.words, k, m, meanA);
  let both = 0;
  for (let i = 0; i < m; i++) both += meanA[i]! * meanB[i]!;
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) out[i * k + j] = m - 2 * distance[i * k + j]! - leftOf[i]! - rightOf[j]! + both;
  }
  return out;
}

/** Labels up to which all of their products are formed: 8 MB. */
const MAX_PRODUCTS = 1024;

/**
 * tr(G_A G_B) of the Gram matrices of centred rows, as the sum of the squares of all label products (tr(A A' B B') =
 * |A' B|^2): for a narrow stack of many rows n^2 m steps instead of m^2 n. Null where the stack is not of that kind.
 */
export function narrowTrace(stack: SignStack): number | null {
  const { m, n } = stack;
  if (n > MAX_PRODUCTS || 2 * n > m) return null;
  const products = labelProducts(
    stack,
    Uint32Array.from({ length: n }, (_, label) => label),
  );
  let trace = 0;
  for (let k = 0; k < products.length; k++) trace += products[k]! * products[k]!;
  return trace;
}

/** For every label, the sum over rows of its sign times the row's weight. */
function weightedSigns(
  columns: Uint32Array,
  words: number,
  labels: number,
  m: number,
  weights: Float64Array,
): Float64Array {
  const out = new Float64Array(labels);
  const sign = (j: number, i: number): number => 1 - 2 * ((columns[j * words + (i >>> 5)]! >>> (i & 31)) & 1);
  let j = 0;
  // Four sums at a time, each in the order of its rows: one alone waits for its own last addition.
  for (; j + 3 < labels; j += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let i = 0; i < m; i++) {
      // No branch: signs are coin flips, mispredicted half the time.
      const weight = weights[i]!;
      s0 += sign(j, i) * weight;
      s1 += sign(j + 1, i) * weight;
      s2 += sign(j + 2, i) * weight;
      s3 += sign(j + 3, i) * weight;
    }
    out.set([s0, s1, s2, s3], j);
  }
  for (; j < labels; j++) {
    for (let i = 0; i < m; i++) out[j]! += sign(j, i) * weights[i]!;
  }
  return out;
}
