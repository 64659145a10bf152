import type { CanonicalTensor, Role } from "../../anatomy/anatomy.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { RowReader } from "../../fingerprint/row-reader.ts";
import { tablesBeside } from "../carriers/tokens/token-matrix.ts";
import { addressedViews } from "../host/host-checkpoint.ts";
import type { HostMatrix, HostModel } from "../host/host-model.ts";
import { type Alignment, BlockCache, readingMatrix, type UnitMap, writingMatrix } from "./aligned-matrix.ts";
import { type BlockFeatures, blockFeatures, projectMatrix, withGain } from "./feature-reader.ts";
import { type HeadMap, matchHeads } from "./heads.ts";
import { mapExperts, mapLayers } from "./layer-map.ts";
import { matchNeurons } from "./neurons.ts";
import { type ComponentParts, type LayerParts, partsOf } from "./parts.ts";
import {
  dequantiseOrNull,
  headDirections,
  inverses,
  NEURON_DIRECTIONS,
  QUERY_DIRECTIONS,
  scaleColumns,
  signDirections,
} from "./projection.ts";
import { fromReference, type Residual } from "./residual.ts";
import { findResidual } from "./rotation.ts";
import type { Site, Sketch, SketchComponent, SketchLayer } from "./sketch.ts";
import {
  type ComponentReport,
  type LayerReport,
  layerReport,
  meanCorrelation,
  type SyncReport,
} from "./sync-report.ts";
import { tokenHashes } from "./token-hashes.ts";
import { matchTokens } from "./tokens.ts";
import { attentionUnits, type FoundBlock, isAttention, NO_EXTRAS, neuronUnits } from "./unit-maps.ts";

export interface SynchroniseOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Synchronised {
  /** The suspect in the coordinates of the model that was marked; what is gone is left out or reads as zeros. */
  readonly host: HostModel;
  readonly report: SyncReport;
}

/**
 * Undoes what hides a model's coordinates: order of layers, neurons, heads and tokens, signs, scales, and basis changes of
 * the residual stream and inside heads. Everything is found from the sketch and the suspect. The sketch was made before the
 * marks that move weights and knows nothing of their subkeys, so their statistics on the result are what they are on any
 * weights. It does know the signs that orientation chose: a result has the reference's signs whatever the suspect's were,
 * and says nothing of that carrier. Rows are read when asked for.
 */
export async function synchronise(
  suspect: Checkpoint,
  sketch: Sketch,
  options: SynchroniseOptions = {},
): Promise<Synchronised> {
  const reader = new RowReader(suspect);
  const parts = new Map(partsOf(suspectViews(suspect, sketch.heads)).map((one) => [one.component, one]));
  const matrices: HostMatrix[] = [];
  const components: ComponentReport[] = [];
  const total = sketch.components.reduce((sum, { layers }) => sum + layers.length, 0);
  let done = 0;
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(++done, total);
  };
  for (const component of sketch.components) {
    const found = parts.get(component.component);
    // A stream of another width has nothing that could be put beside the reference.
    if (found === undefined || found.width !== component.width) continue;
    const work = new ComponentSync(suspect, reader, sketch, component, found);
    components.push(await work.run(matrices, step));
  }
  const { heads, symmetries } = sketch;
  const report: SyncReport = { tried: 1, components, correlation: meanCorrelation(components) };
  return { host: { matrices, heads, symmetries, synchronised: true }, report };
}

/** Fused attention is taken apart by the reference's heads, else by the suspect's own config. */
function suspectViews(suspect: Checkpoint, heads: HeadShape | null): readonly CanonicalTensor[] {
  const own = addressedViews(suspect);
  if (heads === null) return own;
  const config = {
    num_attention_heads: heads.heads,
    num_key_value_heads: heads.kvHeads,
    head_dim: heads.headSize,
  };
  const views = addressedViews({ config, tensors: suspect.tensors });
  return views.length >= own.length ? views : own;
}

type Blocks = readonly (BlockFeatures & { readonly expert: number })[];

