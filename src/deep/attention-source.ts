import { finite } from "../alignment/feature-reader.ts";
import type { CanonicalTensor, TensorTable } from "../anatomy/anatomy.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type AttentionPart, type CoarseRows, coarseValues } from "../fingerprint/attention-part.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { RowReader } from "../rows/row-reader.ts";
import { outputRows, readerRows, valueColumns } from "./adapter-labels.ts";
import type { AdapterLayer, AdapterValues } from "./adapter-layers.ts";

/** What labels of a base's attention look like: read from its weights, or kept of them in a fingerprint. */
export interface AttentionSource {
  /** Of the whole base. */
  readonly tensors: TensorTable;
  /** Whether anything is known of a layer. */
  has(stack: string, layer: number): boolean;
  /** Columns of what reads the stream: for each matrix any number of rows x places. Null where they are not known. */
  readers(layer: AdapterLayer, places: readonly number[]): Promise<readonly Float32Array[] | null>;
  /** Columns of W_o, of all heads of queries that share a head of values: for each any number of rows x places. */
  output(
    layer: AdapterLayer,
    values: AdapterValues,
    places: readonly number[],
    headSize: number,
  ): Promise<readonly Float32Array[] | null>;
}

/** Values read at a time. */
const PIECE = 1 << 20;

/** A base of which all weights are at hand. */
export function attentionOfWeights(checkpoint: Checkpoint, signal?: AbortSignal): AttentionSource {
  const reader = new RowReader(checkpoint, undefined, signal);
  return {
    tensors: checkpoint.tensors,
    has: () => true,
    readers: async ({ readers }, places) => {
      const pieces: Float32Array[] = [];
      for (const matrix of readers)
        pieces.push(await someColumns(reader, matrix, readerRows(matrix, readers.length), places));
      return pieces;
    },
    output: async (_, { channels, output }, places, headSize) => {
      const lists = valueColumns(places, channels, output, headSize);
      if (lists === null) return null;
      const pieces: Float32Array[] = [];
      for (const columns of lists)
        pieces.push(await someColumns(reader, output, outputRows(channels, output), columns));
      return pieces;
    },
  };
}

/** A base of which a fingerprint is at hand that keeps its attention. */
export function keptAttention({ tensors }: Pick<Fingerprint, "tensors">, part: AttentionPart): AttentionSource {
  const layers = new Map(part.layers.map((one) => [one.layer, one]));
  return {
    tensors: new Map(tensors.map((one) => [one.name, one])),
    has: (stack, layer) => stack === part.stack && layers.has(layer),
    readers: async ({ layer, readers }, places) => {
      const kept = layers.get(layer)?.readers ?? [];
      const isSame = kept.length === readers.length && kept.every((rows) => widthOf(rows) === places.length);
      return isSame ? kept.map(coarseValues) : null;
    },
    output: async ({ layer }, { channels, output }, places, headSize) => {
      const kept = layers.get(layer)?.output ?? null;
      const isShared = output.cols !== channels;
      const lists = isShared ? valueColumns(places, channels, output, headSize) : [[...places.keys()]];
      if (kept === null || lists === null || widthOf(kept) !== (isShared ? output.cols : places.length)) return null;
      const rows = coarseValues(kept);
      return lists.map((columns) => columnsOf(rows, widthOf(kept), columns));
    },
  };
}

/** Some columns of some rows: rows.length x columns.length. */
export async function someColumns(
  reader: RowReader,
  matrix: CanonicalTensor,
  rows: readonly number[],
  columns: readonly number[],
): Promise<Float32Array> {
  const out = new Float32Array(rows.length * columns.length);
  const step = Math.max(1, Math.floor(PIECE / matrix.cols));
  for (let first = 0; first < rows.length; first += step) {
    const values = finite(await reader.rows(matrix, rows.slice(first, first + step)));
    out.set(columnsOf(values, matrix.cols, columns), first * columns.length);
  }
  return out;
}

function widthOf({ negative }: CoarseRows): number {
  return negative.width;
}

function columnsOf(rows: Float32Array, width: number, columns: readonly number[]): Float32Array {
  const out = new Float32Array((rows.length / width) * columns.length);
  let at = 0;
  for (let start = 0; start < rows.length; start += width) for (const j of columns) out[at++] = rows[start + j]!;
  return out;
}
