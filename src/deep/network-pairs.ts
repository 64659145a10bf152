import type { BlockParts, LayerParts } from "../alignment/parts.ts";
import type { DeepModel } from "./deep-model.ts";
import type { Frame } from "./frames.ts";
import { type Alike, type LayerPair, MAX_WORK, mostAlike, networkOf, networkSize, pairedOnce } from "./layer-pairs.ts";
import { MAX_NEURONS, type NeuronViews, neuronViews } from "./views.ts";

/** A feed-forward network of either model. */
export type NetworkPair = readonly [BlockParts, BlockParts];

/** More experts of a layer are not looked through. */
const MAX_EXPERTS = 64;

/**
 * The dense networks of layers that belong together; of layers that have none, experts. How experts are numbered is free: each
 * of the second's is held against the most alike of the first's, and each of those but once. Strength knows nothing of how
 * neurons are numbered, so that choosing by it costs the tests of neurons nothing. Where it would take too long, or nothing maps
 * the streams (`weak` is null), experts are not looked at.
 */
export async function networkPairs(
  a: DeepModel,
  b: DeepModel,
  layers: readonly LayerPair[],
  weak: Frame | null,
): Promise<readonly NetworkPair[]> {
  const dense = layers.flatMap(([x, y]) => {
    const [one, other] = [networkOf(x), networkOf(y)];
    return one === null || other === null ? [] : [[one, other] as const];
  });
  if (dense.length > 0 || weak === null) return dense;
  const experts = layers.map(([x, y]) => [expertsOf(x), expertsOf(y)] as const);
  if (experts.some((sides) => sides.some((one) => one.length > MAX_EXPERTS || one.reduce(addSize, 0) > MAX_NEURONS)))
    return [];
  const [n, m] = [0, 1].map((side) => experts.flatMap((sides) => sides[side]!).reduce(addSize, 0)) as [number, number];
  const crossing = experts.reduce((sum, [x, y]) => sum + x.reduce(addSize, 0) * y.reduce(addSize, 0), 0);
  if (3 * (n * a.width + m * b.width + crossing) * weak.width > MAX_WORK) return [];
  const pairs: NetworkPair[] = [];
  for (const [first, second] of experts) {
    const seen: (NeuronViews | null)[] = [];
    for (const one of first) seen.push(await neuronViews(a, one, weak.a));
    const best: (Alike | null)[] = [];
    for (const other of second) best.push(mostAlike(seen, await neuronViews(b, other, weak.b)));
    pairs.push(...pairedOnce(first, second, best));
  }
  return pairs;
}

function expertsOf({ blocks }: LayerParts): readonly BlockParts[] {
  return [...blocks].flatMap(([expert, block]) => (expert >= 0 ? [block] : []));
}

function addSize(sum: number, block: BlockParts): number {
  return sum + networkSize(block);
}
