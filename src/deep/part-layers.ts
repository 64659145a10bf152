import type { LayerParts } from "../alignment/parts.ts";
import { type DeepPart, MAX_NETWORKS, type NetworkPart, type SignRows } from "../fingerprint/deep-part.ts";
import type { DeepModel } from "./deep-model.ts";
import { networkOf } from "./layer-pairs.ts";
import { meanOverSigns, nearestSigns, signDistances } from "./sign-distances.ts";
import { signsOf } from "./sign-rows.ts";
import { spread } from "./take.ts";
import { seenRows } from "./views.ts";

/** Neurons of each layer that are looked for in the other side's. */
const SOUGHT = 64;

/** A layer of a model by its place. */
export type PlacedNetwork = readonly [number, LayerParts];

/** Layers that are kept, spread over the depth. */
export function keptLayers(networks: readonly LayerParts[]): readonly PlacedNetwork[] {
  return spread([...networks.entries()], MAX_NETWORKS);
}

/** The layers that stand where the other side's stand; null where it has another number of layers. */
export function layersInPlace(networks: readonly LayerParts[], like: DeepPart): readonly PlacedNetwork[] | null {
  if (like.layers !== networks.length) return null;
  return like.networks.map(({ layer }) => [layer, networks[layer]!] as const);
}

/**
 * For each of the other side's layers the most alike of the model, by a few neurons of each; null where that one is more like
 * another layer. How alike they are does not change when neurons are renumbered, so that choosing by it costs the tests of
 * neurons nothing.
 */
export async function layersAlike(
  model: DeepModel,
  networks: readonly LayerParts[],
  like: DeepPart,
  weak: Float32Array,
): Promise<readonly (PlacedNetwork | null)[]> {
  const best = like.networks.map(() => ({ at: 0, alike: Number.NEGATIVE_INFINITY }));
  for (const [at, layer] of networks.entries()) {
    const network = networkOf(layer);
    const opens = network?.gate ?? network?.up ?? null;
    if (opens === null) continue;
    const rows = Array.from({ length: Math.min(opens.rows, SOUGHT) }, (_, i) => i);
    const size = weak.length / model.width;
    const own = signsOf(await seenRows(model, opens, weak, rows), size);
    for (const [i, part] of like.networks.entries()) {
      const alike = alikeness(part, own);
      if (alike > best[i]!.alike) best[i] = { at, alike };
    }
  }
  return best.map(({ at, alike }) => {
    const isTaken = best.some((other) => other.at === at && other.alike > alike);
    return isTaken || alike === Number.NEGATIVE_INFINITY ? null : ([at, networks[at]!] as const);
  });
}

function alikeness({ signs }: NetworkPart, own: SignRows): number {
  const theirs = signs.gate ?? signs.up;
  if (theirs === null || theirs.width !== own.width) return Number.NEGATIVE_INFINITY;
  const distances = signDistances(theirs, own);
  return meanOverSigns(distances, nearestSigns(distances, "signed"), "signed");
}
