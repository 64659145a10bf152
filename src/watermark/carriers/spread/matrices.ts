import type { CanonicalTensor, Role } from "../../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import type { Dtype } from "../../../formats/tensor-info.ts";
import { addressedViews } from "../../host/host-checkpoint.ts";

const ROLES: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "gate", "up", "down"]);
const MIN_ELEMENTS = 65_536;
/** No linear layer is thinner, or wider; a header may say anything. */
const MIN_SIDE = 64;
const MAX_COLS = 1 << 18;
/** Transposed tensors are read as a whole. */
const MAX_TRANSPOSED_BYTES = 512 << 20;

/** Whether a matrix of this kind carries the mark: the large linear layers inside the model, experts too. */
export function isSpreadMatrix({ role, layer, rows, cols }: Pick<CanonicalTensor, "role" | "layer" | "rows" | "cols">) {
  const sizes = rows * cols >= MIN_ELEMENTS && Math.min(rows, cols) >= MIN_SIDE && cols <= MAX_COLS;
  return ROLES.has(role) && layer >= 0 && sizes;
}

/**
 * The matrices of a checkpoint that carry the mark, as views on stored tensors, in the order in which they are stored.
 * `reads` says of which element types, by default those that hold values.
 */
export function spreadMatrices(checkpoint: Checkpoint, reads?: (dtype: Dtype) => boolean): readonly CanonicalTensor[] {
  const place = (view: CanonicalTensor) => checkpoint.tensors.get(view.tensor)!;
  return addressedViews(checkpoint, undefined, reads)
    .filter((view) => {
      const { begin, end } = place(view);
      return isSpreadMatrix(view) && (view.colStride === 1 || end - begin <= MAX_TRANSPOSED_BYTES);
    })
    .sort((a, b) => {
      const [x, y] = [place(a), place(b)];
      return x.file - y.file || x.begin - y.begin || a.rowOffset(0) - b.rowOffset(0);
    });
}
