import type { Checkpoint } from "../checkpoint/checkpoint.ts";
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
}
