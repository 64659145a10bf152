import type { CarrierCapacity } from "./evidence/carrier-capacity.ts";
import type { Level } from "./evidence/statistics.ts";
import type { CarrierName } from "./message/carrier-reading.ts";
import type { ShownPayload } from "./message/payload.ts";

export interface CapacityResult {
  /** Parameters of all tensors, as a decimal string where it is reported. */
  readonly parameters: number;
  /** Relative strength of the mark, RMS of the change over RMS of the weights, before rounding. */
  readonly rho: number;
  readonly mode: "release" | "derivative";
  /** Largest payload of any carrier in bits; 0 for a zero-bit mark only, null when no carrier fits at all. */
  readonly payloadBits: number | null;
  readonly carriers: readonly CarrierCapacity[];
  /** RMS of the change over RMS of the marked weights, rounding included; 0 when only signs are turned. */
  readonly predictedRms: number;
  readonly caveats: readonly string[];
}

export interface EmbeddedCarrier extends CarrierCapacity {
  /** Statistic of the copy that was written. */
  readonly achieved: number;
  /** RMS of the change that was written over RMS of the marked weights; 0 for sign orientation. */
  readonly rms: number | null;
}

export interface EmbedResult {
  readonly keyId: string;
  readonly release: string;
  readonly mode: "release" | "derivative";
  readonly rho: number;
  readonly payload: ShownPayload | null;
  readonly carriers: readonly EmbeddedCarrier[];
  readonly output: { readonly directory: string; readonly files: number; readonly bytes: number };
  readonly sketch: { readonly path: string; readonly bytes: number } | null;
  readonly caveats: readonly string[];
}

export interface VerifiedCarrier {
  readonly name: CarrierName;
  /** Class in which it was found, or the best of those tried. */
  readonly payloadBits: number;
  readonly statistic: number;
  /** log2 of this carrier's own p, before the number of hypotheses is counted. */
  readonly log2P: number;
  /** Whether it decides by itself after all multiplicities. */
  readonly present: boolean;
  /** Mark left, relative to the noise of a chip; null when it cannot be told. */
  readonly gain: number | null;
  readonly synchronised: boolean;
}

export interface VerifyResult {
  readonly present: boolean;
  readonly level: Level;
  /** log2 of the p-value after all multiplicities, at most 0. */
  readonly log2P: number;
  /** log2 of the number of hypotheses that log2P is corrected for. */
  readonly log2Tried: number;
  readonly payload: (ShownPayload & { readonly how: "claimed" | "decoded" }) | null;
  readonly carriers: readonly VerifiedCarrier[];
  readonly decoys: {
    readonly count: number;
    /** 1 when no decoy key scores as high as this key. */
    readonly rank: number;
    readonly ks: { readonly statistic: number; readonly p: number };
    /** How many decoys have their best carrier in each of a row of bins, in standard deviations. */
    readonly histogram: { readonly low: number; readonly width: number; readonly counts: readonly number[] };
  } | null;
  readonly keyId: string;
  readonly release: string;
  readonly mode: "release" | "derivative";
  /** What a sketch had to undo; null without one. */
  readonly alignment: {
    /** How the residual axis was brought back, a word per component. */
    readonly rotation: string;
    /** Layers of the sketch, and how many of them the suspect has. */
    readonly layers: number;
    readonly layersMatched: number;
    /** Mean correlation of the neurons and heads that were found with the sketch, 0 when none was; null when it is no number. */
    readonly agreement: number | null;
    /** Alignments that were scored; the p-value counts them. */
    readonly tried: number;
  } | null;
  readonly caveats: readonly string[];
}
