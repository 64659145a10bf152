import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import type { HeadShape } from "../anatomy/fused.ts";
import type { AddressedMatrix } from "../rows/addressed-matrix.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { type Alignment, BlockCache, readingMatrix, type UnitMap, writingMatrix } from "./aligned-matrix.ts";
import { type BlockFeatures, blockFeatures, projectMatrix, withGain } from "./feature-reader.ts";
import type { RotaryRows } from "./head-mix.ts";
import { type HeadMap, matchHeads } from "./heads.ts";
import { mapExperts, mapLayers } from "./layer-map.ts";
import { matchNeurons } from "./neurons.ts";
import type { ComponentParts, LayerParts } from "./parts.ts";
import {
  dequantiseOrNull,
  headDirections,
  inverses,
  NEURON_DIRECTIONS,
  QUERY_DIRECTIONS,
  scaleColumns,
  signDirections,
} from "./projection.ts";
import type { ReferenceComponent, ReferenceLayer, Site } from "./reference.ts";
import { type ComponentReport, type LayerReport, layerReport } from "./report.ts";
import { fromReference, type Residual } from "./residual.ts";
import { findResidual } from "./rotation.ts";
import { matchTokens } from "./tokens.ts";
import { attentionUnits, type FoundBlock, isAttention, NO_EXTRAS, neuronUnits } from "./unit-maps.ts";

type Blocks = readonly (BlockFeatures & { readonly expert: number })[];

/** A component of a model in which one of a reference is looked for. */
export interface AlignmentSubject {
  readonly reader: RowReader;
  readonly parts: ComponentParts;
  /** Token tables that may be the reference's. */
  readonly tables: readonly CanonicalTensor[];
  /** First bytes of the digest of every token's text; null where the model has no tokenizer. Asked for where there is a table. */
  readonly hashes: () => Promise<ReadonlyMap<number, readonly [number, number]> | null>;
}

/** A component of a model that was described, and how its attention is built where that is known. */
export interface AlignmentReference {
  readonly component: ReferenceComponent;
  readonly heads: HeadShape | null;
  readonly rotary: RotaryRows | null;
}

export interface AlignedComponent {
  /**
   * The subject in the coordinates of the reference: what is gone is left out, or reads as zeros. Rows are read when asked for.
   */
  readonly matrices: readonly AddressedMatrix[];
  readonly report: ComponentReport;
}

/**
 * Finds the parts of a reference in a subject of the same width: order of layers, neurons, heads and tokens, signs, scales,
 * and basis changes of the residual stream and inside heads.
 *
 * @param step is called after every layer
 */
export async function alignComponent(
  reference: AlignmentReference,
  subject: AlignmentSubject,
  step: () => void,
): Promise<AlignedComponent> {
  const matrices: AddressedMatrix[] = [];
  const report = await new ComponentAlignment(reference, subject).run(matrices, step);
  return { matrices, report };
}

/** One component while it is aligned. */
class ComponentAlignment {
  readonly #subject: AlignmentSubject;
  readonly #reader: RowReader;
  readonly #heads: HeadShape | null;
  readonly #rotary: RotaryRows | null;
  readonly #reference: ReferenceComponent;
  readonly #parts: ComponentParts;

  constructor({ component, heads, rotary }: AlignmentReference, subject: AlignmentSubject) {
    this.#subject = subject;
    this.#reader = subject.reader;
    this.#parts = subject.parts;
    this.#heads = component.component === "language" ? heads : null;
    this.#rotary = rotary;
    this.#reference = component;
  }

  async run(matrices: AddressedMatrix[], step: () => void): Promise<ComponentReport> {
    const { residual, vocabulary, places, embed } = await this.#findStream();
    const { width, scales, layers } = this.#reference;
    const directions = (count: number, purpose: string, site: Site): Float32Array =>
      fromReference(scaleColumns(signDirections(count, width, purpose), inverses(scales[site])), width, residual);
    const neuronDirections = directions(NEURON_DIRECTIONS, "neurons", "feedForward");
    const columns = headDirections(width, this.#heads?.headSize ?? 0);
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
    const tables = this.#subject.tables.filter(({ cols }) => cols === width);
    if (tokens === null || tables.length === 0) {
      const vocabulary = { how: "absent", tokens: 0, agreement: null } as const;
      return { residual: { kind: "none" }, vocabulary, places: null, embed: null };
    }
    const hashes = await this.#subject.hashes();
    // Of several tables the reference knows its own.
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

  /** The tokens that the reference knows, in its order, where the suspect has another. */
  #addEmbedding(
    to: AddressedMatrix[],
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
    layer: ReferenceLayer,
    { attention }: LayerParts,
    directions: Float32Array,
    columns: number,
  ): Promise<HeadMap | null> {
    const heads = this.#heads;
    if (heads === null) return null;
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
    return matchHeads(reference, suspect, heads, this.#rotary, { heads: columns, queries: queryColumns });
  }

  async #addMatrices(
    to: AddressedMatrix[],
    alignment: Alignment,
    layer: ReferenceLayer,
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

function matchBlocks(layer: ReferenceLayer, theirs: Blocks): ReadonlyMap<number, FoundBlock> {
  const experts = mapExperts(layer.blocks, theirs);
  const found = new Map<number, FoundBlock>();
  for (const block of layer.blocks) {
    const other = theirs.find(({ expert }) => expert === experts.get(block.expert));
    if (other === undefined) continue;
    found.set(block.expert, { expert: other.expert, map: matchNeurons(block, other), strengths: other.strengths });
  }
  return found;
}
