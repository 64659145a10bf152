import type { Role } from "../../anatomy/anatomy.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import type { SignSymmetries } from "../host/host-model.ts";

export const SKETCH_VERSION = 1;

/**
 * What the owner keeps of a released model to undo later what hides it: enough to recognise its tokens, neurons and heads
 * in whatever order, sign and basis they come back, in a hundredth of the model's bytes. Secret, because it says where the
 * reference coordinates are, but without the key it removes nothing. Made before the spread and embedding marks, after
 * sign orientation.
 */
export interface Sketch {
  readonly keyId: string;
  readonly release: string;
  readonly heads: HeadShape | null;
  readonly symmetries: SignSymmetries;
  readonly components: readonly SketchComponent[];
}

export interface SketchComponent {
  readonly component: string;
  /** Width of the residual stream. */
  readonly width: number;
  readonly tokens: TokenSketch | null;
  /** RMS of every column over a sample of rows of all layers, gains folded in, by what reads the stream. `width` long. */
  readonly scales: Readonly<Record<Site, Float32Array>>;
  readonly layers: readonly SketchLayer[];
}

/** The two places where a layer reads the residual stream. */
export type Site = "attention" | "feedForward";

/** Rows of the token embedding, in 8 bits. */
export interface TokenSketch {
  readonly vocabulary: number;
  readonly ids: Uint32Array;
  /** First 8 bytes of SHA-256 of every token's text, as pairs of words; null when the model came without tokenizer.json. */
  readonly hashes: Uint32Array | null;
  /** ids.length x width. */
  readonly rows: QuantisedRows;
}

/** Rows in 8 bits with one scale each: row i is scales[i] * codes[i]. */
export interface QuantisedRows {
  readonly rows: number;
  readonly cols: number;
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

export interface SketchLayer {
  readonly layer: number;
  /** Gains of the norms in front of both sites; null where there is none. */
  readonly gains: Readonly<Record<Site, Float32Array | null>>;
  readonly matrices: readonly MatrixShape[];
  /** Rows of k, v and q, seen through the head projection; null where the layer has none. */
  readonly keys: QuantisedRows | null;
  readonly values: QuantisedRows | null;
  readonly queries: QuantisedRows | null;
  readonly blocks: readonly SketchBlock[];
}

export interface MatrixShape {
  readonly role: Role;
  readonly expert: number;
  readonly rows: number;
  readonly cols: number;
}

/** One feed-forward network: the dense one of a layer (expert -1) or an expert. */
export interface SketchBlock {
  readonly expert: number;
  readonly neurons: number;
  readonly gated: boolean;
  /** NEURON_WORDS words per neuron: signs of projections of its rows, half of gate and half of up when gated. */
  readonly bits: Uint32Array;
}

export const NEURON_WORDS = 8;
