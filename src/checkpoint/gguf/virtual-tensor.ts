import type { Decoder, StoredRange } from "../../decoding/decoder.ts";
import { blocksAsStored, headsJoined, isUnit, rowsReordered, shifted } from "../../decoding/ggml/tensor-decoder.ts";
import type { Dtype } from "../../formats/tensor-info.ts";
import { plainDtype, type StoredTensor, separableRows, storedRows, typeName } from "./stored-tensor.ts";
import { type Heads, joinedOrder, rowOrder, type Undo } from "./undo.ts";

/** A tensor as Hugging Face has it: its bytes as they are stored, or how its values are got. */
export interface VirtualTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Null where the type says it. */
  readonly scheme: string | null;
  readonly content: { readonly stored: StoredRange } | { readonly decoder: Decoder };
}

/** A tensor as it is stored, under another name. */
export function asStored(tensor: StoredTensor, name: string, shape = tensor.shape): VirtualTensor | null {
  const dtype = plainDtype(tensor);
  const { file, begin: start, end, elements } = tensor;
  if (dtype !== null) return { name, dtype, shape, elements, scheme: null, content: { stored: { file, start, end } } };
  const rows = storedRows(tensor);
  return rows === null ? null : decoded(tensor, name, shape, blocksAsStored(rows));
}

function decoded(tensor: StoredTensor, name: string, shape: readonly number[], decoder: Decoder): VirtualTensor {
  const elements = shape.reduce((product, n) => product * n, 1);
  return { name, dtype: "F32", shape, elements, scheme: typeName(tensor), content: { decoder } };
}

/**
 * A tensor with what the converter did to it undone; null where its type is not understood, and "heads" where it cannot be
 * undone, for the number of heads is missing or does not fit.
 */
export function undone(
  tensor: StoredTensor,
  name: string,
  undo: Undo,
  heads: Heads | null,
): VirtualTensor | "heads" | null {
  const { shape } = tensor;
  if (undo === "row") return asStored(tensor, name, shape.length === 1 ? [1, ...shape] : shape);
  const rows = storedRows(tensor);
  if (rows === null) return null;
  if (undo === "plus one") return decoded(tensor, name, shape, shifted(blocksAsStored(rows), -1));
  const separable = separableRows(tensor);
  const order = heads === null || separable === null ? null : rowOrder(undo, shape[0]!, heads);
  if (order === null) return "heads";
  return decoded(
    tensor,
    name,
    shape,
    rowsReordered([separable!], (row) => [0, order(row)]),
  );
}

/** Entry `expert` of the first axis of a stack. */
export function expertOf(stack: StoredTensor, expert: number, name: string): VirtualTensor | null {
  const shape = stack.shape.slice(1);
  const elements = stack.elements / stack.shape[0]!;
  const bytes = (stack.end - stack.begin) / stack.shape[0]!;
  const begin = stack.begin + expert * bytes;
  return asStored({ ...stack, shape, elements, begin, end: begin + bytes }, name);
}

/** Whether the entries of the first axis lie apart in whole blocks. */
export function isStack({ shape, type, elements }: StoredTensor): boolean {
  return shape.length >= 2 && elements > 0 && type !== undefined;
}

/** q, k and v as one; null where they do not fit one another or their heads. */
export function joinedQkv(
  parts: readonly StoredTensor[],
  name: string,
  how: "contiguous" | "grouped",
  heads: Heads | null,
): VirtualTensor | null {
  const sources = parts.map(separableRows);
  const [first] = parts;
  const sizes = parts.map(({ shape }) => shape[0]!) as [number, number, number];
  const isAlike = parts.every(({ shape }) => shape.length === first!.shape.length && shape[1] === first!.shape[1]);
  const order = heads === null || !isAlike ? null : joinedOrder(how, sizes, heads);
  if (order === null || sources.includes(null)) return null;
  const shape = [sizes[0] + sizes[1] + sizes[2], ...first!.shape.slice(1)];
  const schemes = [...new Set(parts.map(typeName))].join(", ");
  const columns = sources.map((rows) => ({ ...rows!, columns: first!.shape[1] ?? 1 }));
  return { ...decoded(first!, name, shape, rowsReordered(columns, order)), scheme: schemes };
}

/** The two halves of latent attention's second projection, of which keys are stored transposed; null where they do not fit. */
export function joinedLatent([keys, values]: readonly StoredTensor[], name: string): VirtualTensor | null {
  const [k, v] = [keys!.shape, values!.shape];
  const [turned, plain] = [storedRows(keys!), storedRows(values!)];
  const isFitting = k.length === 3 && v.length === 3 && k[0] === v[0] && k[1] === v[2];
  if (turned === null || plain === null || !isFitting || !isUnit((k[2]! + v[1]!) * v[2]!)) return null;
  const shape = [k[0]! * (k[2]! + v[1]!), v[2]!];
  const schemes = [...new Set([keys!, values!].map(typeName))].join(", ");
  return { ...decoded(keys!, name, shape, headsJoined(turned, k[2]!, plain, v[1]!)), scheme: schemes };
}
