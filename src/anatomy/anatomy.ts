import type { TensorInfo } from "../formats/tensor-info.ts";

/** What a matrix does in its layer. `qkv` is a fused tensor whose split needs the head count, kept in library order. */
export type Role =
  | "q"
  | "k"
  | "v"
  | "o"
  | "qkv"
  | "gate"
  | "up"
  | "down"
  | "cross_q"
  | "cross_k"
  | "cross_v"
  | "cross_o"
  | "router"
  | "embed"
  | "head"
  | "position"
  | "token_type"
  | "patch"
  | "norm"
  | "bias"
  | "other"
  | "unknown";

/** A vector that scales the input of a matrix: `W diag(g)`, or `W diag(1 + g)` for Gemma. */
export interface Gain {
  readonly tensor: string;
  readonly plusOne: boolean;
}

/**
 * One canonical matrix [rows = out, cols = in] as a view on a stored tensor: element (i, j) is stored element
 * `rowOffset(i) + j * colStride`. Fused, transposed and per-expert layouts are all such views; nothing is copied.
 */
export interface CanonicalTensor {
  /** "language", "vision", "text", "encoder", "decoder": components get verdicts of their own. */
  readonly component: string;
  /** Path of the layers that hold it ("model.layers"), "" outside the layers: two stacks may claim one place. */
  readonly stack: string;
  /** Layer number in its component, -1 outside the layers. */
  readonly layer: number;
  /** Expert number, -1 when dense; shared experts are numbered from 1,000,000. */
  readonly expert: number;
  readonly role: Role;
  readonly rows: number;
  readonly cols: number;
  /** Name of the stored tensor. */
  readonly tensor: string;
  readonly rowOffset: (row: number) => number;
  /** 1, except for transposed (Conv1D) storage. */
  readonly colStride: number;
  readonly gain: Gain | null;
  /** For role "unknown": the roles that shape and repetition leave possible. */
  readonly candidates?: readonly Role[];
}

export interface Anatomy {
  /** "llama", "gpt_neox", ... or "unknown". */
  readonly family: string;
  /** 1 when every name was understood; below 1 for roles recovered from shapes and repetition. */
  readonly confidence: number;
  readonly matrices: readonly CanonicalTensor[];
  /** Stored tensors that are no part of any matrix: norms, biases, buffers, quantisation sidecars, with their role. */
  readonly others: readonly { readonly tensor: string; readonly role: Role }[];
  readonly notes: readonly string[];
}

export type TensorTable = ReadonlyMap<string, Pick<TensorInfo, "name" | "dtype" | "shape">>;
