import type { BlockParts } from "../alignment/parts.ts";
import type { DeepModel } from "./deep-model.ts";
import type { Frame } from "./frames.ts";
import { layerStrength } from "./strength.ts";
import { spread } from "./take.ts";
import { firstNeurons, type NeuronViews, networksOf, neuronViews } from "./views.ts";

/** The feed-forward networks of a layer of either model. */
export type NetworkPair = readonly [BlockParts, BlockParts];

/** Layers that are looked at, spread over the depth. */
const MAX_LAYERS = 6;
/** Strength of layers in their places from which they are not looked for elsewhere: strangers have .04 at most. */
const IN_PLACE = 0.15;
/** Multiplications that looking for layers may take: some seconds. */
const MAX_WORK = 4e10;

/**
 * Which layers of two models belong together: those of one place, or, where these are not alike, each layer of the second with
 * the most alike of the first, and each of the first but once. Strength does not change when neurons are renumbered, so that
 * choosing by it costs the tests of neurons nothing.
 */
export async function networkPairs(a: DeepModel, b: DeepModel, weak: Frame | null): Promise<readonly NetworkPair[]> {
  const [first, second] = [networksOf(a), networksOf(b)];
  const inPlace = spread(
    Array.from({ length: Math.min(first.length, second.length) }, (_, i) => [first[i]!, second[i]!] as const),
    MAX_LAYERS,
  );
  if (weak === null || inPlace.length === 0) return inPlace;
  if (first.length === second.length && (await medianStrength(a, b, weak, inPlace)) >= IN_PLACE) return inPlace;
  if (workOf(a, first, weak) + workOf(b, second, weak) + crossing(first, second, weak) > MAX_WORK) return inPlace;
  const seen: (NeuronViews | null)[] = [];
  for (const block of first) seen.push(await neuronViews(a, block, weak.a));
  const best: (Alike | null)[] = [];
  for (const block of second) best.push(mostAlike(seen, await neuronViews(b, block, weak.b)));
  const pairs = first.flatMap((block, i) => {
    const claims = [...best.keys()].filter((j) => best[j]?.at === i);
    if (claims.length === 0) return [];
    const strongest = claims.reduce((x, y) => (best[x]!.strength >= best[y]!.strength ? x : y));
    return [[block, second[strongest]!] as const];
  });
  return spread(pairs, MAX_LAYERS);
}

interface Alike {
  readonly at: number;
  readonly strength: number;
}

function mostAlike(candidates: readonly (NeuronViews | null)[], views: NeuronViews | null): Alike | null {
  if (views === null) return null;
  let best: Alike | null = null;
  for (const [at, one] of candidates.entries()) {
    const strength = one === null ? undefined : layerStrength(one, firstNeurons(views))?.gate;
    if (strength !== undefined && (best === null || strength > best.strength)) best = { at, strength };
  }
  return best;
}

async function medianStrength(a: DeepModel, b: DeepModel, weak: Frame, pairs: readonly NetworkPair[]): Promise<number> {
  const found: number[] = [];
  for (const [x, y] of pairs) {
    const [seenA, seenB] = [await neuronViews(a, x, weak.a), await neuronViews(b, y, weak.b)];
    if (seenA !== null && seenB !== null) found.push(layerStrength(seenA, firstNeurons(seenB))?.gate ?? 0);
  }
  return found.sort((x, y) => x - y)[found.length >> 1] ?? 0;
}

/** Multiplications of projecting all networks of a model. */
function workOf({ width }: DeepModel, blocks: readonly BlockParts[], weak: Frame): number {
  return 3 * neuronsOf(blocks) * width * weak.width;
}

function crossing(first: readonly BlockParts[], second: readonly BlockParts[], weak: Frame): number {
  return 3 * neuronsOf(first) * neuronsOf(second) * weak.width;
}

function neuronsOf(blocks: readonly BlockParts[]): number {
  return blocks.reduce((sum, { gate, up }) => sum + ((gate ?? up)?.rows ?? 0), 0);
}
