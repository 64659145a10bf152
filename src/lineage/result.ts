/** Name of the component that holds token embeddings and output heads. */
export const EMBEDDINGS = "embeddings";

/** Corrected p at or below which independent initialisation is rejected. */
export const LOG10_THRESHOLD = -9;

export type Verdict = "identical" | "recast" | "derived" | "shared-init" | "no-evidence" | "not-testable";

/** From the strongest claim to the weakest. */
export const VERDICT_ORDER: readonly Verdict[] = [
  "identical",
  "recast",
  "derived",
  "shared-init",
  "no-evidence",
  "not-testable",
];

export type Direction = "suspect-from-base" | "base-from-suspect" | "siblings" | "not-established";

export type Relation =
  | "copy"
  | "recast"
  | "quantized"
  | "fine-tune"
  | "lora"
  | "continued-pretraining"
  | "depth-pruned"
  | "depth-upscaled"
  | "layers-reordered"
  | "vocabulary-extended"
  | "pruned"
  | "obfuscated";

/** What was renumbered, rotated or cut so that labels no longer stand where they did. */
export type Moved =
  | "residual-rotated"
  | "residual-permuted"
  | "width"
  | "neurons"
  | "heads"
  | "channels"
  | "vocabulary";

/** One statistical test. p-values are log10 and two-sided; `exact` is false where the tail is a normal approximation. */
export interface TestResult {
  /**
   * "T1" permutation z, "T1-swap" its exact companion over label pairs, "T2" fixed points, "agreement" of matrices that
   * were tested one by one, "LIS" the longest run of matched labels in one order.
   */
  readonly name: "T1" | "T1-swap" | "T2" | "LIS" | "agreement";
  readonly component: string;
  readonly axis: "residual" | "neurons" | "channels" | "tokens" | "ranks";
  /** Of a deep test: what labels were seen from, so that it does not matter how the stream was turned. */
  readonly seenFrom?: "tokens" | "anchors" | "untrained" | "starts";
  /** Statistic in standard deviations (T1, T1-swap), or null. */
  readonly z: number | null;
  readonly log10P: number | null;
  readonly exact: boolean;
  /** Labels; of an agreement the matrices that were tested. */
  readonly n: number;
  /** Rows (T1), label pairs (T1-swap), matched pairs (T2), or how many matrices must agree. */
  readonly m: number;
  /** Whether rows were turned first, by what other labels said. */
  readonly turned?: true;
  /** Sign correlation r in [-1, 1] (T1): strength, where z is evidence. */
  readonly r?: number;
  /** Labels matched to themselves (T2). */
  readonly fixedPoints?: number;
  /** p of at least 10,000 random relabelings; only for |z| < 6. */
  readonly monteCarloP?: number;
  readonly assumptions: readonly string[];
}

/** Learned retention of one model in another: see retention.ts. */
export interface LearnedRetention {
  /** L, the share of what training wrote into the one that the other has, and its standard error. */
  readonly share: number;
  readonly error: number;
  /** b, the share of the one's initialisation that the other has. */
  readonly bulk: number;
  /** Standard deviation of b over slices beyond its error: small where one share of everything was taken over. */
  readonly spread: number;
  /** Directions that training wrote, per slice: few where a model has hardly trained. */
  readonly directions: number;
  readonly slices: number;
}

export interface ComponentVerdict {
  /** The stack of the base that was tested, by its path; "embeddings" for token tables. */
  readonly component: string;
  /** The stack of the suspect that it was held against. */
  readonly suspectComponent: string;
  readonly verdict: Verdict;
  /** Corrected for everything tried. */
  readonly log10P: number | null;
  readonly r: number | null;
  /** Share L of the base's training that the suspect has, null where it could not be told; and all that is known of it. */
  readonly retention: number | null;
  readonly learned: { readonly baseInSuspect: LearnedRetention; readonly suspectInBase: LearnedRetention } | null;
  readonly reason: string | null;
}

export interface LayerMatch {
  readonly component: string;
  readonly suspect: number;
  /** null: no layer of the base resembles it. */
  readonly base: number | null;
  readonly log10P: number | null;
  /** Fraction of equal sign bits, in [0, 1]. */
  readonly agreement: number | null;
}

