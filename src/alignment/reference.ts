import type { Role } from "../anatomy/anatomy.ts";

/**
 * What is kept of a model to find its parts again in another: enough to recognise tokens, neurons and heads in whatever order,
 * sign and basis they come back, in a hundredth of the model's bytes.
 */
export interface ReferenceComponent {
  readonly component: string;
  /** Width of the residual stream. */
  readonly width: number;
  readonly tokens: ReferenceTokens | null;
  /** RMS of every column over a sample of rows of all layers, gains folded in, by what reads the stream. `width` long. */
  readonly scales: Readonly<Record<Site, Float32Array>>;
  readonly layers: readonly ReferenceLayer[];
}

/** The two places where a layer reads the residual stream. */
export type Site = "attention" | "feedForward";

/** Rows of the token embedding, in 8 bits. */
export interface ReferenceTokens {
  readonly vocabulary: number;
  readonly ids: Uint32Array;
  /** First 8 bytes of SHA-256 of every token's text, as pairs of words; null when the model came without tokenizer.json. */
  readonly hashes: Uint32Array | null;
  /** ids.length x width. */
  readonly rows: QuantisedRows;
}

/** Rows in 8 bits with one scale each: row i is scales[i] * quanta[i]. */
export interface QuantisedRows {
  readonly rows: number;
  readonly cols: number;
  readonly quanta: Int8Array;
  readonly scales: Float32Array;
}

export interface ReferenceLayer {
  readonly layer: number;
  /** Gains of the norms in front of both sites; null where there is none. */
  readonly gains: Readonly<Record<Site, Float32Array | null>>;
  readonly matrices: readonly MatrixShape[];
  /** Rows of k, v and q, seen through the head projection; null where the layer has none. */
  readonly keys: QuantisedRows | null;
  readonly values: QuantisedRows | null;
  readonly queries: QuantisedRows | null;
  readonly blocks: readonly ReferenceBlock[];
}

export interface MatrixShape {
  readonly role: Role;
  readonly expert: number;
  readonly rows: number;
  readonly cols: number;
}

/** One feed-forward network: the dense one of a layer (expert -1) or an expert. */
export interface ReferenceBlock {
  readonly expert: number;
  readonly neurons: number;
  readonly gated: boolean;
  /** NEURON_WORDS words per neuron: signs of projections of its rows, half of gate and half of up when gated. */
  readonly bits: Uint32Array;
}

export const NEURON_WORDS = 8;