/** One component while it is synchronised. */
class ComponentSync {
  readonly #suspect: Checkpoint;
  readonly #reader: RowReader;
  readonly #sketch: Sketch;
  readonly #reference: SketchComponent;
  readonly #parts: ComponentParts;

  constructor(
    suspect: Checkpoint,
    reader: RowReader,
    sketch: Sketch,
    reference: SketchComponent,
    parts: ComponentParts,
  ) {
    this.#suspect = suspect;
    this.#reader = reader;
    this.#sketch = sketch;
    this.#reference = reference;
    this.#parts = parts;
  }

  async run(matrices: HostMatrix[], step: () => void): Promise<ComponentReport> {
    const { residual, vocabulary, places, embed } = await this.#findStream();
    const { width, scales, layers } = this.#reference;
    const directions = (count: number, purpose: string, site: Site): Float32Array =>
      fromReference(scaleColumns(signDirections(count, width, purpose), inverses(scales[site])), width, residual);
    const neuronDirections = directions(NEURON_DIRECTIONS, "neurons", "feedForward");
    const headSize = this.#reference.component === "language" ? (this.#sketch.heads?.headSize ?? 0) : 0;
    const columns = headDirections(width, headSize);
    const headSigns = directions(columns, "heads", "attention");

    const blocks: Blocks[] = [];
    for (const layer of this.#parts.layers) blocks.push(await this.#blocksOf(layer, neuronDirections));
    const map = mapLayers(
      layers.map((layer) => layer.blocks),
      blocks,
    );
    const alignment: Alignment = { reader: this.#reader, residual, width, cache: new BlockCache() };
    this.#addEmbedding(matrices, alignment, embed, places);
    const reports: LayerReport[] = [];
    for (const [i, layer] of layers.entries()) {
      const at = map[i]!;
      const theirs = at < 0 ? null : this.#parts.layers[at]!;
      const heads = theirs === null ? null : await this.#headsOf(layer, theirs, headSigns, columns);
      const neurons = theirs === null ? new Map<number, FoundBlock>() : matchBlocks(layer, blocks[at]!);
      if (theirs !== null) await this.#addMatrices(matrices, alignment, layer, theirs, heads, neurons);
      reports.push(layerReport(layer, theirs, heads, neurons));
      step();
    }
    return { component: this.#reference.component, rotation: residual.kind, vocabulary, layers: reports };
  }

  /** `places` is null where tokens are found by their ids, or not at all. */
  async #findStream(): Promise<{
    residual: Residual;
    vocabulary: ComponentReport["vocabulary"];
    places: Int32Array | null;
    embed: CanonicalTensor | null;
  }> {
    const { tokens, width } = this.#reference;
    const tables = tablesBeside(this.#suspect, this.#parts.embed).filter(({ cols }) => cols === width);
    if (tokens === null || tables.length === 0) {
      const vocabulary = { how: "absent", tokens: 0, agreement: null } as const;
      return { residual: { kind: "none" }, vocabulary, places: null, embed: null };
    }
    const hashes = await tokenHashes(this.#suspect);
    // Of several tables the sketch knows its own: a choice that no key has part in.
    let embed = tables[0]!;
    let matched = await matchTokens(this.#reader, embed, tokens, hashes);
    for (const table of tables.slice(1)) {
      const other = await matchTokens(this.#reader, table, tokens, hashes);
      if (other.agreement > matched.agreement) [embed, matched] = [table, other];
    }
    const { how, count, agreement } = matched;
    const vocabulary = { how, tokens: count, agreement };
    if (how === "none") return { residual: { kind: "none" }, vocabulary, places: null, embed: null };
    const residual = findResidual(matched.reference, matched.suspect, width);
    return { residual, vocabulary, places: how === "ids" ? null : matched.places, embed };
  }

  /** The tokens that the sketch knows, in the reference's order, where the suspect has another. */
  #addEmbedding(
    to: HostMatrix[],
    alignment: Alignment,
    embed: CanonicalTensor | null,
    places: Int32Array | null,
  ): void {
    const { tokens, component } = this.#reference;
    if (places === null || tokens === null || embed === null) return;
    const from = new Int32Array(tokens.vocabulary).fill(-1);
    tokens.ids.forEach((id, i) => {
      if (id < from.length) from[id] = places[i]!;
    });
    const units: UnitMap = { size: 1, from, mixOf: () => null, signs: null, ...NO_EXTRAS };
    const address = { component, layer: -1, expert: -1, role: "embed" } as const;
    to.push(readingMatrix(alignment, address, embed, units, { suspect: null, reference: null }));
  }

  async #blocksOf({ blocks }: LayerParts, directions: Float32Array): Promise<Blocks> {
    const out: (BlockFeatures & { readonly expert: number })[] = [];
    for (const [expert, block] of blocks) {
      const gain = await this.#reader.gain(block.up?.gain ?? null, this.#reference.width);
      const features = await blockFeatures(this.#reader, block, withGain(directions, gain));
      if (features !== null) out.push({ expert, ...features });
    }
    return out;
  }

  async #headsOf(
    layer: SketchLayer,
    { attention }: LayerParts,
    directions: Float32Array,
    columns: number,
  ): Promise<HeadMap | null> {
    const { heads, symmetries } = this.#sketch;
    if (heads === null || this.#reference.component !== "language") return null;
    const { width } = this.#reference;
    const queryColumns = Math.min(QUERY_DIRECTIONS, columns);
    const project = async (role: Role, count: number): Promise<Float32Array | null> => {
      const matrix = attention.get(role);
      if (matrix === undefined || matrix.cols !== width) return null;
      const seen = withGain(directions.subarray(0, count * width), await this.#reader.gain(matrix.gain, width));
      return projectMatrix(this.#reader, matrix, seen);
    };
    const suspect = {
      keys: await project("k", columns),
      values: await project("v", columns),
      queries: await project("q", queryColumns),
    };
    const reference = {
      keys: dequantiseOrNull(layer.keys),
      values: dequantiseOrNull(layer.values),
      queries: dequantiseOrNull(layer.queries),
    };
    return matchHeads(reference, suspect, heads, symmetries.keys, { heads: columns, queries: queryColumns });
  }

  async #addMatrices(
    to: HostMatrix[],
    alignment: Alignment,
    layer: SketchLayer,
    theirs: LayerParts,
    heads: HeadMap | null,
    neurons: ReadonlyMap<number, FoundBlock>,
  ): Promise<void> {
    const gainOf = (view: CanonicalTensor): Promise<Float32Array | null> =>
      this.#reader.gain(view.gain, this.#reference.width);
    for (const shape of layer.matrices) {
      const { role, expert } = shape;
      const address = { component: this.#reference.component, layer: layer.layer, expert, role };
      if (isAttention(role)) {
        const view = theirs.attention.get(role);
        const units = view === undefined ? null : attentionUnits(role, shape, view, heads);
        if (view === undefined || units === null) continue;
        if (role === "o") to.push(writingMatrix(alignment, address, view, units));
        else {
          const gains = { suspect: await gainOf(view), reference: layer.gains.attention };
          to.push(readingMatrix(alignment, address, view, units, gains));
        }
        continue;
      }
      const found = neurons.get(expert);
      const block = found === undefined ? undefined : theirs.blocks.get(found.expert);
      const view = block?.[role as "gate" | "up" | "down"] ?? null;
      if (found === undefined || view === null) continue;
      const units = neuronUnits(found, role);
      const side = role === "down" ? view.cols : view.rows;
      if (side !== found.strengths.length) continue;
      if (role === "down") to.push(writingMatrix(alignment, address, view, units));
      else {
        const gains = { suspect: await gainOf(view), reference: layer.gains.feedForward };
        to.push(readingMatrix(alignment, address, view, units, gains));
      }
    }
  }
}

function matchBlocks(layer: SketchLayer, theirs: Blocks): ReadonlyMap<number, FoundBlock> {
  const experts = mapExperts(layer.blocks, theirs);
  const found = new Map<number, FoundBlock>();
  for (const block of layer.blocks) {
    const other = theirs.find(({ expert }) => expert === experts.get(block.expert));
    if (other === undefined) continue;
    found.set(block.expert, { expert: other.expert, map: matchNeurons(block, other), strengths: other.strengths });
  }
  return found;
}
