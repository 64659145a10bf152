import { hammingMatrix } from "../kernels/bits.ts";
import { labelColumns, rowMeans, type SignStack } from "./sign-stack.ts";

/** What the products of labels are made of, each of which is m - 2 distance - left - right + both. */
export interface ProductParts {
  readonly m: number;
  /** labels x labels numbers of rows in which two labels differ. Valid until the next call, which writes over them. */
  readonly distance: Uint32Array;
  /** What centring takes off a label of a, and of b, and gives back to all. */
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly both: number;
}

/**
 * C[j, k] = sum over rows of the centred sign of label labels[j] in a times that of label labels[k] in b. The permutation
 * statistic is sum_j C[j, pi(j)]. All of them, row-major.
 */
export function labelProducts(stack: SignStack, labels: Uint32Array): Float64Array {
  const { m, distance, left, right, both } = productParts(stack, labels);
  const k = labels.length;
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) out[i * k + j] = m - 2 * distance[i * k + j]! - left[i]! - right[j]! + both;
  }
  return out;
}

/** The parts of `labelProducts` for those who need no product twice: forming all of them takes megabytes a call. */
export function productParts(stack: SignStack, labels: Uint32Array): ProductParts {
  const { m, n, words } = stack;
  const a = labelColumns(stack.a, stack);
  const b = labelColumns(stack.b, stack);
  const ca = pick(a.columns, a.words, labels, n);
  const cb = pick(b.columns, b.words, labels, n);
  const k = labels.length;
  const meanA = rowMeans(stack.a, m, words, n);
  const meanB = rowMeans(stack.b, m, words, n);
  let both = 0;
  for (let i = 0; i < m; i++) both += meanA[i]! * meanB[i]!;
  return {
    m,
    distance: hammingMatrix(ca, k, cb, k, a.words, scratchDistances(k * k)),
    left: weightedSigns(ca, a.words, k, m, meanB),
    right: weightedSigns(cb, b.words, k, m, meanA),
    both,
  };
}

/** Distances of up to this many pairs of labels are kept in memory that is used again: fresh pages cost as much. */
const KEPT_DISTANCES = 1 << 20;
let keptDistances = new Uint32Array(0);

function scratchDistances(length: number): Uint32Array {
  if (length > KEPT_DISTANCES) return new Uint32Array(length);
  if (keptDistances.length < length) keptDistances = new Uint32Array(length);
  return keptDistances.subarray(0, length);
}

/** The columns of some labels; ascending labels as many as there are are all of them. */
function pick(columns: Uint32Array, words: number, labels: Uint32Array, n: number): Uint32Array {
  if (labels.length === n && isIdentity(labels)) return columns;
  const out = new Uint32Array(labels.length * words);
  for (let i = 0, to = 0; i < labels.length; i++) {
    const from = labels[i]! * words;
    for (let w = 0; w < words; w++) out[to++] = columns[from + w]!;
  }
  return out;
}

function isIdentity(labels: Uint32Array): boolean {
  for (let i = 0; i < labels.length; i++) if (labels[i] !== i) return false;
  return true;
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
  const { distance, left, right, both } = productParts(
    stack,
    Uint32Array.from({ length: n }, (_, label) => label),
  );
  let trace = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const product = m - 2 * distance[i * n + j]! - left[i]! - right[j]! + both;
      trace += product * product;
    }
  }
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
  // What a sign adds, by the bit that it is: no branch, since signs are coin flips, mispredicted half the time.
  const signed = new Float64Array(2 * m);
  for (let i = 0; i < m; i++) {
    signed[2 * i] = weights[i]!;
    signed[2 * i + 1] = -weights[i]!;
  }
  let j = 0;
  // Four sums at a time, each in the order of its rows: one alone waits for its own last addition.
  for (; j + 3 < labels; j += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let w = 0; w < words; w++) {
      const at = j * words + w;
      let [c0, c1, c2, c3] = [columns[at]!, columns[at + words]!, columns[at + 2 * words]!, columns[at + 3 * words]!];
      const end = Math.min(2 * m, 64 * (w + 1));
      for (let i = 64 * w; i < end; i += 2) {
        s0 += signed[i + (c0 & 1)]!;
        s1 += signed[i + (c1 & 1)]!;
        s2 += signed[i + (c2 & 1)]!;
        s3 += signed[i + (c3 & 1)]!;
        c0 >>>= 1;
        c1 >>>= 1;
        c2 >>>= 1;
        c3 >>>= 1;
      }
    }
    out[j] = s0;
    out[j + 1] = s1;
    out[j + 2] = s2;
    out[j + 3] = s3;
  }
  for (; j < labels; j++) {
    for (let i = 0; i < m; i++) out[j]! += signed[2 * i + ((columns[j * words + (i >>> 5)]! >>> (i & 31)) & 1)]!;
  }
  return out;
}
