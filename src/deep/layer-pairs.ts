import type { BlockParts, LayerParts } from "../alignment/parts.ts";
import type { DeepModel } from "./deep-model.ts";
import type { Frame, Frames } from "./frames.ts";
import { BULK, layerStrength } from "./strength.ts";
import { spread } from "./take.ts";
import { firstNeurons, type NeuronViews, neuronViews } from "./views.ts";

/** A layer of either model. */
export type LayerPair = readonly [LayerParts, LayerParts];

/** Layers that are looked at, spread over the depth. */
const MAX_LAYERS = 6;
/** Strength of layers in their places from which they are not looked for elsewhere: strangers have .04 at most. */
export const IN_PLACE = 0.15;
/** Multiplications that looking for layers may take: some seconds. */
export const MAX_WORK = 4e10;

/**
 * Which layers of two models belong together: those of one place, or, where these are not alike, each layer of the second with
 * the most alike of the first, and each of the first but once. Strength does not change when neurons are renumbered, and knows
 * nothing of attention, so that choosing by it costs the tests of neurons and of value channels nothing. Layers without a dense
 * network are looked at where the model has no others, in their places. `frames` is null where the streams have no tokens in
 * common.
 */
export async function layerPairs(a: DeepModel, b: DeepModel, frames: Frames | null): Promise<readonly LayerPair[]> {
  const [first, second] = [layersOf(a), layersOf(b)];
  const inPlace = spread(
    Array.from({ length: Math.min(first.length, second.length) }, (_, i) => [first[i]!, second[i]!] as const),
    MAX_LAYERS,
  );
  const weak = frames?.weaker(BULK) ?? null;
  if (weak === null || !inPlace.some((pair) => pair.every(hasNetwork))) return inPlace;
  if (first.length === second.length && (await medianStrength(a, b, weak, inPlace)) >= IN_PLACE) return inPlace;
  if (workOf(a, first, weak) + workOf(b, second, weak) + crossing(first, second, weak) > MAX_WORK) return inPlace;
  const seen: (NeuronViews | null)[] = [];
  for (const layer of first) seen.push(await viewsOf(a, layer, weak.a));
  const best: (Alike | null)[] = [];
  for (const layer of second) best.push(mostAlike(seen, await viewsOf(b, layer, weak.b)));
  return spread(pairedOnce(first, second, best), MAX_LAYERS);
}

/** Each of the first with the strongest of the second that are most like it, as `mostAlike` found for each of those. */
export function pairedOnce<T>(
  first: readonly T[],
  second: readonly T[],
  best: readonly (Alike | null)[],
): readonly (readonly [T, T])[] {
  return first.flatMap((one, i) => {
    const claims = [...best.keys()].filter((j) => best[j]?.at === i);
    if (claims.length === 0) return [];
    const strongest = claims.reduce((x, y) => (best[x]!.strength >= best[y]!.strength ? x : y));
    return [[one, second[strongest]!] as const];
  });
}

/** The dense feed-forward network of a layer. */
export function networkOf({ blocks }: LayerParts): BlockParts | null {
  return blocks.get(-1) ?? null;
}

function hasNetwork(layer: LayerParts): boolean {
  return networkOf(layer) !== null;
}

function layersOf({ parts: { layers } }: DeepModel): readonly LayerParts[] {
  return layers.some(hasNetwork) ? layers.filter(hasNetwork) : layers;
}

async function viewsOf(model: DeepModel, layer: LayerParts, map: Float32Array): Promise<NeuronViews | null> {
  const network = networkOf(layer);
  return network === null ? null : neuronViews(model, network, map);
}

export interface Alike {
  readonly at: number;
  readonly strength: number;
}

/** Which of the candidates' networks is most like one of the other model's. */
export function mostAlike(candidates: readonly (NeuronViews | null)[], views: NeuronViews | null): Alike | null {
  if (views === null) return null;
  let best: Alike | null = null;
  for (const [at, one] of candidates.entries()) {
    const strength = one === null ? undefined : layerStrength(one, firstNeurons(views))?.gate;
    if (strength !== undefined && (best === null || strength > best.strength)) best = { at, strength };
  }
  return best;
}

async function medianStrength(a: DeepModel, b: DeepModel, weak: Frame, pairs: readonly LayerPair[]): Promise<number> {
  const found: number[] = [];
  for (const [x, y] of pairs) {
    const [seenA, seenB] = [await viewsOf(a, x, weak.a), await viewsOf(b, y, weak.b)];
    if (seenA !== null && seenB !== null) found.push(layerStrength(seenA, firstNeurons(seenB))?.gate ?? 0);
  }
  return found.sort((x, y) => x - y)[found.length >> 1] ?? 0;
}

/** Multiplications of projecting all networks of a model. */
function workOf({ width }: DeepModel, layers: readonly LayerParts[], weak: Frame): number {
  return 3 * neuronsOf(layers) * width * weak.width;
}

function crossing(first: readonly LayerParts[], second: readonly LayerParts[], weak: Frame): number {
  return 3 * neuronsOf(first) * neuronsOf(second) * weak.width;
}

function neuronsOf(layers: readonly LayerParts[]): number {
  return layers.reduce((sum, layer) => sum + networkSize(networkOf(layer)), 0);
}

export function networkSize(network: BlockParts | null): number {
  return (network?.gate ?? network?.up)?.rows ?? 0;
}