export interface Difference {
  /**
   * Median regression coefficient of the suspect on the base over slices, and of the base on the suspect. Where rows and columns
   * of a slice were turned, as a mark does, they are turned back for this and for drift.
   */
  readonly scale: number | null;
  readonly reverseScale: number | null;
  /** Median relative RMS of what remains. */
  readonly drift: number | null;
  /** Tensors of the suspect that are equal to one of the base wherever they were read, of those that were. */
  readonly frozenTensors: number;
  readonly comparedTensors: number;
  readonly loraRank?: number;
  readonly quantization?: string;
  /**
   * Of a difference of low rank: singular values of slices of some matrices, over the largest that the rounding of slices
   * alone is taken to give.
   */
  readonly spectra?: readonly {
    readonly component: string;
    readonly layer: number;
    readonly role: string;
    readonly values: readonly number[];
  }[];
  /** Drift of every matrix of which slices could be compared, by the component, layer and role of the base; left out for none. */
  readonly matrices?: readonly {
    readonly component: string;
    readonly layer: number;
    readonly role: string;
    readonly drift: number;
  }[];
}

/** Blocks that could have turned out otherwise, and how many of them are the original's. */
export interface ImageCount {
  readonly blocks: number;
  readonly equal: number;
}

/** One model as the other one rounded to few levels. */
export interface Image {
  /** Which of the two was rounded. */
  readonly side: "suspect" | "base";
  /** What it was rounded to, for people: "Q4_K_M: 5 Q4_K, 2 Q6_K". */
  readonly scheme: string;
  /** "through f16" or "through bf16" where the original was rounded to that first; null for as it is, or where it differs. */
  readonly way: string | null;
  /** Whether all blocks were compared with their nearest levels, else a sample of every tensor. */
  readonly everywhere: boolean;
  /** Tensors that were compared. */
  readonly tensors: number;
  /** Blocks that were quantised anew, scales and all, and are equal to the bit; null where the quantiser is not known. */
  readonly requantised: ImageCount | null;
  /** Blocks whose values are the nearest of the levels that the file has. */
  readonly nearest: ImageCount;
  /** The tensor with the largest distance, in half steps, and its share of values within one. */
  readonly worst: { readonly tensor: string; readonly halfSteps: number; readonly within: number };
  /** Whether all that there is of both is the original and its image. */
  readonly whole: boolean;
  /** Of the tensors that were compared those that differ most, first: see `MOST_LISTED`. */
  readonly byTensor: readonly TensorShare[];
}

/** How much of one rounded tensor is the original's. */
export interface TensorShare {
  readonly tensor: string;
  readonly scheme: string;
  readonly nearest: ImageCount;
  readonly requantised: ImageCount | null;
  /** Largest distance, in half steps, and the share of values within one. */
  readonly halfSteps: number;
  readonly within: number;
}

/** What compare tells of a pair. Field order is the order of printing. */
export interface CompareResult {
  readonly verdict: Verdict;
  /** One plain sentence; and what it claims, to be said after the suspect's name. */
  readonly summary: string;
  readonly claim: string;
  readonly direction: Direction;
  readonly relations: readonly Relation[];
  readonly parents: readonly { readonly name: string; readonly log10P: number | null }[];
  /** Decisive p, corrected; the threshold it was held against; how many hypotheses the correction counts (log10). */
  readonly log10P: number | null;
  readonly threshold: number;
  readonly log10Tried: number;
  readonly components: readonly ComponentVerdict[];
  readonly tests: readonly TestResult[];
  readonly layers: readonly LayerMatch[];
  readonly difference: Difference;
  /** Where one of the two was rounded, and both are at hand. */
  readonly image?: Image;
  /** Of the deep tests, where they were asked for and the plain ones had left something open. */
  readonly deep?: DeepSummary;
  readonly caveats: readonly string[];
}

/** What the deep tests found beyond their p-values. */
export interface DeepSummary {
  /** What the verdict rests on: a p-value, or strength alone, held against what unrelated models have. Null for no claim. */
  readonly basis: "exact" | "calibrated" | null;
  readonly moved: readonly Moved[];
  /**
   * Mean cosines after alignment, medians over layers: of gates; of what gate-matched neurons read and write; of held-out
   * tokens.
   */
  readonly strength: { readonly gate: number; readonly through: number; readonly tokens: number | null } | null;
  readonly learned: { readonly baseInSuspect: LearnedRetention; readonly suspectInBase: LearnedRetention } | null;
}

export interface Candidate {
  readonly name: string;
  readonly root: boolean;
  readonly verdict: Verdict;
  readonly direction: Direction;
  readonly relations: readonly Relation[];
  readonly log10P: number | null;
  readonly matchedLayers: number;
  readonly components: readonly ComponentVerdict[];
  readonly comparison: CompareResult;
}

export interface IdentifyResult {
  readonly verdict: Verdict;
  readonly summary: string;
  readonly candidates: readonly Candidate[];
  readonly registry: { readonly entries: number; readonly digest: string; readonly updatedAt: string | null };
  readonly caveats: readonly string[];
}
