import type { CanonicalTensor, Gain, Role } from "./anatomy.ts";

/** Where a matrix belongs and what it reads: all of a canonical tensor but its geometry and labels. */
export interface Place {
  readonly component: string;
  /** "" outside layers until all matrices are known. */
  readonly stack: string;
  readonly layer: number;
  readonly expert: number;
  readonly role: Role;
  readonly tensor: string;
  readonly gain: Gain | null;
}

/** Labels are told when all matrices of the model are known. */
const UNLABELLED = { axis: null } as const;

/** A stored [rows, cols] tensor as it lies. */
export function plainView(place: Place, rows: number, cols: number): CanonicalTensor {
  return { ...place, ...UNLABELLED, block: cols, rows, cols, rowOffset: (row) => row * cols, colStride: 1 };
}

/** A stored [in, out] tensor (Conv1D) seen as [out, in]. */
export function transposedView(place: Place, rows: number, cols: number): CanonicalTensor {
  return { ...place, ...UNLABELLED, block: cols, rows, cols, rowOffset: (row) => row, colStride: rows };
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

/** A view whose rows start where `rowOffset` says. */
export function stridedView(
  place: Place,
  rows: number,
  cols: number,
  rowOffset: (row: number) => number,
  colStride: number,
): CanonicalTensor {
  return { ...place, ...UNLABELLED, block: cols, rows, cols, rowOffset, colStride };
}

/**
 * A view on a tensor of `rows` x `cols`, as it lies in a file that holds it the other way: as `cols` x `rows`. Views of
 * whole rows and views of whole columns stay what they are, with the strides exchanged.
 */
export function turnedView(view: CanonicalTensor, rows: number, cols: number): CanonicalTensor {
  const { rowOffset, colStride } = view;
  return {
    ...view,
    rowOffset: (row) => {
      const at = rowOffset(row);
      return (at % cols) * rows + Math.floor(at / cols);
    },
    colStride: colStride === 1 ? rows : 1,
  };
}
