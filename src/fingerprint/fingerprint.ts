import type { AdapterSummary } from "../anatomy/adapter.ts";
import type { Axis, Role } from "../anatomy/anatomy.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import type { AttentionPart } from "./attention-part.ts";
import type { DeepPart } from "./deep-part.ts";
import type { Slice } from "./slice.ts";

export type { Slice } from "./slice.ts";

export type Depth = "sampled" | "full";
/** How much is read: "deep" is "sampled" with a deep part. */
export type ReadingDepth = Depth | "deep";

/** Version of the extraction rules: fingerprints of different versions are not compared. */
export const FINGERPRINT_VERSION = 2;

/** Distribution of one stored tensor's values: triage and report only, never a verdict. */
export interface MomentSummary {
  /** How many values were read; all of them at depth `full`, the sampled rows otherwise. */
  readonly count: number;
  readonly rms: number | null;
  readonly kurtosis: number | null;
  readonly absMax: number | null;
  readonly zeroFraction: number;
  readonly nonFinite: number;
}

/** Distribution of the sampled rows of one matrix: triage and report only. */
export interface SampleMoments {
  readonly rms: number;
  readonly kurtosis: number;
  readonly zeroFraction: number;
  /** Standard deviation of the sampled rows' norms over their mean: 0 for sinusoidal positions. */
  readonly rowNormSpread: number;
  /** Quantisation grid the values lie on, such as "4-bit groups of 32", or null. */
  readonly grid: string | null;
  /**
   * Correlation of the logarithm of a column's energy (over the sampled rows, gain folded in) with its number: columns
   * sorted by size, by variance or by frequency show themselves here.
   */
  readonly columnOrder: number;
  /** Distinct sizes among the first 32 values of a row, of those that are not zero: few where values were rounded to a grid. */
  readonly distinct: number;
  /** 17 quantiles, i/16 for i = 0..16, of at most 4,096 of the sampled values. */
  readonly quantiles: Float32Array;
}

/**
 * BLAKE3 (16 bytes, hex) of values as f32, and of their images after rounding to f16 and to bf16. Values, not bytes:
 * a lossless cast keeps the first, a lossy cast of A turns A's second or third into the suspect's first.
 */
export interface ValueDigest {
  readonly f32: string;
  readonly f16: string;
  readonly bf16: string;
}

/** Identity of one stored tensor. */
export interface TensorRecord {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** BLAKE3 of the stored bytes, hex; null at depth `sampled`. */
  readonly content: string | null;
  readonly moments: MomentSummary | null;
  /**
   * Digest of the values (of windows when there are many, at places that only the shape decides): equal tensors have
   * equal ones whatever they are called. Null beyond what a fingerprint holds.
   */
  readonly values: ValueDigest | null;
  /** The stack that its matrices belong to, null for what is no matrix. */
  readonly component: string | null;
  /** Whether it says nothing about whose it is: all digested values are one, or a count, or a mask that anybody writes. */
  readonly uniform: boolean;
}

/**
 * Sign bits of a few rows of one canonical matrix, norm gain folded in: bit j is 1 where the value is negative.
 * Columns are the labels whose exchangeability carries the test: residual dimensions, or FFN neurons for `down`.
 */
export interface MatrixSketch {
  /** The stack it belongs to, by its path: see `CanonicalTensor.stack`. */
  readonly component: string;
  readonly layer: number;
  readonly expert: number;
  readonly role: Role;
  /** Canonical shape [rows, cols] of the whole matrix. */
  readonly rows: number;
  readonly cols: number;
  /** What the columns count, if they are exchangeable, and in runs of how many. */
  readonly axis: Axis | null;
  readonly block: number;
  /** Whether the columns may have been given by a public model: see `CanonicalTensor.given`. */
  readonly given: boolean;
  /** The other way to lay a matrix of which names do not say how it is stored. */
  readonly twin: boolean;
  /** Whether rows are token ids: an embedding, a head, or an unnamed matrix that can only be one of them. */
  readonly tokens: boolean;
  /** Row numbers sampled, ascending. */
  readonly sampled: readonly number[];
  /** 1 for a row that can be used (finite, not constant). */
  readonly valid: readonly boolean[];
  /** sampled.length x ceil(cols / 32) little-endian words. */
  readonly bits: Uint32Array;
  /** Of the sampled rows before the gain is folded in. */
  readonly digest: ValueDigest;
  readonly moments: SampleMoments;
}

/** How much of a model a fingerprint covers. */
export interface Coverage {
  /** Matrices that were sketched, of those that are worth it, of all: of many experts a few are enough. */
  readonly sketched: number;
  readonly worth: number;
  readonly matrices: number;
  /** Tensors that were digested, of all. */
  readonly digested: number;
  readonly tensors: number;
}

/** Everything the tests need to know of one model; about 1 to 2 MB for a 7B model, and no usable weights. */
export interface Fingerprint {
  readonly version: number;
  readonly depth: Depth;
  readonly family: string;
  /** 1 when every tensor name was understood (see Anatomy). */
  readonly confidence: number;
  readonly parameters: number;
  /** Dtype -> number of tensors. */
  readonly dtypes: Readonly<Record<string, number>>;
  /**
   * BLAKE3 roots (hex) that do not depend on order, sharding or metadata; `content` (null when sampled) and `stored` (of
   * the tensors' digests) not on names either, `sampled` (of canonical matrices) not on how matrices are fused or laid.
   */
  readonly roots: { readonly content: string | null; readonly sampled: string; readonly stored: string };
  readonly coverage: Coverage;
  /** What of it is an adapter, by the names of its tensors, and the base that lies named beside it; null for none. */
  readonly adapter: (AdapterSummary & { readonly base: string | null }) | null;
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly tensors: readonly TensorRecord[];
  readonly sketches: readonly MatrixSketch[];
  readonly slices: readonly Slice[];
  readonly notes: readonly string[];
  /** What tests of labels that were moved on purpose need; where it was asked for, and the model has a token table. */
  readonly deep?: DeepPart | undefined;
  /** What adapters alone are tested by; where the same was asked for, and the model has layers with attention. */
  readonly attention?: AttentionPart | undefined;
}

/** 256-bit code of a sketch: agreement of codes nominates candidates, it never decides. */
export interface LayerCode {
  readonly component: string;
  readonly layer: number;
  readonly role: Role;
  readonly cols: number;
  readonly code: Uint8Array;
}
