import { matmul } from "../kernels/matmul.ts";
import { log10FixedPointsTail, type MatchedLabels } from "../numerics/fixed-points.ts";
import { log10RademacherTail } from "../numerics/rademacher.ts";

/** Labels that one random renumbering may mix, with what each model says of them: n rows of `width` numbers on each side. */
export interface LabelBlock {
  readonly width: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Exact tests over independent blocks of labels; r is strength, z is no more than printed. */
export interface LabelTests {
  /** Labels that were tested, over all blocks. */
  readonly labels: number;
  /** T1: the sum of products of a label with itself, in standard deviations of a random renumbering; and as a correlation. */
  readonly z: number;
  readonly r: number;
  readonly swapZ: number;
  readonly swapLog10P: number;
  readonly matched: number;
  readonly fixed: number;
  readonly fixedLog10P: number;
  /** The better of the two exact tails, both counted. */
  readonly log10P: number;
}

/** Two tails are looked at. */
const LOG10_TAILS = Math.log10(2);
/** Fewer labels in a block than this are not tested. */
const MIN_LABELS = 8;

/**
 * T1, T1-swap and T2 on real features: products of unit rows, centred over the labels. Under independent initialisation the
 * labels of each block are exchangeable on one side given everything on the other; see `swap-test.ts` and `fixed-points.ts` of
 * lineage for why the tails hold. Labels whose features another label of the same side has are left out, all of them.
 *
 * @returns null where no block has enough labels
 */
export function labelTests(blocks: readonly LabelBlock[]): LabelTests | null {
  const sums = { trace: 0, variance: 0, aa: 0, bb: 0, swap: 0, swapSquares: 0, labels: 0, fixed: 0 };
  const matchings: MatchedLabels[] = [];
  for (const block of blocks) {
    const kept = distinct(block);
    const n = kept.length;
    if (n < MIN_LABELS) continue;
    const [a, b] = [centredUnits(block.a, block.width, kept), centredUnits(block.b, block.width, kept)];
    const products = matmul(a, b, { rows: n, depth: block.width, columns: n, transposedB: true });
    sums.labels += n;
    sums.aa += squares(a);
    sums.bb += squares(b);
    for (let i = 0; i < n; i++) sums.trace += products[i * n + i]!;
    sums.variance += squares(products) / (n - 1);
    for (let i = 0; i + 1 < n; i += 2) {
      const d =
        products[i * n + i]! + products[(i + 1) * n + i + 1]! - products[i * n + i + 1]! - products[(i + 1) * n + i]!;
      sums.swap += d;
      sums.swapSquares += d * d;
    }
    const pairs = mutualNearest(products, rowLengths(a, block.width), rowLengths(b, block.width));
    matchings.push({ n, matched: pairs.length });
    sums.fixed += pairs.filter(([i, j]) => i === j).length;
  }
  if (matchings.length === 0 || !(sums.variance > 0)) return null;
  const swapZ = sums.swapSquares > 0 ? sums.swap / Math.sqrt(sums.swapSquares) : 0;
  const swapLog10P = log10RademacherTail(swapZ);
  const fixedLog10P = log10FixedPointsTail(matchings, sums.fixed);
  return {
    labels: sums.labels,
    z: sums.trace / Math.sqrt(sums.variance),
    r: sums.trace / Math.sqrt(sums.aa * sums.bb),
    swapZ,
    swapLog10P,
    matched: matchings.reduce((sum, { matched }) => sum + matched, 0),
    fixed: sums.fixed,
    fixedLog10P,
    log10P: Math.min(0, Math.min(swapLog10P, fixedLog10P) + LOG10_TAILS),
  };
}

/**
 * Pairs (i, j), each the other's nearest by cosine: `products` is n x m, the lengths are those of its rows' and columns'
 * vectors.
 */
export function mutualNearest(
  products: Float32Array,
  left: Float64Array,
  right: Float64Array,
): readonly (readonly [number, number])[] {
  const [n, m] = [left.length, right.length];
  const bestOfRow = new Int32Array(n);
  const bestOfColumn = new Int32Array(m);
  const top = new Float64Array(m).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < n; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < m; j++) {
      const product = products[i * m + j]!;
      const forRow = product / right[j]!;
      if (forRow > best) {
        best = forRow;
        bestOfRow[i] = j;
      }
      const forColumn = product / left[i]!;
      if (forColumn > top[j]!) {
        top[j] = forColumn;
        bestOfColumn[j] = i;
      }
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < n; i++) if (bestOfColumn[bestOfRow[i]!] === i) pairs.push([i, bestOfRow[i]!]);
  return pairs;
}

/** Lengths of rows, never 0. */
export function rowLengths(rows: Float32Array, width: number): Float64Array {
  const lengths = new Float64Array(rows.length / width);
  for (let i = 0; i < lengths.length; i++)
    lengths[i] = Math.sqrt(squares(rows.subarray(i * width, (i + 1) * width))) || 1e-30;
  return lengths;
}

/** The given rows at unit length; then the mean of all of them is taken out of each. */
function centredUnits(rows: Float32Array, width: number, kept: readonly number[]): Float32Array {
  const out = new Float32Array(kept.length * width);
  const mean = new Float64Array(width);
  kept.forEach((from, to) => {
    const row = rows.subarray(from * width, (from + 1) * width);
    const length = Math.sqrt(squares(row));
    for (let c = 0; c < width; c++) mean[c]! += out[to * width + c] = row[c]! / length;
  });
  for (let i = 0; i < out.length; i++) out[i]! -= mean[i % width]! / kept.length;
  return out;
}

/** Labels that are no zero and no other's equal, on either side. */
function distinct({ a, b, width }: LabelBlock): readonly number[] {
  const n = a.length / width;
  const usable = new Uint8Array(n).fill(1);
  for (const side of [a, b]) {
    const bytes = Buffer.from(side.buffer, side.byteOffset, side.byteLength);
    const seen = new Map<string, number>();
    for (let i = 0; i < n; i++) {
      const key = bytes.toString("latin1", 4 * i * width, 4 * (i + 1) * width);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, i);
      else usable[first] = usable[i] = 0;
      if (!(squares(side.subarray(i * width, (i + 1) * width)) > 0)) usable[i] = 0;
    }
  }
  return [...usable.keys()].filter((i) => usable[i] === 1);
}

function squares(values: Float32Array): number {
  let sum = 0;
  for (const x of values) sum += x * x;
  return sum;
}
