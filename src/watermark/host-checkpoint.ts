import type { Anatomy, CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import { splitFusedAttention } from "../anatomy/fused.ts";
import { headHints } from "../anatomy/heads.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { holdsValues, RowReader } from "../fingerprint/row-reader.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import { isDirect } from "../kernels/coins.ts";
import { headShape } from "./head-shape.ts";
import { addressOf, type HostMatrix, type HostModel } from "./host-model.ts";
import { nonceOf } from "./keystream.ts";
import { signSymmetries } from "./sign-symmetries.ts";
import { type RowStarts, rowStarts, StoredRows } from "./spread/stored-rows.ts";

const ROLES: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "gate", "up", "down", "embed", "head"]);

/** Elements of one matrix over those of another, above which the other is no rival for an address. */
const MUCH_LARGER = 16;

/**
 * The matrices of a model by address, fused attention taken apart where the config gives the heads. An address that two
 * matrices claim is left out, for nobody could say which of them is meant, unless one is much larger: small tensors under odd
 * names, which loaders ignore, must not hide a model. Reading costs nothing until rows are asked for.
 */
export function hostModel(checkpoint: Checkpoint): HostModel {
  const { config, tensors } = checkpoint;
  const anatomy = describeAnatomy(tensors, config);
  const heads = headShape(config, anatomy, tensors);
  const reader = new RowReader(checkpoint);
  const matrices = addressedViews(checkpoint, anatomy).map((view) => hostMatrix(checkpoint, reader, view));
  return { matrices, heads, symmetries: signSymmetries(config, anatomy, tensors, heads), synchronised: false };
}

/** The views behind `hostModel`'s matrices, in its order; `reads` says of which types, by default those that hold values. */
export function addressedViews(
  { config, tensors }: Pick<Checkpoint, "config" | "tensors">,
  anatomy: Anatomy = describeAnatomy(tensors, config),
  reads: (dtype: Dtype) => boolean = holdsValues,
): readonly CanonicalTensor[] {
  const hints = headHints(config, tensors);
  const views = new Map<string, CanonicalTensor>();
  const twice = new Set<string>();
  for (const matrix of anatomy.matrices) {
    const split = matrix.role === "qkv" && hints !== null ? splitFusedAttention(matrix, hints.layout, hints) : null;
    for (const view of split === null ? [matrix] : [split.q, split.k, split.v]) {
      if (!ROLES.has(view.role) || !reads(tensors.get(view.tensor)!.dtype)) continue;
      const address = addressOf(view);
      const [size, other] = [sizeOf(view), sizeOf(views.get(address))];
      if (size > other) views.set(address, view);
      if (size >= MUCH_LARGER * other) twice.delete(address);
      else if (other < MUCH_LARGER * size) twice.add(address);
    }
  }
  const byNonce = new Map<string, number>();
  const nonces = new Map([...views.keys()].map((address) => [address, nonceOf(address).toString("hex")]));
  for (const nonce of nonces.values()) byNonce.set(nonce, (byNonce.get(nonce) ?? 0) + 1);
  return [...views]
    .filter(([address]) => !twice.has(address) && byNonce.get(nonces.get(address)!) === 1)
    .map(([, view]) => view);
}

/** Matrices that a mark would be looked for in, were their place not claimed by others as well. */
export function contestedMatrices(checkpoint: Pick<Checkpoint, "config" | "tensors">): number {
  const anatomy = describeAnatomy(checkpoint.tensors, checkpoint.config);
  const kept = new Set(addressedViews(checkpoint, anatomy).map(addressOf));
  const there = anatomy.matrices.filter(
    (view) => ROLES.has(view.role) && holdsValues(checkpoint.tensors.get(view.tensor)!.dtype),
  );
  return new Set(there.map(addressOf).filter((address) => !kept.has(address))).size;
}

function sizeOf(view: CanonicalTensor | undefined): number {
  return view === undefined ? 0 : view.rows * view.cols;
}

function hostMatrix(checkpoint: Checkpoint, reader: RowReader, view: CanonicalTensor): HostMatrix {
  const { component, layer, expert, role, rows, cols } = view;
  const matrix: HostMatrix = {
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
): NonNullable<HostMatrix["stored"]> | null {
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
