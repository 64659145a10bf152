import type { Anatomy, CanonicalTensor } from "../../anatomy/anatomy.ts";
import { describeAnatomy } from "../../anatomy/describe.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import type { Dtype } from "../../formats/tensor-info.ts";
import { isDirect } from "../../kernels/coins.ts";
import type { AddressedMatrix } from "../../rows/addressed-matrix.ts";
import { RowReader } from "../../rows/row-reader.ts";
import { nonceOf } from "../key/keystream.ts";
import { headShape } from "./head-shape.ts";
import type { HostModel } from "./host-model.ts";
import { byAddress, claimsOf, preference, stackSizes } from "./rivals/claims.ts";
import { signSymmetries } from "./sign-symmetries.ts";
import { type RowStarts, rowStarts, StoredRows } from "./stored-rows.ts";

/**
 * The matrices of a model by address, fused attention taken apart where the config gives the heads. Of several tensors
 * that claim one address the most likely is taken (`preference`); `settle` tries the others. Reading costs nothing until
 * rows are asked for.
 */
export function hostModel(checkpoint: Checkpoint): HostModel {
  const { config, configProblem, tensors } = checkpoint;
  const anatomy = describeAnatomy(tensors, config);
  const heads = headShape(config, anatomy, tensors);
  const reader = new RowReader(checkpoint);
  const matrices = addressedViews(checkpoint, anatomy).map((view) => hostMatrix(checkpoint, reader, view));
  const symmetries = signSymmetries(config, anatomy, tensors, heads, configProblem ?? null);
  return { matrices, heads, symmetries, synchronised: false };
}

/** The views behind `hostModel`'s matrices, in its order; `reads` says of which types, by default those that hold values. */
export function addressedViews(
  model: Pick<Checkpoint, "config" | "tensors">,
  anatomy?: Anatomy,
  reads?: (dtype: Dtype) => boolean,
): readonly CanonicalTensor[] {
  const claims = claimsOf(model, anatomy, reads);
  const prefer = preference(stackSizes(claims));
  const places = byAddress(claims);
  const byNonce = new Map<string, number>();
  const nonces = new Map([...places.keys()].map((address) => [address, nonceOf(address).toString("hex")]));
  for (const nonce of nonces.values()) byNonce.set(nonce, (byNonce.get(nonce) ?? 0) + 1);
  return [...places]
    .filter(([address]) => byNonce.get(nonces.get(address)!) === 1)
    .map(([, [first, ...others]]) => others.reduce((a, b) => (prefer(a, b) <= 0 ? a : b), first!).view);
}

function hostMatrix(checkpoint: Checkpoint, reader: RowReader, view: CanonicalTensor): AddressedMatrix {
  const { component, layer, expert, role, rows, cols } = view;
  const matrix: AddressedMatrix = {
    component,
    layer,
    expert,
    role,
    rows,
    cols,
    read: (first, count) =>
      isOneRun(view, first, count)
        ? reader.elements(view.tensor, view.rowOffset(first), count * cols)
        : reader.rows(
            view,
            Array.from({ length: count }, (_, i) => first + i),
          ),
    gain: () => reader.gain(view.gain, cols),
  };
  const stored = storedPieces(checkpoint, view);
  return stored === null ? matrix : { ...matrix, stored };
}

export function storedPieces(
  { files, tensors }: Checkpoint,
  view: CanonicalTensor,
): NonNullable<AddressedMatrix["stored"]> | null {
  const { dtype, begin, end, file } = tensors.get(view.tensor)!;
  if (view.colStride !== 1 || !isDirect(dtype)) return null;
  let starts: RowStarts | undefined;
  const rows = new StoredRows(files[file]!.source);
  return async (first, count) => {
    starts ??= rowStarts(view.rowOffset, view.rows);
    const { fill } = await rows.piece({ ...view, dtype, begin, end, starts }, first, count);
    return { dtype, fill };
  };
}

/** Whether the rows lie one after the other in the stored tensor. */
function isOneRun({ colStride, rowOffset, cols }: CanonicalTensor, first: number, count: number): boolean {
  if (colStride !== 1) return false;
  const start = rowOffset(first);
  for (let i = 1; i < count; i++) if (rowOffset(first + i) !== start + i * cols) return false;
  return true;
}
