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
  | "conv"
  | "norm"
  | "bias"
  | "other"
  | "unknown";

/**
 * What the columns of a matrix count, if an independent initialisation makes them exchangeable: dimensions of a residual
 * stream, neurons of a feed-forward network, or other hidden units ("channels"). Null for labels that are given from
 * outside: raw features, image channels, classes, positions.
 */
export type Axis = "residual" | "neurons" | "channels";

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
  /**
   * The part of the model by its path: that of the layer container ("vision_tower.encoder.layers"), "embeddings" for
   * token tables, for other matrices outside layers the segment in which their paths begin to differ. At most 100
   * characters, and no two stacks of a model have the same.
   */
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
  readonly axis: Axis | null;
  /** Columns are exchangeable within aligned runs of this many: `cols` where all are alike, 2 for neighbours only. */
  readonly block: number;
  /** The transposed view of a tensor that has a plain one already: nothing tells which way it lies. */
  readonly twin?: boolean;
  /**
   * Its columns may have been given by a public model: nothing in the file is a source of the stream that it stands in, or,
   * of hidden units, what writes so wide a stream may do so into the public model's.
   */
  readonly given?: boolean;
  /** The role was read from words that no table lists: a matrix that a table knows comes first in its place. */
  readonly guessed?: boolean;
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

/** A stored tensor; `inOut` where it is known that it is a linear that lies as [in, out] although its name promises [out, in]. */
export interface TableEntry extends Pick<TensorInfo, "name" | "dtype" | "shape"> {
  readonly inOut?: true | undefined;
}

export type TensorTable = ReadonlyMap<string, TableEntry>;
