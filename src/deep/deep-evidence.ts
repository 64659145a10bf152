import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { deepModel } from "./deep-model.ts";
import { type NeuronEvidence, neuronEvidence } from "./neuron-evidence.ts";
import { type TokenEvidence, tokenEvidence } from "./token-evidence.ts";

/** What two models say of each other when labels may have been moved on purpose. */
export interface DeepEvidence extends NeuronEvidence {
  /** Null where the two have too few tokens in common. */
  readonly tokens: TokenEvidence | null;
  readonly widths: readonly [number, number];
}

/** Null where a model has no stack with a token table, the only kind that is looked at. */
export async function deepEvidence(
  first: Checkpoint,
  second: Checkpoint,
  signal?: AbortSignal,
): Promise<DeepEvidence | null> {
  const [a, b] = [await deepModel(first, signal), await deepModel(second, signal)];
  if (a === null || b === null) return null;
  const tokens = await tokenEvidence(a, b);
  const neurons = await neuronEvidence(a, b, tokens?.frames ?? null);
  return { ...neurons, tokens, widths: [a.width, b.width] };
}
