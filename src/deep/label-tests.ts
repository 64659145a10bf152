import { matmul } from "../kernels/matmul.ts";
import { type LabelRun, log10FixedPointTailOfRuns } from "../numerics/fixed-points.ts";
import { exchangeSum, log10RademacherTail } from "../numerics/rademacher.ts";
import { runsOf, squareOf } from "./label-runs.ts";
import { mutualNearest, rowLengths, squares } from "./nearest.ts";

/** Labels that one random renumbering may mix, with what each model says of them: n rows of `width` numbers on each side. */
export interface LabelBlock {
  readonly width: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** Labels that a renumbering may mix stand in runs of so many, an even number. @default all labels are one run */
  readonly run?: number;
}

/** Exact tests over blocks of labels; r is strength. */
export interface LabelTests {
  /** Labels that were tested, over all blocks. */
  readonly labels: number;
  /** The sum of products of a label with itself, as a correlation; what runs have in common is taken out. */
  readonly r: number;
  /** Pairs of neighbouring labels, over blocks of equal length together. */
  readonly pairs: number;
  readonly swapZ: number;
  readonly swapLog10P: number;
  readonly matched: number;
  readonly fixed: number;
  /** Of the best block, corrected for how many there are; of all together where they are apart. */
  readonly fixedLog10P: number;
}

/** Fewer labels in a block than this are not tested. */
const MIN_LABELS = 8;

/**
 * T1-swap and T2 on real features: products of unit rows, centred over each run of labels, so that what a run has in common (a
 * head, say) makes no label like itself: over all orders within runs r is 0 on average. Under independent initialisation the
 * labels of each run are exchangeable on one side given everything on the other, and centring looks at no order; see
 * `swap-test.ts` and `fixed-points.ts` of lineage for why the tails hold. Blocks may be one layer stored several times, in both
 * models: exchanges of one pair of labels are summed over blocks before they count as a coin, and of the blocks' fixed points
 * the best are taken and corrected. Labels whose features another label of the same side has are left out, all of them.
 *
 * @param areApart blocks were shown to have labels of their own on one side: coins and fixed points of all of them count
 * @returns null where no block has enough labels
 */
export function labelTests(blocks: readonly LabelBlock[], areApart = false): LabelTests | null {
  const found = blocks.map(blockTest).filter((one) => one !== null);
  const sum = (of: (one: BlockTest) => number): number => found.reduce((total, one) => total + of(one), 0);
  const size = Math.sqrt(sum((one) => one.aa) * sum((one) => one.bb));
  if (!(size > 0)) return null;
  const { z: swapZ, pairs } = exchangeSum(areApart ? found.map(({ exchanges }) => exchanges) : exchangesOf(found)) ?? {
    z: 0,
    pairs: 0,
  };
  const swapLog10P = log10RademacherTail(swapZ);
  const fixed = sum((one) => one.fixed);
  const best = Math.min(...found.map((one) => log10FixedPointTailOfRuns(one.runs, one.fixed)));
  const fixedLog10P = areApart
    ? log10FixedPointTailOfRuns(
        found.flatMap(({ runs }) => runs),
        fixed,
      )
    : Math.min(0, best + Math.log10(found.length));
  return {
    labels: sum((one) => one.kept),
    r: sum((one) => one.trace) / size,
    pairs,
    swapZ,
    swapLog10P,
    matched: sum((one) => one.matched),
    fixed,
    fixedLog10P,
  };
}

interface BlockTest {
  /** Labels of the block, and those that were tested. */
  readonly labels: number;
  readonly kept: number;
  readonly trace: number;
  readonly aa: number;
  readonly bb: number;
  readonly matched: number;
  readonly fixed: number;
  readonly runs: readonly LabelRun[];
  /** By how much the trace would fall if labels (2 k, 2 k + 1) of one side were exchanged; 0 where either is left out. */
  readonly exchanges: Float64Array;
}

function blockTest(block: LabelBlock): BlockTest | null {
  const kept = distinct(block);
  const n = kept.length;
  if (n < MIN_LABELS) return null;
  const labels = block.a.length / block.width;
  const ranges = runsOf(kept, block.run ?? labels);
  const [a, b] = [block.a, block.b].map((rows) => centredUnits(rows, block.width, kept, ranges)) as Sides;
  const products = matmul(a, b, { rows: n, depth: block.width, columns: n, transposedB: true });
  let trace = 0;
  for (let i = 0; i < n; i++) trace += products[i * n + i]!;
  const exchanges = new Float64Array(labels >> 1);
  for (let i = 0; i + 1 < n; i++) {
    const label = kept[i]!;
    if (label % 2 === 1 || kept[i + 1] !== label + 1) continue;
    const j = i + 1;
    exchanges[label >> 1] = products[i * n + i]! + products[j * n + j]! - products[i * n + j]! - products[j * n + i]!;
  }
  const lengths = [rowLengths(a, block.width), rowLengths(b, block.width)] as const;
  const runs = ranges.map(([first, end]) => {
    const own = squareOf(products, n, first, end);
    const [left, right] = lengths.map((all) => all.subarray(first, end)) as [Float64Array, Float64Array];
    // Between equals the place would decide, which is what is tested: of rows of one number nearly all are.
    const pairs = mutualNearest(own, end - first, end - first, { left, right }).filter(({ alone }) => alone);
    return {
      labels: end - first,
      pairs: pairs.length,
      fixed: pairs.filter(({ row, column }) => row === column).length,
    };
  });
  return {
    labels,
    kept: n,
    trace,
    aa: squares(a),
    bb: squares(b),
    matched: runs.reduce((sum, { pairs }) => sum + pairs, 0),
    fixed: runs.reduce((sum, run) => sum + run.fixed, 0),
    runs,
    exchanges,
  };
}

/** What exchanges change, over blocks: coins of one place and length are one coin. */
export function exchangesOf(blocks: readonly Pick<BlockTest, "labels" | "exchanges">[]): readonly Float64Array[] {
  const byLength = new Map<number, Float64Array>();
  for (const { labels, exchanges } of blocks) {
    const sums = byLength.get(labels);
    if (sums === undefined) byLength.set(labels, exchanges.slice());
    else for (let k = 0; k < sums.length; k++) sums[k]! += exchanges[k]!;
  }
  return [...byLength.values()];
}

type Sides = [Float32Array, Float32Array];

/** The given rows at unit length; then the mean of every run is taken out of its own. */
function centredUnits(
  rows: Float32Array,
  width: number,
  kept: readonly number[],
  runs: readonly (readonly [number, number])[],
): Float32Array {
  const out = new Float32Array(kept.length * width);
  kept.forEach((from, to) => {
    const row = rows.subarray(from * width, (from + 1) * width);
    const length = Math.sqrt(squares(row));
    for (let c = 0; c < width; c++) out[to * width + c] = row[c]! / length;
  });
  for (const [first, end] of runs) {
    const mean = new Float64Array(width);
    for (let i = first * width; i < end * width; i += width) {
      for (let c = 0; c < width; c++) mean[c]! += out[i + c]! / (end - first);
    }
    for (let i = first * width; i < end * width; i += width) {
      for (let c = 0; c < width; c++) out[i + c]! -= mean[c]!;
    }
  }
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
