import type { Interval } from "./mean-difference.ts";

export type EngineName = "wasm" | "tfjs-node";

/** How two models predict the same tokens. Nats throughout. */
export interface QualityResult {
  /** As it names itself. */
  readonly engine: string;
  readonly context: number;
  readonly windows: number;
  /** Predicted tokens. */
  readonly tokens: number;
  /** Logits per position that are compared. */
  readonly vocabulary: number;
  /** Mean negative log-likelihood per token; `difference` is b - a, its interval paired over blocks of tokens. */
  readonly nll: {
    readonly a: number;
    readonly b: number;
    readonly difference: number;
    readonly interval: Interval | null;
  };
  readonly perplexity: { readonly a: number; readonly b: number; readonly ratio: number };
  /** Mean KL(A || B) per token. */
  readonly divergence: number;
  /** Part of the tokens where both put the same one first. */
  readonly agreement: number;
  readonly logits: { readonly compared: number; readonly maxDifference: number; readonly bitEqual: boolean };
  readonly models: { readonly a: ModelFacts; readonly b: ModelFacts };
  /** One sentence. */
  readonly summary: string;
  readonly caveats: readonly string[];
}

export interface ModelFacts {
  readonly modelType: string;
  readonly bytesRead: number;
}
