import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { addressOf } from "../host-model.ts";
import type { SpreadEdit, TensorEdit, ViewEdit } from "../tensor-edit.ts";
import { spreadMatrices } from "./matrices.ts";

/**
 * Edits of stored tensors with the spread mark added to `others` (sign flips, for one): by tensor name. A view that is
 * there already keeps its signs; views and tensors that are not are added.
 */
export function withSpread(
  checkpoint: Checkpoint,
  spread: ReadonlyMap<string, SpreadEdit>,
  others: ReadonlyMap<string, TensorEdit> = new Map(),
): Map<string, TensorEdit> {
  const edits = new Map(others);
  for (const matrix of spreadMatrices(checkpoint)) {
    const address = addressOf(matrix);
    const edit = spread.get(address);
    if (edit === undefined) continue;
    const { tensor, rows, cols, colStride, rowOffset } = matrix;
    const known = edits.get(tensor) ?? { tensor, views: [], vectorSigns: null };
    const view: ViewEdit = known.views.find((other) => other.address === address) ?? {
      address,
      rowOffsets: Float64Array.from({ length: rows }, (_, row) => rowOffset(row)),
      colStride,
      cols,
      rowSigns: null,
      colSigns: null,
      spread: null,
      lowRank: null,
    };
    const views = [...known.views.filter((other) => other.address !== address), { ...view, spread: edit }];
    edits.set(tensor, { ...known, views });
  }
  return edits;
}
