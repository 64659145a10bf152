import type { HeadMap } from "./heads.ts";
import type { LayerParts } from "./parts.ts";
import type { ReferenceLayer } from "./reference.ts";
import type { Residual } from "./residual.ts";
import type { VocabularyMatch } from "./tokens.ts";
import type { FoundBlock } from "./unit-maps.ts";

export interface SyncReport {
  /** How many alignments were scored: one, chosen by the reference and the suspect. */
  readonly tried: 1;
  readonly components: readonly ComponentReport[];
  /** Mean over neurons found and heads found of the correlation with the reference. */
  readonly correlation: number;
}

export interface ComponentReport {
  readonly component: string;
  readonly rotation: Residual["kind"];
  readonly vocabulary: {
    readonly how: VocabularyMatch | "absent";
    readonly tokens: number;
    readonly agreement: number | null;
  };
  readonly layers: readonly LayerReport[];
}

export interface LayerReport {
  /** Layer of the reference. */
  readonly layer: number;
  /** Layer of the suspect, null where it is gone. */
  readonly suspect: number | null;
  readonly neurons: {
    readonly found: number;
    readonly of: number;
    readonly moved: number;
    readonly flipped: number;
    readonly agreement: number;
  };
  readonly heads: {
    readonly found: number;
    readonly of: number;
    readonly moved: number;
    /** Freest kind of mixture among the heads: rows one for one, planes, or anything. */
    readonly mix: "signs" | "planes" | "dense";
    readonly correlation: number;
  } | null;
}

/** A bit agrees when two Gaussian projections of correlation r have one sign: with probability 1 - acos(r) / pi. */
function correlationOf(agreement: number): number {
  return Math.max(0, Math.sin(Math.PI * (agreement - 0.5)));
}

export function meanCorrelation(components: readonly ComponentReport[]): number {
  let sum = 0;
  let weight = 0;
  for (const { layers } of components) {
    for (const { neurons, heads } of layers) {
      sum += neurons.found * correlationOf(neurons.agreement);
      weight += neurons.found;
      if (heads === null || neurons.of > 0) continue;
      sum += heads.found * heads.correlation;
      weight += heads.found;
    }
  }
  return weight === 0 ? 0 : sum / weight;
}

/** What was found of a layer; `theirs` is null where the suspect has none for it. */
export function layerReport(
  layer: ReferenceLayer,
  theirs: LayerParts | null,
  heads: HeadMap | null,
  neurons: ReadonlyMap<number, FoundBlock>,
): LayerReport {
  let [found, moved, flipped, agreement] = [0, 0, 0, 0];
  for (const { map } of neurons.values()) {
    found += map.found;
    agreement += map.found * map.agreement;
    map.from.forEach((from, i) => {
      if (from >= 0 && from !== i) moved++;
      if (from >= 0 && map.signs[i]! < 0) flipped++;
    });
  }
  const of = layer.blocks.reduce((sum, block) => sum + block.neurons, 0);
  return {
    layer: layer.layer,
    suspect: theirs?.layer ?? null,
    neurons: { found, of, moved, flipped, agreement: found === 0 ? 0 : agreement / found },
    heads: heads === null ? null : headReport(heads),
  };
}

function headReport({ groups, queries, kinds, correlation }: HeadMap): NonNullable<LayerReport["heads"]> {
  const mix = kinds.has("dense") ? "dense" : kinds.has("planes") ? "planes" : "signs";
  const all = [...queries];
  return {
    found: all.filter((from) => from >= 0).length,
    of: queries.length,
    moved:
      all.filter((from, i) => from >= 0 && from !== i).length + [...groups].filter((g, i) => g >= 0 && g !== i).length,
    mix,
    correlation,
  };
}
