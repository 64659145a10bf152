import { allOf, type Factor, type FactorMemory, rangeOfAll, rangesOfRows, rowsOf } from "./factor.ts";
import type { RowChange } from "./row-change.ts";

/** (IA)^3: every row times its number of a factor [rows, 1]. */
export function rowScaling(numbers: Factor): RowChange {
  return {
    ranges: (first, count) => rangesOfRows(numbers, first, count),
    apply(stored, _first, count, rows) {
      const factors = rowsOf(numbers, stored, count);
      const cols = rows.length / count;
      for (let i = 0; i < count; i++) for (let j = 0; j < cols; j++) rows[i * cols + j]! *= factors[i]!;
    },
  };
}

/** (IA)^3: every column times its number of a factor [1, columns], each of which stands for `run` neighbouring ones. */
export function columnScaling(numbers: Factor, run: number, memory: FactorMemory): RowChange {
  return {
    ranges: () => [rangeOfAll(numbers)],
    apply([whole], _first, count, rows) {
      const factors = allOf(numbers, whole!, memory);
      const cols = factors.length * run;
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < cols; j++) rows[i * cols + j]! *= factors[Math.floor(j / run)]!;
      }
    },
  };
}

/** scale * numbers added to a vector, whose elements are its rows. */
export function vectorAddition(numbers: Factor, scale: number): RowChange {
  return {
    ranges: (first, count) => rangesOfRows(numbers, first, count),
    apply(stored, _first, count, rows) {
      const added = rowsOf(numbers, stored, count);
      for (let i = 0; i < count; i++) rows[i]! += scale * added[i]!;
    },
  };
}

/** DoRA where every output is a stored row: what the change makes of a row, at the length that the magnitude says. */
export function rowMagnitudes(change: RowChange, magnitudes: Factor): RowChange {
  const own = (first: number, count: number) => rangesOfRows(magnitudes, first, count);
  return {
    ranges: (first, count) => [...own(first, count), ...change.ranges(first, count)],
    apply(stored, first, count, rows) {
      const split = own(first, count).length;
      const lengths = rowsOf(magnitudes, stored.slice(0, split), count);
      change.apply(stored.slice(split), first, count, rows);
      const cols = rows.length / count;
      for (let i = 0; i < count; i++) {
        const row = rows.subarray(i * cols, (i + 1) * cols);
        let squares = 0;
        for (const x of row) squares += x * x;
        const factor = lengths[i]! / Math.sqrt(squares);
        for (let j = 0; j < cols; j++) row[j]! *= factor;
      }
    },
  };
}

/** DoRA where every output is a stored column, by factors that a pass over the whole matrix has found. */
export function columnMagnitudes(change: RowChange, factors: Float64Array): RowChange {
  return {
    ranges: change.ranges,
    apply(stored, first, count, rows) {
      change.apply(stored, first, count, rows);
      const cols = factors.length;
      for (let i = 0; i < count; i++) for (let j = 0; j < cols; j++) rows[i * cols + j]! *= factors[j]!;
    },
  };
}
