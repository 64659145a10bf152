import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import type { CopyOptions } from "./copy/marked-copy.ts";
import type { ModelKey } from "./key/model-key.ts";
import type { Payload } from "./message/payload.ts";

export interface EmbedOptions extends Omit<CopyOptions, "refine" | "whole"> {
  readonly key: ModelKey;
  /** @default none: the zero-bit mark */
  readonly payload?: Payload | null;
  /** What is written; must not exist. */
  readonly directory: string;
  /** Write `DIR.sketch` for re-synchronisation; never with a base, which is the reference then. @default true */
  readonly sketch?: boolean;
  /** RMS of the change over RMS of the weights, or of the difference to `base`. @default 0.002, or 0.02 */
  readonly rho?: number;
  /** The public base of a fine-tune: the mark lies in the difference to it. @default none */
  readonly base?: Checkpoint;
  /**
   * Bases whose weights are public. What comes from one of them is refused: subtracting it would lay the mark bare. Null says
   * that nothing this model was made from was ever public. Not asked with a `base`, to which all of the mark is relative.
   */
  readonly publicBases: CandidateSource | null;
}
