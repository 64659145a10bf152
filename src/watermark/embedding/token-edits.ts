import type { LowRankEdit, TensorEdit } from "../tensor-edit.ts";
import type { StoredTokenMatrix } from "./token-matrix.ts";

/** The edit for every stored tensor that holds the matrix: twins get the same bytes, since address and dither are the same. */
export function tokenEdits(matrix: StoredTokenMatrix, lowRank: LowRankEdit): Map<string, TensorEdit> {
  return new Map(
    matrix.views.map(({ tensor, rowOffset, colStride, rows, cols }) => [
      tensor,
      {
        tensor,
        views: [
          {
            address: matrix.address,
            rowOffsets: Float64Array.from({ length: rows }, (_, row) => rowOffset(row)),
            colStride,
            cols,
            rowSigns: null,
            colSigns: null,
            spread: null,
            lowRank,
          },
        ],
        vectorSigns: null,
      },
    ]),
  );
}
