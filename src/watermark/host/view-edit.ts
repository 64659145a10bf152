import type { CanonicalTensor } from "../../anatomy/anatomy.ts";
import { addressOf } from "../../rows/addressed-matrix.ts";
import type { ViewEdit } from "./tensor-edit.ts";

/** A canonical matrix as the writer takes it, with nothing done to it yet. */
export function viewEdit(view: CanonicalTensor): ViewEdit {
  return {
    address: addressOf(view),
    rowOffsets: Float64Array.from({ length: view.rows }, (_, row) => view.rowOffset(row)),
    colStride: view.colStride,
    cols: view.cols,
    rowSigns: null,
    colSigns: null,
    spread: null,
    lowRank: null,
  };
}
