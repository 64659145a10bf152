import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type ChannelTests, channelEvidence } from "./channel-evidence.ts";
import { type DeepModel, deepModel } from "./deep-model.ts";
import { layerPairs } from "./layer-pairs.ts";
import { type NeuronEvidence, neuronEvidence } from "./neuron-evidence.ts";
import { type SharedTokens, sharedTokens } from "./shared-tokens.ts";
import { type TokenEvidence, tokenEvidence } from "./token-evidence.ts";
import { unknownTokens } from "./unknown-tokens.ts";

/** What two models say of each other when labels may have been moved on purpose. */
export interface DeepEvidence extends NeuronEvidence {
  /** Value channels of attention; null where the streams have no tokens in common. */
  readonly channels: ChannelTests | null;
  /** Null where the two have too few tokens in common. */
  readonly tokens: Omit<TokenEvidence, "frames" | "trained"> | null;
  readonly widths: readonly [number, number];
}

/** Strength from which tokens are what their ids say: strangers have .06 at most. */
const SAME_TOKENS = 0.15;

/** Null where a model has no stack with a token table, the only kind that is looked at. */
export async function deepEvidence(
  first: Checkpoint,
  second: Checkpoint,
  signal?: AbortSignal,
): Promise<DeepEvidence | null> {
  const [a, b] = [await deepModel(first, signal), await deepModel(second, signal)];
  if (a === null || b === null) return null;
  const known = await evidenceBy(a, b, sharedTokens(a, b));
  if (isAlike(known)) return known;
  const found = await unknownTokens(a, b);
  const byContent = found === null ? null : await evidenceBy(a, b, found);
  return byContent !== null && isAlike(byContent) ? byContent : known;
}

async function evidenceBy(a: DeepModel, b: DeepModel, shared: SharedTokens): Promise<DeepEvidence> {
  const tokens = await tokenEvidence(a, b, shared);
  const frames = tokens?.frames ?? null;
  const pairs = await layerPairs(a, b, frames);
  const neurons = await neuronEvidence(a, b, pairs, tokens);
  const channels = frames === null ? null : await channelEvidence(a, b, pairs, frames.weaker(0));
  return { ...neurons, channels, tokens, widths: [a.width, b.width] };
}

/** Whether the streams were mapped so that neurons meet. It does not change when labels do, so that choosing by it is free. */
export function isAlike({ strength }: DeepEvidence): boolean {
  const gates = strength.map(({ gate }) => gate).sort((x, y) => x - y);
  return (gates[gates.length >> 1] ?? 0) >= SAME_TOKENS;
}
