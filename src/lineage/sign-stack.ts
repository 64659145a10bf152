import { centredGram, popcount32, transposeBits } from "../kernels/bits.ts";

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

/** Per row the inner product of row-centred signs. */
export function rowInner({ m, n, words, a, b }: SignStack): Float64Array {
  const [meanA, meanB] = [rowMeans(a, m, words, n), rowMeans(b, m, words, n)];
  const out = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    let distance = 0;
    for (let w = i * words; w < (i + 1) * words; w++) distance += popcount32(a[w]! ^ b[w]!);
    out[i] = n - 2 * distance - n * meanA[i]! * meanB[i]!;
  }
  return out;
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
