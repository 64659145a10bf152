import { type ComponentParts, partsOf } from "../alignment/parts.ts";
import { tokenHashes } from "../alignment/token-hashes.ts";
import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { RowReader } from "../rows/row-reader.ts";

/** A model as the deep tests see it: its main stack, the token tables around it, and rows with the norms' gains folded in. */
export interface DeepModel {
  readonly width: number;
  readonly vocabulary: number;
  readonly parts: ComponentParts;
  /** Null where the head is the embedding. */
  readonly head: CanonicalTensor | null;
  /** Digest words of every token's text by id, null without a tokenizer. */
  readonly texts: ReadonlyMap<number, readonly [number, number]> | null;
  /** Bytes of weights that were asked for. */
  bytesRead(): number;
  /** Rows of the token embedding as they are, ids.length x width. */
  embedding(ids: readonly number[]): Promise<Float32Array>;
  /** Rows of a matrix that reads the stream, times the gain in front of it: rows.length x width. */
  readers(matrix: CanonicalTensor, rows: readonly number[]): Promise<Float32Array>;
  /** Rows of a matrix as they are. */
  rows(matrix: CanonicalTensor, rows: readonly number[]): Promise<Float32Array>;
}

/** The largest stack that has a token embedding; null where there is none. */
export async function deepModel(checkpoint: Checkpoint, signal?: AbortSignal): Promise<DeepModel | null> {
  const { config, tensors } = checkpoint;
  const anatomy = describeAnatomy(tensors, config);
  const views = anatomy.matrices.filter(({ tensor, twin }) => twin !== true && holdsValues(tensors.get(tensor)!.dtype));
  const parts = partsOf(views).filter(({ embed, layers }) => embed !== null && layers.length > 0);
  const main = parts.reduce<ComponentParts | null>((a, b) => (a !== null && size(a) >= size(b) ? a : b), null);
  if (main === null) return null;
  const embed = main.embed!;
  const reader = new RowReader(checkpoint, undefined, signal);
  const head = views.find(
    ({ role, cols, rows, tensor }) =>
      role === "head" && cols === main.width && rows === embed.rows && tensor !== embed.tensor,
  );
  const centred = (matrix: CanonicalTensor): boolean => matrix.gain !== null && hasBias(matrix.gain.tensor, tensors);
  return {
    width: main.width,
    vocabulary: embed.rows,
    parts: main,
    head: head ?? null,
    texts: await tokenHashes(checkpoint),
    bytesRead: () => reader.bytesRead,
    embedding: async (ids) => bounded(await reader.rows(embed, ids)),
    rows: async (matrix, rows) => bounded(await reader.rows(matrix, rows)),
    async readers(matrix, rows) {
      const values = bounded(await reader.rows(matrix, rows));
      const gain = await reader.gain(matrix.gain, matrix.cols);
      return folded(values, matrix.cols, gain, centred(matrix));
    },
  };
}

function size({ layers, width }: ComponentParts): number {
  return layers.length * width;
}

/** A norm that has a bias takes the mean out of the stream. */
function hasBias(gain: string, tensors: ReadonlyMap<string, unknown>): boolean {
  const bias = gain.replace(/(?:weight|gamma|scale|g)$/, "");
  return ["bias", "beta", "b"].some((name) => bias !== gain && tensors.has(bias + name));
}

/** W diag(gain), in place; a norm that takes the mean out leaves nothing for what all columns have in common. */
function folded(values: Float32Array, width: number, gain: Float32Array | null, isCentred: boolean): Float32Array {
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width);
    if (gain !== null) for (let j = 0; j < width; j++) row[j]! *= gain[j]!;
    if (!isCentred) continue;
    const mean = row.reduce((sum, x) => sum + x, 0) / width;
    for (let j = 0; j < width; j++) row[j]! -= mean;
  }
  return bounded(values);
}

/** Larger than any weight, and products of so large numbers end nowhere near infinity. */
const MAX_WEIGHT = 1e12;

/** Values, with 0 for what is no number or no weight, in place. */
function bounded(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) <= MAX_WEIGHT)) values[i] = 0;
  return values;
}
