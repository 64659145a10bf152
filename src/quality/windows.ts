import { WeightmarkError } from "../errors.ts";
import type { Windows } from "./forward.ts";

/** Token ids to run: sequences that have nothing to do with each other, and what every window of one starts with. */
export interface Tokens {
  readonly sequences: Windows;
  /** Such as the beginning-of-sequence token, where the tokenizer puts one. */
  readonly prefix: readonly number[];
}

export interface WindowLimits {
  /** Tokens of a window, its prefix included. */
  readonly context: number;
  /** Tokens in all, prefixes not counted. */
  readonly maxTokens: number;
}

/** Shortest window in which a token is predicted. */
const LEAST = 2;

/**
 * Cuts sequences into windows that do not overlap; rests too short to predict anything are dropped. Throws TOKENS_INVALID
 * for an id that is no token of `vocabulary`, or when nothing is left.
 */
export function cutWindows({ sequences, prefix }: Tokens, limits: WindowLimits, vocabulary: number): Windows {
  const step = limits.context - prefix.length;
  if (step < 1) throw new WeightmarkError("USAGE", `a context of ${limits.context} tokens is too short`);
  const windows: number[][] = [];
  let left = limits.maxTokens;
  for (const sequence of sequences) {
    for (let at = 0; at < sequence.length && left > 0; at += step) {
      const piece = sequence.slice(at, at + Math.min(step, left));
      left -= piece.length;
      const window = [...prefix, ...piece];
      if (window.length >= LEAST) windows.push(window);
    }
  }
  for (const id of windows.flat()) {
    if (!(Number.isInteger(id) && id >= 0 && id < vocabulary)) {
      throw new WeightmarkError("TOKENS_INVALID", `token ${id} is not among the ${vocabulary} of both models`);
    }
  }
  if (windows.length === 0) throw new WeightmarkError("TOKENS_INVALID", "fewer than two tokens to run");
  return windows;
}

/** Windows that are run together: as many as stay below `tokens`, at least one. */
export function batchesOf(windows: Windows, tokens: number): Windows[] {
  const batches: Windows[] = [];
  let batch: (readonly number[])[] = [];
  let size = 0;
  for (const window of windows) {
    if (batch.length > 0 && size + window.length > tokens) {
      batches.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(window);
    size += window.length;
  }
  return [...batches, batch];
}
