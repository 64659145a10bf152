import type { CanonicalTensor } from "../../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../../errors.ts";
import { addressOf } from "../../../rows/addressed-matrix.ts";
import { biasOf } from "../../host/bias.ts";
import { addressedViews } from "../../host/host-checkpoint.ts";
import type { TensorEdit } from "../../host/tensor-edit.ts";
import { viewEdit } from "../../host/view-edit.ts";
import type { SignFlips } from "./flips.ts";

/**
 * The sign changes as edits of stored tensors: matrices, parts of fused and transposed ones, and the biases that belong
 * to rows that change.
 *
 * @throws WeightmarkError INTERNAL when the checkpoint is not the one that the flips were planned for.
 */
export function orientationEdits(checkpoint: Checkpoint, flips: SignFlips): Map<string, TensorEdit> {
  const edits = new Map<string, TensorEdit>();
  let applied = 0;
  for (const view of addressedViews(checkpoint)) {
    const signs = flips.get(addressOf(view));
    if (signs === undefined) continue;
    applied++;
    if (signs.rowSigns !== null && signs.rowSigns.length !== view.rows) throw notPlannedFor(view);
    if (signs.colSigns !== null && signs.colSigns.length !== view.cols) throw notPlannedFor(view);
    const views = edits.get(view.tensor)?.views ?? [];
    edits.set(view.tensor, {
      tensor: view.tensor,
      views: [...views, { ...viewEdit(view), ...signs }],
      vectorSigns: null,
    });
    if (signs.rowSigns !== null) addBias(edits, checkpoint, view, signs.rowSigns);
  }
  if (applied !== flips.size)
    throw new WeightmarkError("INTERNAL", "signs were planned for matrices that are not there");
  return edits;
}

function addBias(
  edits: Map<string, TensorEdit>,
  { tensors }: Checkpoint,
  view: CanonicalTensor,
  rowSigns: Int8Array,
): void {
  const bias = biasOf(view, tensors);
  if (bias === null) return;
  if (!bias.fits) throw notPlannedFor(view);
  const known = edits.get(bias.tensor)?.vectorSigns;
  const signs = known ?? new Int8Array(tensors.get(bias.tensor)!.shape[0]!).fill(1);
  for (let row = 0; row < rowSigns.length; row++) if (rowSigns[row] === -1) signs[bias.elementOf(row)] = -1;
  edits.set(bias.tensor, { tensor: bias.tensor, views: [], vectorSigns: signs });
}

function notPlannedFor({ tensor }: CanonicalTensor): WeightmarkError {
  return new WeightmarkError("INTERNAL", "signs do not fit the matrix they were planned for", { tensor });
}
