import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { withoutConstants } from "./constant-matrix.ts";
import { bestAlignment, identityAlignment, type LayerAlignment } from "./layer-alignment.ts";
import { type LayerMatrix, layerMatrix } from "./layer-matrix.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import { pairLayers, pairSketches } from "./pair-layers.ts";
import type { LayerPair, Pairing } from "./pairing.ts";
import type { LayerMatch } from "./result.ts";
import { isMain, type Stack, stacksOf } from "./stack.ts";
import { matchStacks, type StackMatch } from "./stack-match.ts";
import { tablePairing } from "./table-pairing.ts";

/** Ways to lay each stack over its partner, layer on layer first, then the best alignment; and the token tables. */
export function namedPairings(suspect: Fingerprint, base: Fingerprint): Pairing[][] {
  const [left, right] = [suspect, base].map((fp) =>
    stacksOf(fp).filter((stack) => isTestable(stack) || isMain(stack, stacksOf(fp))),
  ) as [Stack[], Stack[]];
  const out = matchStacks(left, right).map(stackPairings);
  const embeddings = tablePairing(suspect, base);
  if (embeddings.pairs.length > 0) out.push([embeddings]);
  return out.filter((ways) => ways.length > 0);
}

/** Tables of positions and kernels of patches beside a model make up no stack that anything could be said of. */
function isTestable({ sketches }: Stack): boolean {
  return sketches.some(({ axis }) => axis !== null);
}

function stackPairings(match: StackMatch): Pairing[] {
  const flat = pairSketches(match.suspect.flat, match.base.flat);
  if (match.suspect.layers.length === 0 || match.base.layers.length === 0) {
    return flat.length === 0 ? [] : [{ ...namesOf(match), pairs: flat, layers: [], log10Tried: match.log10Tried }];
  }
  // The deeper stack is laid over the other one, whichever side it is on.
  const turned = match.suspect.layers.length < match.base.layers.length;
  const [upper, lower] = turned ? [match.base, match.suspect] : [match.suspect, match.base];
  const matrix = layerMatrix(upper.layers, lower.layers);
  const identity = identityAlignment(matrix);
  const best = bestAlignment(matrix);
  const ways = identity === null || same(identity, best) ? [identity ?? best] : [identity, best];
  return ways
    .map((way) => withoutConstants(pairingOf(match, matrix, way, turned, flat), match))
    .filter((pairing) => pairing.pairs.length > 0);
}

function namesOf({ suspect, base }: StackMatch): Pick<Pairing, "component" | "suspectComponent"> {
  return { component: base.name, suspectComponent: suspect.name };
}

function pairingOf(
  match: StackMatch,
  matrix: LayerMatrix,
  way: LayerAlignment,
  turned: boolean,
  flat: readonly MatrixPair[],
): Pairing {
  const pairs: MatrixPair[] = [...flat];
  const layers: LayerPair[] = [];
  way.map.forEach((j, i) => {
    if (j < 0) return;
    const [upper, lower] = [matrix.suspect[i]!, matrix.base[j]!];
    const [suspect, base] = turned ? [lower, upper] : [upper, lower];
    pairs.push(...pairLayers(suspect, base));
    const at = i * matrix.base.length + j;
    layers.push({
      component: match.base.name,
      suspect: suspect.number,
      base: base.number,
      log10P: log10NormalTail(matrix.z[at]!),
      agreement: matrix.agreement[at]!,
    });
  });
  return { ...namesOf(match), pairs, layers, log10Tried: way.log10Tried + match.log10Tried };
}

/** Every layer of the suspect's stack with the layer of the base that it lies over, or none. */
export function layerMap({ component, suspectComponent, layers }: Pairing, suspect: Fingerprint): LayerMatch[] {
  if (layers.length === 0) return [];
  const stack = stacksOf(suspect).find(({ name }) => name === suspectComponent);
  return (stack?.layers ?? []).flatMap(({ number }): LayerMatch[] => {
    const hits = layers.filter((hit) => hit.suspect === number).sort((a, b) => a.base - b.base);
    return hits.length > 0 ? hits : [{ component, suspect: number, base: null, log10P: null, agreement: null }];
  });
}

function same(a: LayerAlignment, b: LayerAlignment): boolean {
  return a.map.every((x, i) => x === b.map[i]);
}
