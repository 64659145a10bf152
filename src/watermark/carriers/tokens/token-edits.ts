import type { LowRankEdit, TensorEdit } from "../../host/tensor-edit.ts";
import { viewEdit } from "../../host/view-edit.ts";
import type { StoredTokenMatrix } from "./token-matrix.ts";

/** The edit for every stored tensor that holds the matrix: twins get the same bytes, since address and dither are the same. */
export function tokenEdits({ address, views }: StoredTokenMatrix, lowRank: LowRankEdit): Map<string, TensorEdit> {
  return new Map(
    views.map((view) => [
      view.tensor,
      { tensor: view.tensor, views: [{ ...viewEdit(view), address, lowRank }], vectorSigns: null },
    ]),
  );
}
