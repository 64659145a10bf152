import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { matchByContent } from "./content-match.ts";
import { bestAlignment, identityAlignment, type LayerAlignment } from "./layer-alignment.ts";
import { type LayerMatrix, layerMatrix, layersOf, pairLayers } from "./layer-matrix.ts";
import { type MatrixPair, rowPairs } from "./matrix-pair.ts";
import type { LayerMatch } from "./result.ts";
import { buildStack, stackInner } from "./sign-stack.ts";

/** Name of the component that holds token embeddings and output heads. */
export const EMBEDDINGS = "embeddings";

/** Components, and tables indexed by tokens, that are looked at: more than any model has. */
const MAX_COMPONENTS = 64;
const MAX_TABLES = 64;

/** One way to lay the suspect's matrices over the base's, and how many ways it was chosen from. */
export interface Pairing {
  readonly component: string;
  readonly pairs: readonly MatrixPair[];
  readonly layers: readonly LayerMatch[];
  readonly log10Tried: number;
}

const isNamed = (s: Sketch): boolean => s.role !== "unknown" && s.layer >= 0;

/** Pairings by role and layer, per component both models have: layer on layer first, then the best alignment. */
export function namedPairings(suspect: Fingerprint, base: Fingerprint): Pairing[][] {
  const components = new Set(base.sketches.filter(isNamed).map((s) => s.component));
  const out: Pairing[][] = [];
  for (const component of [...components].slice(0, MAX_COMPONENTS)) {
    const matrix = layerMatrix(
      layersOf(suspect.sketches.filter(isNamed), component),
      layersOf(base.sketches.filter(isNamed), component),
    );
    if (matrix.suspect.length === 0) continue;
    const identity = identityAlignment(matrix);
    const best = bestAlignment(matrix);
    const ways = identity === null || same(identity, best) ? [identity ?? best] : [identity, best];
    out.push(ways.map((way) => pairingOf(component, matrix, way)).filter((p) => p.pairs.length > 0));
  }
  const embeddings = embeddingPairing(suspect, base);
  if (embeddings.pairs.length > 0) out.push([embeddings]);
  return out.filter((ways) => ways.length > 0);
}

/** One pairing of all matrices by content alone, whatever their names say. */
export function contentPairing(suspect: Fingerprint, base: Fingerprint): Pairing | null {
  const left = suspect.sketches.filter((s) => !s.tokens);
  const right = base.sketches.filter((s) => !s.tokens);
  const { pairs, log10Tried } = matchByContent(left, right);
  if (pairs.length === 0) return null;
  const main = right.find(isNamed)?.component ?? right[0]!.component;
  return { component: main, pairs, layers: [], log10Tried };
}

/**
 * Embeddings and heads by role, else (unnamed) by agreement. A tied head is the embedding again and adds nothing.
 */
function embeddingPairing(suspect: Fingerprint, base: Fingerprint): Pairing {
  const pairs: MatrixPair[] = [];
  const seen = new Set<string>();
  let log10Tried = 0;
  const tables = (fp: Fingerprint): Sketch[] => fp.sketches.filter((s) => s.tokens).slice(0, MAX_TABLES);
  for (const b of tables(base)) {
    if (seen.has(b.digest.f32)) continue;
    seen.add(b.digest.f32);
    const possible = tables(suspect).filter((s) => s.cols === b.cols);
    const named = possible.find((s) => s.role === b.role && s.component === b.component);
    const found = named ?? closest(possible, b);
    if (!found) continue;
    if (!named) log10Tried += Math.log10(possible.length);
    pairs.push({ suspect: found, base: b });
  }
  return { component: EMBEDDINGS, pairs, layers: [], log10Tried };
}

function closest(possible: readonly Sketch[], base: Sketch): Sketch | undefined {
  const agreement = (s: Sketch): number => {
    const rows = rowPairs({ suspect: s, base });
    return rows.length === 0 ? 0 : stackInner(buildStack(rows, base.cols)).agreement;
  };
  return possible.map((s) => ({ s, score: agreement(s) })).sort((x, y) => y.score - x.score)[0]?.s;
}

function pairingOf(component: string, matrix: LayerMatrix, way: LayerAlignment): Pairing {
  const pairs: MatrixPair[] = [];
  const layers: LayerMatch[] = [];
  way.map.forEach((j, i) => {
    const suspect = matrix.suspect[i]!;
    if (j < 0) {
      layers.push({ component, suspect: suspect.number, base: null, log10P: null, agreement: null });
      return;
    }
    const base = matrix.base[j]!;
    const at = i * matrix.base.length + j;
    pairs.push(...pairLayers(suspect, base));
    layers.push({
      component,
      suspect: suspect.number,
      base: base.number,
      log10P: log10NormalTail(matrix.z[at]!),
      agreement: matrix.agreement[at]!,
    });
  });
  return { component, pairs, layers, log10Tried: way.log10Tried };
}

function same(a: LayerAlignment, b: LayerAlignment): boolean {
  return a.map.every((x, i) => x === b.map[i]);
}
