import type { BlockParts, LayerParts } from "../alignment/parts.ts";
import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { matmul } from "../kernels/matmul.ts";
import type { DeepModel } from "./deep-model.ts";

/** Values read at a time. */
const PIECE = 1 << 20;

/** Rows of a matrix that reads the stream, in a frame's coordinates: rows x width. `map` is [stream width x width]. */
export async function seenRows(
  model: DeepModel,
  matrix: CanonicalTensor,
  map: Float32Array,
  rows: readonly number[] = everyRow(matrix.rows),
): Promise<Float32Array> {
  const width = map.length / model.width;
  const out = new Float32Array(rows.length * width);
  const step = Math.max(1, Math.floor(PIECE / matrix.cols));
  for (let first = 0; first < rows.length; first += step) {
    const some = rows.slice(first, first + step);
    const values = await model.readers(matrix, some);
    out.set(matmul(values, map, { rows: some.length, depth: model.width, columns: width }), first * width);
  }
  return out;
}

/** Rows of a matrix that reads the stream, asked for as `seenRows` asks: rows x stream width. */
export async function readRows(
  model: DeepModel,
  matrix: CanonicalTensor,
  rows: readonly number[],
): Promise<Float32Array> {
  const out = new Float32Array(rows.length * matrix.cols);
  const step = Math.max(1, Math.floor(PIECE / matrix.cols));
  for (let first = 0; first < rows.length; first += step) {
    out.set(await model.readers(matrix, rows.slice(first, first + step)), first * matrix.cols);
  }
  return out;
}

/** Columns of a matrix that writes the stream, in a frame's coordinates: columns x width. */
export async function seenColumns(model: DeepModel, matrix: CanonicalTensor, map: Float32Array): Promise<Float32Array> {
  const width = map.length / model.width;
  const out = new Float32Array(matrix.cols * width);
  const step = Math.max(1, Math.floor(PIECE / matrix.cols));
  for (let first = 0; first < matrix.rows; first += step) {
    const count = Math.min(step, matrix.rows - first);
    const values = await model.rows(
      matrix,
      Array.from({ length: count }, (_, i) => first + i),
    );
    const turned = new Float32Array(values.length);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < matrix.cols; j++) turned[j * count + i] = values[i * matrix.cols + j]!;
    const part = matmul(turned, map.subarray(first * width, (first + count) * width), {
      rows: matrix.cols,
      depth: count,
      columns: width,
    });
    for (let i = 0; i < out.length; i++) out[i]! += part[i]!;
  }
  return out;
}

/** The layers of a model that have a dense feed-forward network. */
export function networkLayers({ parts }: DeepModel): readonly LayerParts[] {
  return parts.layers.filter(({ blocks }) => blocks.has(-1));
}

/** The neurons of a network from three sides, each neurons x width: what opens them, what they read, what they write. */
export interface NeuronViews {
  readonly neurons: number;
  readonly width: number;
  readonly gate: Float32Array | null;
  readonly up: Float32Array | null;
  readonly down: Float32Array | null;
}

export async function neuronViews(model: DeepModel, block: BlockParts, map: Float32Array): Promise<NeuronViews | null> {
  const { gate, up, down } = block;
  const opens = gate ?? up;
  if (
    opens === null ||
    opens.rows > MAX_NEURONS ||
    [gate, up].some((matrix) => matrix !== null && matrix.rows !== opens.rows)
  )
    return null;
  const writes = down !== null && down.cols === opens.rows ? down : null;
  return {
    neurons: opens.rows,
    width: map.length / model.width,
    gate: gate === null ? null : await seenRows(model, gate, map),
    up: up === null ? null : await seenRows(model, up, map),
    down: writes === null ? null : await seenColumns(model, writes, map),
  };
}

/** More neurons than any network has: a file must not decide how much memory is used. */
export const MAX_NEURONS = 1 << 17;
/** Neurons of one model that are looked for among all of the other's. */
const MAX_SOUGHT = 512;

export function firstNeurons(views: NeuronViews): NeuronViews {
  const neurons = Math.min(views.neurons, MAX_SOUGHT);
  const cut = (rows: Float32Array | null): Float32Array | null => rows?.subarray(0, neurons * views.width) ?? null;
  return { ...views, neurons, gate: cut(views.gate), up: cut(views.up), down: cut(views.down) };
}

function everyRow(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
