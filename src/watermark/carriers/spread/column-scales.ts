import { columnScales } from "../../../kernels/sinkhorn.ts";
import type { RowRun } from "../../host/stored-rows.ts";
import { keystream } from "../../key/keystream.ts";

/** Rows are taken in runs, so that reading them costs few reads. */
const RUN = 16;
const MAX_RUNS = 8;
/** Values that scales are computed from, at most. */
const MAX_VALUES = 1 << 23;

/** Powers of two between the largest values of rows that sums of squares in f32 bear; real models stay below 20. */
const NATURAL_SPREAD = 40;

/**
 * The rows that the scales of a matrix's columns come from, in rising order: all of up to 128, else 8 runs of 16 chosen
 * by key (fewer of very wide matrices). Secret, so that nobody can aim at them.
 */
export function scaleRows(rowsKey: Uint8Array, address: string, rows: number, cols: number): RowRun[] {
  const runs = Math.min(MAX_RUNS, Math.max(1, Math.floor(MAX_VALUES / (RUN * cols))));
  if (rows <= runs * RUN) return [{ first: 0, count: rows }];
  const groups = Math.floor(rows / RUN);
  const draws = new Uint8Array(4 * runs);
  keystream(rowsKey, address).fill(draws, 0);
  const view = new DataView(draws.buffer);
  // Floyd's method: every set of groups is equally likely.
  const chosen = new Set<number>();
  for (let i = 0; i < runs; i++) {
    const last = groups - runs + i;
    const candidate = view.getUint32(4 * i, true) % (last + 1);
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return [...chosen].sort((a, b) => a - b).map((group) => ({ first: group * RUN, count: RUN }));
}

/** Scales c_j of the columns, from the values of the rows of `scaleRows` one after the other; 0 for dead columns. */
export function scalesFromRows(values: Float32Array, cols: number): Float32Array {
  const rows = values.length / cols;
  const row = (of: Float32Array, i: number) => of.subarray(i * cols, (i + 1) * cols);
  const exponents = Array.from({ length: rows }, (_, i) => exponentOf(row(values, i)));
  const known = exponents.filter((exponent) => exponent !== null).sort((a, b) => a - b);
  const [least, most] = [known[0] ?? 0, known.at(-1) ?? 0];
  if (most - least <= NATURAL_SPREAD) return columnScales(values, rows, cols);
  const level = values.slice();
  for (let i = 0; i < rows; i++) timesPowerOfTwo(row(level, i), -(exponents[i] ?? 0));
  // Scales follow the level of the matrix, so that what the kernels see stays near 1.
  const scales = timesPowerOfTwo(columnScales(level, rows, cols), known[known.length >> 1]!);
  return scales.map((scale) => (scale >= 2 ** -126 && Number.isFinite(Math.fround(1 / scale)) ? scale : 0));
}

/** Only ratios within a row count, and sums of rows that an attacker has scaled apart would leave the range of f32. */
function exponentOf(row: Float32Array): number | null {
  let most = 0;
  for (const x of row) if (Math.abs(x) > most && Number.isFinite(x)) most = Math.abs(x);
  return most === 0 ? null : Math.floor(Math.log2(most));
}

/** In place and exact while the result is a normal number; f64 holds what lies between, for powers up to 2^300. */
function timesPowerOfTwo(values: Float32Array, exponent: number): Float32Array {
  const factor = 2 ** exponent;
  for (let j = 0; j < values.length; j++) values[j] = values[j]! * factor;
  return values;
}

/** What the kernels multiply elements by: 1 / c_j, with the sign of the column. */
export function columnFactors(scales: Float32Array, signs: Int8Array | null): Float32Array {
  return scales.map((scale, j) => (scale > 0 ? (signs === null ? 1 : signs[j]!) / scale : 0));
}
