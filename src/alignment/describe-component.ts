import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import { squareSums } from "../kernels/norms.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { blockFeatures, type Flips, finite, projectMatrix, sampleRows, withGain } from "./feature-reader.ts";
import { type ComponentParts, type LayerParts, siteOf } from "./parts.ts";
import {
  headDirections,
  inverses,
  NEURON_DIRECTIONS,
  QUERY_DIRECTIONS,
  quantiseRows,
  scaleColumns,
  signDirections,
} from "./projection.ts";
import type {
  QuantisedRows,
  ReferenceBlock,
  ReferenceComponent,
  ReferenceLayer,
  ReferenceTokens,
  Site,
} from "./reference.ts";

/** Tokens kept: enough rows to find a basis of the widest usual residual stream. */
const MAX_TOKENS = 4096;
/** Rows per matrix from which the scales of columns are taken. */
const SCALE_SAMPLE = 64;

async function referenceTokens(
  reader: RowReader,
  embed: CanonicalTensor | null,
  hashes: ReadonlyMap<number, readonly [number, number]> | null,
): Promise<ReferenceTokens | null> {
  if (embed === null) return null;
  const count = Math.min(MAX_TOKENS, embed.rows);
  const ids = Uint32Array.from({ length: count }, (_, i) => Math.floor((i * embed.rows) / count));
  const rows = quantiseRows(finite(await reader.rows(embed, [...ids])), embed.cols);
  const known = hashes === null ? null : new Uint32Array(2 * count);
  for (let i = 0; known !== null && i < count; i++) known.set(hashes!.get(ids[i]!) ?? [0, 0], 2 * i);
  return { vocabulary: embed.rows, ids, hashes: known, rows };
}

export interface DescribeOptions {
  /** Rows of one key head; 0 where that is not known. */
  readonly headSize: number;
  /** Signs that the matrix is to be seen with. */
  readonly flipsOf: (matrix: CanonicalTensor) => Flips | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the parts of a component are found by. Reads every matrix but o and down once, and some of the token table. */
export async function describeComponent(
  reader: RowReader,
  parts: ComponentParts,
  hashes: ReadonlyMap<number, readonly [number, number]> | null,
  options: DescribeOptions,
): Promise<ReferenceComponent> {
  const look = new Look(reader, parts, options);
  const scales = await look.measureScales();
  const layers: ReferenceLayer[] = [];
  for (const layer of parts.layers) {
    options.signal?.throwIfAborted();
    layers.push(await look.layer(layer, scales));
  }
  const tokens = await referenceTokens(reader, parts.embed, hashes);
  return { component: parts.component, width: parts.width, tokens, scales, layers };
}

/** One component while it is looked at. */
class Look {
  readonly #reader: RowReader;
  readonly #parts: ComponentParts;
  readonly #headSize: number;
  readonly #flipsOf: DescribeOptions["flipsOf"];

  constructor(reader: RowReader, parts: ComponentParts, { headSize, flipsOf }: DescribeOptions) {
    this.#reader = reader;
    this.#parts = parts;
    this.#headSize = headSize;
    this.#flipsOf = flipsOf;
  }

  async measureScales(): Promise<Record<Site, Float32Array>> {
    const { width, layers } = this.#parts;
    const sums = { attention: new Float64Array(width), feedForward: new Float64Array(width) };
    for (const { attention, blocks } of layers) {
      const [firstBlock] = blocks.values();
      const readers = [attention.get("k"), attention.get("v"), firstBlock?.gate, firstBlock?.up];
      for (const matrix of readers) {
        if (matrix === undefined || matrix === null) continue;
        const gain = await this.#reader.gain(matrix.gain, width);
        const rows = await sampleRows(this.#reader, matrix, SCALE_SAMPLE);
        const { columns } = squareSums(
          gain === null ? rows : scaleColumns(rows, finite(gain.slice())),
          rows.length / width,
          width,
        );
        // Every layer counts alike, whatever the size of its weights.
        const total = columns.reduce((a, b) => a + b, 0);
        const into = sums[siteOf(matrix.role)];
        for (let j = 0; total > 0 && j < width; j++) into[j]! += columns[j]! / total;
      }
    }
    const rms = (of: Float64Array): Float32Array =>
      Float32Array.from(of, (sum) => Math.sqrt((sum * width) / layers.length));
    return { attention: rms(sums.attention), feedForward: rms(sums.feedForward) };
  }

  async layer({ layer, attention, blocks }: LayerParts, scales: Record<Site, Float32Array>): Promise<ReferenceLayer> {
    const { width } = this.#parts;
    const gainOf = async (matrix: CanonicalTensor | null | undefined): Promise<Float32Array | null> => {
      const gain = await this.#reader.gain(matrix?.gain ?? null, width);
      return gain === null ? null : gain.slice();
    };
    const [firstBlock] = blocks.values();
    const gains = {
      attention: await gainOf(attention.get("k") ?? attention.get("q")),
      feedForward: await gainOf(firstBlock?.up),
    };
    const columns = headDirections(width, this.#headSize);
    const headSigns = scaleColumns(signDirections(columns, width, "heads"), inverses(scales.attention));
    const attends = withGain(headSigns, gains.attention);
    const project = async (role: Role, count: number): Promise<QuantisedRows | null> => {
      const matrix = attention.get(role);
      if (matrix === undefined || this.#headSize === 0) return null;
      const seen = attends.subarray(0, Math.min(count, columns) * width);
      const projected = await projectMatrix(this.#reader, matrix, seen, this.#flipsOf(matrix));
      return quantiseRows(projected, seen.length / width);
    };
    const neuronSigns = scaleColumns(signDirections(NEURON_DIRECTIONS, width, "neurons"), inverses(scales.feedForward));
    const feeds = withGain(neuronSigns, gains.feedForward);
    const described: ReferenceBlock[] = [];
    for (const [expert, block] of blocks) {
      const features = await blockFeatures(this.#reader, block, feeds, this.#flipsOf);
      if (features === null) continue;
      described.push({ expert, neurons: features.neurons, gated: features.gated, bits: features.bits });
    }
    const matrices = [...attention.values(), ...[...blocks.values()].flatMap(({ gate, up, down }) => [gate, up, down])]
      .filter((matrix) => matrix !== null)
      .map(({ role, expert, rows, cols }) => ({ role, expert, rows, cols }));
    return {
      layer,
      gains,
      matrices,
      keys: await project("k", columns),
      values: await project("v", columns),
      queries: await project("q", QUERY_DIRECTIONS),
      blocks: described,
    };
  }
}
