import { isCutOrTurned } from "./cut-or-turned.ts";

/** Of a difference, the share that scaling rows and columns and shifting them leave of training; half and more in measure. */
const LEAST_LEFT = 0.35;
/**
 * Correlation of the sizes of what changed and of what was there, rows and columns made alike: training has -.31 to .05 of it
 * (benchmarks/lab), cutting off large values, rounding them relative to their size and dropping some .2 and more, pruning -.4.
 */
const MOST_WITH_SIZE = 0.1;
const LEAST_WITH_SIZE = -0.36;
const ROUNDS = 2;
/** Of the mean energy of rows (or columns) what the quiet ones stay below, and how many of them training leaves at most. */
const QUIET = 0.08;
const MOST_QUIET = 0.4;
/** Beyond the error with which values are known, as a share of it, what a factor must leave to be anything. */
const LEAST_CHANGE = 0.3;

export interface Values {
  readonly height: number;
  readonly width: number;
  /** height x width, of the base and of the suspect. */
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** Whether the difference is of a low rank, which no rule of single values leaves. */
  readonly low: boolean;
  /** Variance of the error with which both are known. */
  readonly variance: number;
}

/**
 * What of a change no rule explains that takes no training: rows or columns multiplied, something added to whole rows or
 * columns, every value changed by its own size, some rows or columns changed and the others not. Its rows and columns are
 * brought to unit RMS; null where a rule explains most.
 */
export function beyondRules(values: Values): Float64Array | null {
  const { height, width, before, after, low, variance } = values;
  const error = variance * before.length;
  const factor = fitted(before, after);
  // Weight decay is a factor as well: training may have no more than that in common with a rule.
  const changed = before.reduce((sum, x, i) => sum + (after[i]! - factor * x) ** 2, 0) - error;
  if (!(changed > LEAST_CHANGE * error)) return null;
  if (isCutOrTurned(values, error)) return null;
  const plain = { row: new Float64Array(height).fill(1), col: new Float64Array(width).fill(1) };
  const rest = unshifted(unscaled(values), plain.row, plain.col);
  if (!(rest.reduce((sum, x) => sum + x * x, 0) - error >= LEAST_LEFT * changed)) return null;
  if (isConfined(rest, height, width, variance)) return null;
  const evened = unitLines(evenedRest(values, rest), height, width);
  if (low) return evened;
  const withSize = correlation(evened.map(Math.abs), unitLines(before, height, width).map(Math.abs));
  return withSize <= MOST_WITH_SIZE && withSize >= LEAST_WITH_SIZE ? evened : null;
}

/**
 * The rest once more, of rows and columns that were scaled so that it is as large in all of them: strong noise in some would
 * otherwise decide what is fitted to all, and leave its trace in the others.
 */
function evenedRest({ height, width, before, after, ...values }: Values, rest: Float64Array): Float64Array {
  const { row, col } = lineScales(rest, height, width);
  const scaled = (of: Float32Array): Float32Array =>
    of.map((x, i) => x * row[Math.floor(i / width)]! * col[i % width]!);
  const again = { ...values, height, width, before: scaled(before), after: scaled(after) };
  return unshifted(unscaled(again), row, col);
}

/** What the one must be multiplied by to be the other. */
function fitted(before: Float32Array, after: Float32Array): number {
  const square = before.reduce((sum, x) => sum + x * x, 0);
  return square > 0 ? before.reduce((sum, x, i) => sum + x * after[i]!, 0) / square : 1;
}

/** What is left of the suspect when the base, rows and columns scaled to fit, is taken away. */
function unscaled({ height, width, before, after }: Values): Float64Array {
  const row = new Float64Array(height).fill(1);
  const col = new Float64Array(width).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [own, other, ofRows] of [[row, col, true] as const, [col, row, false] as const]) {
      const products = new Float64Array(own.length);
      const squares = new Float64Array(own.length);
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const [at, across] = ofRows ? [i, j] : [j, i];
          const x = before[i * width + j]! * other[across]!;
          products[at]! += x * after[i * width + j]!;
          squares[at]! += x * x;
        }
      }
      for (let k = 0; k < own.length; k++) if (squares[k]! > 0) own[k] = products[k]! / squares[k]!;
    }
  }
  return Float64Array.from(after, (x, i) => x - row[Math.floor(i / width)]! * col[i % width]! * before[i]!);
}

/** What was added to whole rows and columns taken away, of values that were scaled by `row` and `col` since. */
function unshifted(values: Float64Array, row: Float64Array, col: Float64Array): Float64Array {
  const [height, width] = [row.length, col.length];
  const square = (of: Float64Array): number => of.reduce((sum, x) => sum + x * x, 0);
  const [rowSquare, colSquare] = [square(row), square(col)];
  const ofRow = new Float64Array(height);
  const ofCol = new Float64Array(width);
  let ofAll = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const x = values[i * width + j]!;
      ofRow[i]! += (x * col[j]!) / colSquare;
      ofCol[j]! += (x * row[i]!) / rowSquare;
      ofAll += (x * row[i]! * col[j]!) / (rowSquare * colSquare);
    }
  }
  return values.map((x, at) => {
    const [i, j] = [Math.floor(at / width), at % width];
    return x - ofRow[i]! * col[j]! - ofCol[j]! * row[i]! + ofAll * row[i]! * col[j]!;
  });
}

/** Whether many rows, or many columns, are as they were: training by gradients leaves none. */
function isConfined(rest: Float64Array, height: number, width: number, variance: number): boolean {
  return [true, false].some((ofRows) => {
    const energy = new Float64Array(ofRows ? height : width).fill(-variance * (ofRows ? width : height));
    for (let i = 0; i < rest.length; i++) energy[ofRows ? Math.floor(i / width) : i % width]! += rest[i]! ** 2;
    const mean = energy.reduce((sum, x) => sum + x, 0) / energy.length;
    const quiet = energy.filter((x) => x < QUIET * mean).length;
    return quiet > MOST_QUIET * energy.length;
  });
}

/** Rows and then columns brought to unit RMS. */
function unitLines(values: ArrayLike<number>, height: number, width: number): Float64Array {
  const { row, col } = lineScales(values, height, width);
  return Float64Array.from(values, (x, i) => x * row[Math.floor(i / width)]! * col[i % width]!);
}

/** What rows and then columns must be multiplied by to be of unit RMS; 1 where they are zero. */
function lineScales(
  values: ArrayLike<number>,
  height: number,
  width: number,
): { readonly row: Float64Array; readonly col: Float64Array } {
  const [row, col] = [new Float64Array(height), new Float64Array(width)];
  for (let i = 0; i < values.length; i++) row[Math.floor(i / width)]! += values[i]! ** 2 / width;
  for (let i = 0; i < height; i++) row[i] = row[i]! > 0 ? 1 / Math.sqrt(row[i]!) : 1;
  for (let i = 0; i < values.length; i++) {
    col[i % width]! += (values[i]! * row[Math.floor(i / width)]!) ** 2 / height;
  }
  for (let j = 0; j < width; j++) col[j] = col[j]! > 0 ? 1 / Math.sqrt(col[j]!) : 1;
  return { row, col };
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    aa += (a[i]! - meanA) ** 2;
    bb += (b[i]! - meanB) ** 2;
    ab += (a[i]! - meanA) * (b[i]! - meanB);
  }
  return ab / Math.sqrt(aa * bb);
}
