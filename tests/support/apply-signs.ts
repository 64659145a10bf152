import type { TensorEdit } from "../../src/watermark/host/tensor-edit.ts";
import type { Model, ModelTensor } from "./random-model.ts";

/** The model after the sign changes of the edits, in plain loops. */
export function applySigns(model: Model, edits: ReadonlyMap<string, TensorEdit>): Map<string, ModelTensor> {
  const out = new Map(model);
  for (const { tensor, views, vectorSigns } of edits.values()) {
    const before = model.get(tensor)!;
    const values = before.values.slice();
    vectorSigns?.forEach((sign, i) => {
      values[i]! *= sign;
    });
    for (const { rowOffsets, colStride, cols, rowSigns, colSigns } of views) {
      rowOffsets.forEach((offset, i) => {
        for (let j = 0; j < cols; j++) {
          values[offset + j * colStride]! *= (rowSigns?.[i] ?? 1) * (colSigns?.[j] ?? 1);
        }
      });
    }
    out.set(tensor, { ...before, values });
  }
  return out;
}
