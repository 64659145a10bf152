import { blockLikeness, type NeuronBits } from "./neurons.ts";

/** What a layer is recognised by: its feed-forward networks. */
export type LayerBits = readonly (NeuronBits & { readonly expert: number })[];

/** Neurons of a reference layer that are looked for in a suspect's. */
const SAMPLE = 128;

/**
 * For every layer of the reference the index of the suspect's layer, -1 where it is gone: the most alike. A layer in
 * its expected place, behind the one before, is taken at once; others are searched for. Layers that nothing recognises
 * stay where they are if nobody else is there: without feed-forward networks or after too much noise that is all one knows.
 */
export function mapLayers(reference: readonly LayerBits[], suspect: readonly LayerBits[]): Int32Array {
  const map = new Int32Array(reference.length).fill(-1);
  const likenesses = new Float64Array(reference.length);
  let expected = 0;
  for (const [i, layer] of suspect.entries()) {
    const likeness = (r: number): number => layerLikeness(reference[r]!, layer);
    let [best, strength] = [-1, 0];
    for (const guess of new Set([expected, i])) {
      const value = guess < reference.length && best < 0 ? likeness(guess) : 0;
      if (value > strength) [best, strength] = [guess, value];
    }
    if (best < 0 || likenesses[best]! >= strength) {
      for (let r = 0; r < reference.length; r++) {
        const value = likeness(r);
        if (value > strength) [best, strength] = [r, value];
      }
    }
    if (best < 0) continue;
    expected = best + 1;
    // Of two copies of one layer the better is kept.
    if (strength <= likenesses[best]!) continue;
    map[best] = i;
    likenesses[best] = strength;
  }
  const used = new Set(map);
  for (let r = 0; r < Math.min(reference.length, suspect.length); r++) if (map[r]! < 0 && !used.has(r)) map[r] = r;
  return map;
}

function layerLikeness(reference: LayerBits, suspect: LayerBits): number {
  let total = 0;
  const perBlock = Math.ceil(SAMPLE / Math.max(1, reference.length));
  for (const block of reference) {
    const same = suspect.find(({ expert }) => expert === block.expert);
    let best = same === undefined ? 0 : blockLikeness(block, same, perBlock);
    for (const other of best > 0 ? [] : suspect) best = Math.max(best, blockLikeness(block, other, perBlock));
    total += best;
    // Experts of strangers need not all be compared.
    if (best === 0 && block === reference[0] && reference.length > 8) return 0;
  }
  return reference.length === 0 ? 0 : total / reference.length;
}

/** For every expert of the reference layer the suspect's expert, null where it is gone. */
export function mapExperts(reference: LayerBits, suspect: LayerBits): ReadonlyMap<number, number | null> {
  const map = new Map<number, number | null>();
  const used = new Set<number>();
  for (const block of reference) {
    const same = suspect.find(({ expert }) => expert === block.expert);
    if (same !== undefined && !used.has(block.expert) && blockLikeness(block, same, SAMPLE) > 0) {
      map.set(block.expert, block.expert);
      used.add(block.expert);
    }
  }
  for (const block of reference) {
    if (map.has(block.expert)) continue;
    let [best, strength]: [number | null, number] = [null, 0];
    for (const other of suspect) {
      const value = used.has(other.expert) ? 0 : blockLikeness(block, other, SAMPLE / 4);
      if (value > strength) [best, strength] = [other.expert, value];
    }
    const inPlace = suspect.some(({ expert }) => expert === block.expert) && !used.has(block.expert);
    if (best === null && inPlace) best = block.expert;
    if (best !== null) used.add(best);
    map.set(block.expert, best);
  }
  return map;
}
