import type { Dtype } from "../formats/tensor-info.ts";
import type { Piece } from "./whole-numbers.ts";

/** Fewer values lie on some line by chance, or would do so up to the rounding of their format. */
const LEAST_EXACT = 3;
const LEAST_ROUNDED = 8;
/** A line rises by so many roundings of its values at least: what is nearly constant may be trained gains. */
const CLEAR_RISE = 64;
/** Rows and columns of a mask at least. */
const LEAST_SIDE = 3;
/** A triangle is one change over its diagonals, a band or an identity two. */
const MAX_CHANGES = 2;

/** Twice the rounding of a format, relative to the value; none where it is so coarse that lines are everywhere. */
const ROUNDING: ReadonlyMap<Dtype, number> = new Map<Dtype, number>([
  ["F64", 2 ** -21],
  ["F32", 2 ** -21],
  ["F16", 2 ** -10],
  ["BF16", 2 ** -7],
]);

/** The one value of all pieces, NaN included, or undefined. */
export function constantOf(pieces: readonly Piece[]): number | undefined {
  const first = pieces[0]?.values[0];
  return first !== undefined && everyValue(pieces, (value) => Object.is(value, first) || value === first)
    ? first
    : undefined;
}

/**
 * Whether values are what any program writes without having learned anything: one constant, a count over places (also over
 * rows and columns), evenly spaced numbers or frequencies, or a mask. Such tensors are equal wherever they are used, and say
 * nothing about whose they are.
 */
export function isCommonplace(pieces: readonly Piece[], shape: readonly number[], dtype: Dtype): boolean {
  if (pieces.every(({ values }) => values.length === 0)) return true;
  return (
    constantOf(pieces) !== undefined ||
    isCount(pieces, columnsOf(shape)) ||
    isSpaced(pieces, shape, ROUNDING.get(dtype) ?? 0) ||
    isMask(pieces, shape)
  );
}

/** Of very narrow tensors, and of such without rows, all elements are one row. */
function columnsOf(shape: readonly number[]): number {
  const cols = shape.at(-1) ?? 1;
  return cols >= LEAST_EXACT ? cols : shape.reduce((product, n) => product * n, 1);
}

/** Whole numbers that rise evenly along rows, and evenly from row to row. */
function isCount(pieces: readonly Piece[], cols: number): boolean {
  const { start, values } = pieces[0]!;
  if (values.length < LEAST_EXACT || start % cols === cols - 1) return false;
  const [row, column] = [Math.floor(start / cols), start % cols];
  const first = values[0]!;
  const right = values[1]! - first;
  let down: number | null = null;
  return everyValue(pieces, (value, at) => {
    const [rows, columns] = [Math.floor(at / cols) - row, (at % cols) - column];
    const rest = value - first - right * columns;
    if (rows === 0) return rest === 0 && Number.isInteger(value);
    down ??= rest / rows;
    return rest === down * rows && Number.isInteger(value);
  });
}

/** Numbers on a line, or on a line by their logarithms, up to the rounding of their format: one row only. */
function isSpaced(pieces: readonly Piece[], shape: readonly number[], rounding: number): boolean {
  const count = shape.reduce((product, n) => product * n, 1);
  const { start, values } = pieces.at(-1)!;
  const end = start + values.length - 1;
  if (rounding === 0 || (shape.at(-1) ?? 1) !== count || end + 1 < LEAST_ROUNDED) return false;
  const [first, last] = [pieces[0]!.values[0]!, values[values.length - 1]!];
  const size = Math.max(Math.abs(first), Math.abs(last));
  if (!(Math.abs(last - first) > CLEAR_RISE * rounding * size)) return false;
  if (everyValue(pieces, (value, at) => Math.abs(value - first - ((last - first) * at) / end) <= rounding * size)) {
    return true;
  }
  const ratio = last / first;
  if (!(ratio > 0)) return false;
  return everyValue(pieces, (value, at) => {
    const expected = first * ratio ** (at / end);
    return Math.abs(value - expected) <= 4 * rounding * Math.abs(expected);
  });
}

/** Two values, each diagonal of one of them: a triangle, a band, an identity. */
function isMask(pieces: readonly Piece[], shape: readonly number[]): boolean {
  const [rows, cols] = [shape.at(-2) ?? 0, shape.at(-1) ?? 0];
  if (rows < LEAST_SIDE || cols < LEAST_SIDE) return false;
  const first = pieces[0]!.values[0]!;
  let other: number | null = null;
  const diagonals = new Map<number, number>();
  const isDiagonal = everyValue(pieces, (value, at) => {
    if (value !== first) other ??= value;
    if (value !== first && value !== other) return false;
    const diagonal = (at % cols) - (Math.floor(at / cols) % rows);
    const known = diagonals.get(diagonal);
    if (known === undefined) diagonals.set(diagonal, value);
    return known === undefined || known === value;
  });
  if (!isDiagonal) return false;
  const along = [...diagonals].sort(([a], [b]) => a - b);
  return along.filter(([, value], i) => i > 0 && value !== along[i - 1]![1]).length <= MAX_CHANGES;
}

function everyValue(pieces: readonly Piece[], holds: (value: number, at: number) => boolean): boolean {
  for (const { start, values } of pieces) {
    for (let i = 0; i < values.length; i++) if (!holds(values[i]!, start + i)) return false;
  }
  return true;
}

/** Different constants that a file holds before they say anything: an epsilon, an initial scale are everybody's. */
const MANY_CONSTANTS = 8;
const PLAIN_CONSTANTS: ReadonlySet<number> = new Set([0, 1, -1, Number.NaN]);

/**
 * Those of the constants that tensors of one kind hold which say something together, though each by itself does not: where
 * they are many and no count.
 */
export function tellingConstants(constants: Iterable<number>): ReadonlySet<number> {
  const own = new Set<number>();
  for (const value of constants) if (!PLAIN_CONSTANTS.has(value)) own.add(value);
  const sorted = Float64Array.from(own).sort();
  const isFew = own.size < MANY_CONSTANTS || isCount([{ start: 0, values: sorted }], sorted.length);
  return isFew ? new Set() : own;
}
