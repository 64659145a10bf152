/** Element-wise function of a feed-forward block; `gelu` by the error function, `gelu-tanh` by its tanh approximation. */
export type Activation = "silu" | "gelu" | "gelu-tanh" | "relu";

/** Rotary positions of one kind of layer. The first `dims` elements of a head turn, in pairs (i, i + dims / 2). */
export interface Rotary {
  readonly dims: number;
  readonly theta: number;
  readonly scaling: RotaryScaling;
}

export type RotaryScaling =
  | { readonly kind: "none" }
  | { readonly kind: "linear"; readonly factor: number }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequency: number;
      readonly highFrequency: number;
      readonly originalPositions: number;
    };

/** A linear map and where it lies. `rows` outputs, `columns` inputs; GPT-2 stores [in, out]. */
export interface Linear {
  readonly weight: string;
  readonly bias: string | null;
  readonly rows: number;
  readonly columns: number;
  readonly stored: "out-in" | "in-out";
}

/** Scale of a norm, and its shift where the norm has one. */
export interface Norm {
  readonly weight: string;
  readonly bias: string | null;
  readonly size: number;
}

/** How q, k and v of one token lie in a fused product: one after the other, or head by head. */
export type QueryKeyValue =
  | { readonly layout: "separate"; readonly q: Linear; readonly k: Linear; readonly v: Linear }
  | { readonly layout: "thirds" | "per-head"; readonly qkv: Linear };

/** One decoder layer: what it reads and in which order. */
export interface LayerPlan {
  readonly attentionNorm: Norm;
  readonly attention: QueryKeyValue;
  readonly output: Linear;
  /** RMS norms over each head of q and k (Qwen 3, Gemma 3). */
  readonly headNorms: { readonly q: Norm; readonly k: Norm } | null;
  /** On the attention's output, before it is added (Gemma 2, 3). */
  readonly afterAttention: Norm | null;
  readonly feedForwardNorm: Norm;
  readonly gate: Linear | null;
  readonly up: Linear;
  readonly down: Linear;
  readonly afterFeedForward: Norm | null;
  readonly rotary: Rotary | null;
  /** Keys a query sees, itself included; null when all before it. */
  readonly window: number | null;
}

/** Everything a forward pass computes with, read off config.json; the tensors must agree with it. */
export interface Architecture {
  readonly modelType: string;
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly hidden: number;
  readonly vocabulary: number;
  /** Tokens the model was made for; with learned positions the most it can take. */
  readonly positions: number;
  readonly norm: { readonly kind: "rms" | "layer"; readonly epsilon: number; readonly plusOne: boolean };
  readonly embedding: string;
  /** Multiplies the token embeddings. */
  readonly embeddingScale: number;
  /** Learned positions [positions, width], null with rotary ones. */
  readonly positionEmbedding: string | null;
  readonly attentionScale: number;
  /** c tanh(x / c) on the scores, on the logits (Gemma 2). */
  readonly attentionSoftcap: number | null;
  readonly finalSoftcap: number | null;
  readonly activation: Activation;
  /** Attention and feed-forward read the same residual (GPT-NeoX). */
  readonly parallelResidual: boolean;
  readonly layers: readonly LayerPlan[];
  readonly finalNorm: Norm;
  /** [vocabulary, width]: the embedding itself when tied. */
  readonly head: string;
}
