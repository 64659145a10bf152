import type { CanonicalTensor, Gain, Role } from "./anatomy.ts";

/** Where a matrix belongs and what it reads: all of a canonical tensor but its geometry. */
export interface Place {
  readonly component: string;
  readonly stack: string;
  readonly layer: number;
  readonly expert: number;
  readonly role: Role;
  readonly tensor: string;
  readonly gain: Gain | null;
}

/** A stored [rows, cols] tensor as it lies. */
export function plainView(place: Place, rows: number, cols: number): CanonicalTensor {
  return { ...place, rows, cols, rowOffset: (row) => row * cols, colStride: 1 };
}

/** A stored [in, out] tensor (Conv1D) seen as [out, in]. */
export function transposedView(place: Place, rows: number, cols: number): CanonicalTensor {
  return { ...place, rows, cols, rowOffset: (row) => row, colStride: rows };
}

/**
 * `rows` rows of `view`, those at `first + step * i`: parts of fused tensors. `step` 2 serves gate and up rows that
 * lie alternately.
 */
export function rowsOf(view: CanonicalTensor, role: Role, first: number, rows: number, step = 1): CanonicalTensor {
  const whole = view.rowOffset;
  return { ...view, role, rows, rowOffset: (row) => whole(first + step * row) };
}

/** Rows of `view` chosen by `sourceRow`. */
export function mappedRows(
  view: CanonicalTensor,
  role: Role,
  rows: number,
  sourceRow: (row: number) => number,
): CanonicalTensor {
  const whole = view.rowOffset;
  return { ...view, role, rows, rowOffset: (row) => whole(sourceRow(row)) };
}

/** The same geometry `start` elements further: one expert of a stacked tensor. */
export function shiftedView(view: CanonicalTensor, expert: number, start: number): CanonicalTensor {
  const whole = view.rowOffset;
  return { ...view, expert, rowOffset: (row) => start + whole(row) };
}

/** Shape class: matrices of one class may stand for each other when names are gone. */
export function shapeClass(matrix: Pick<CanonicalTensor, "rows" | "cols">): string {
  return `${matrix.rows}x${matrix.cols}`;
}
