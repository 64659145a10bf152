import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { solveRidge } from "../numerics/least-squares.ts";
import { subset } from "../numerics/prng.ts";
import type { LabelBlock } from "./label-tests.ts";
import { takeRows } from "./take.ts";
import { gramEigen, whitening } from "./whitening.ts";

/** Penalty of the map from features to rows of the other model, in units of the features' mean energy. */
const RIDGE = 1;
/** Penalty on what the rows hardly hold: only so much that none divides by zero. */
const LEAST = 1e-6;

/** What two sides say of labels, row by row, as they lie in both: labels x width. */
export interface LabelRows {
  readonly rows: Float32Array;
  readonly width: number;
}

/** Two halves of labels that stand in runs of so many, drawn by one coin for all models: half of every run is in each. */
export function halvesOf(count: number, run: number): readonly [readonly number[], readonly number[]] {
  const first = new Set<number>();
  for (let start = 0; start < count; start += run) {
    const size = Math.min(run, count - start);
    for (const i of subset(size, size >> 1, `weightmark halves ${start}`)) first.add(start + i);
  }
  const all = Array.from({ length: count }, (_, i) => i);
  return [all.filter((i) => first.has(i)), all.filter((i) => !first.has(i))];
}

/**
 * Labels of two models whose features have nothing in common but the labels: the anchors fit a map from the features of the one
 * to the rows of the other (kernel ridge), and of the tested labels what the map says is held against what is there. The basis
 * of the rows is arbitrary, so that they are whitened over the anchors first. Given the anchors the tested labels are
 * exchangeable among themselves in either model.
 *
 * @returns null where a side is zero on all anchors
 */
export function predictedBlock(
  features: LabelRows,
  target: LabelRows,
  anchors: readonly number[],
  tested: readonly number[],
): LabelBlock | null {
  const [y, x] = [features, target].map((side) => {
    const rows = atMostOne(side.rows);
    const first = takeRows(rows, side.width, anchors);
    const second = takeRows(rows, side.width, tested);
    const mean = meanRow(first, side.width);
    return { anchors: minus(first, mean), tested: minus(second, mean), width: side.width };
  }) as [Split, Split];
  const root = whitening(gramEigen(transposed(x.anchors, x.width), anchors.length), LEAST);
  if (!root.every(Number.isFinite)) return null;
  const turned = (rows: Float32Array): Float32Array =>
    matmul(rows, root, { rows: rows.length / x.width, depth: x.width, columns: x.width });
  const a = predicted(y, turned(x.anchors), x.width);
  return a === null ? null : { width: x.width, a, b: turned(x.tested) };
}

/** What the map that the anchors' values fit says of the tested labels; by whichever of features and anchors are fewer. */
function predicted(y: Split, values: Float32Array, width: number): Float32Array | null {
  const [n, m] = [y.anchors.length / y.width, y.tested.length / y.width];
  if (y.width < n) {
    const features = transposed(y.anchors, y.width);
    const own = matmul(features, y.anchors, { rows: y.width, depth: n, columns: y.width });
    const seen = matmul(features, values, { rows: y.width, depth: n, columns: width });
    const map = solveRidge(Float64Array.from(own), y.width, seen, width, (RIDGE * y.width) / n);
    return map && matmul(y.tested, map, { rows: m, depth: y.width, columns: width });
  }
  const own = matmul(y.anchors, y.anchors, { rows: n, depth: y.width, columns: n, transposedB: true });
  const weights = solveRidge(Float64Array.from(own), n, values, width, RIDGE);
  const across = matmul(y.tested, y.anchors, { rows: m, depth: y.width, columns: n, transposedB: true });
  return weights && matmul(across, weights, { rows: m, depth: n, columns: width });
}

interface Split {
  readonly anchors: Float32Array;
  readonly tested: Float32Array;
  readonly width: number;
}

/** The same at a size of which no product overflows. */
function atMostOne(rows: Float32Array): Float32Array {
  const largest = rows.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return largest > 0 ? rows.map((x) => x / largest) : rows;
}

function meanRow(rows: Float32Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) mean[i % width]! += (rows[i]! * width) / rows.length;
  return mean;
}

function minus(rows: Float32Array, mean: Float64Array): Float32Array {
  return rows.map((x, i) => x - mean[i % mean.length]!);
}
