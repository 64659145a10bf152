import { finite } from "../alignment/feature-reader.ts";
import { transposed } from "../alignment/rotation.ts";
import type { AdapterModule } from "../anatomy/adapter-modules.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { MIN_LABELS, streamPlaces, valuePlaces, wholeRuns } from "./adapter-labels.ts";
import type { AdapterLayer } from "./adapter-layers.ts";
import type { AttentionSource } from "./attention-source.ts";
import type { LabelRows } from "./half-labels.ts";
import { lengthOf, takeRows } from "./take.ts";

export interface AdapterReaders {
  readonly adapter: RowReader;
  readonly base: AttentionSource;
}

/** Labels of one layer as both sides see them, and where in the model they stand. */
export interface AdapterRows {
  readonly places: readonly number[];
  /** Of the base. */
  readonly features: LabelRows;
  /** Of the adapter. */
  readonly target: LabelRows;
}

/** Numbers of the adapter by which a label is known. */
const MAX_COMPONENTS = 64;

/**
 * Dimensions of the stream: columns of A, and columns of W_q, W_k and W_v, each matrix at one size. No gain is folded in, for
 * an adapter reads what the norm gave, gain included.
 */
export async function streamRows(layer: AdapterLayer, read: AdapterReaders): Promise<AdapterRows | null> {
  const { readers, changed } = layer;
  const width = readers[0]!.cols;
  const places = readers.every(({ cols }) => cols === width) ? streamPlaces(width) : null;
  const pieces = places === null ? null : await read.base.readers(layer, places);
  if (places === null || pieces === null) return null;
  const features = pieces.map((rows) => {
    const size = lengthOf(rows);
    return size > 0 ? rows.map((x) => x / size) : rows;
  });
  const each = Math.max(1, Math.floor(componentsOf(places.length) / changed.length));
  const target: Float32Array[] = [];
  for (const { a, rank } of changed) {
    for (let k = 0; k < Math.min(rank, each); k++) {
      const row = finite(await read.adapter.elements(a, k * width, width));
      target.push(Float32Array.from(places, (j) => row[j]!));
    }
  }
  return { places, features: asLabels(features, places.length), target: asLabels(target, places.length) };
}

/**
 * Channels of values: rows of B, and columns of W_o, those of all heads of queries that share a head of values one below the
 * other. Null where heads of that size do not tile the layer. The labels stand in runs of `RUN`.
 */
export async function valueRows(
  layer: AdapterLayer,
  headSize: number,
  read: AdapterReaders,
): Promise<AdapterRows | null> {
  const { values } = layer;
  if (values === null) return null;
  const { module, first, channels, output } = values;
  const drawn = valuePlaces(channels, output);
  const pieces = drawn === null ? null : await read.base.output(layer, values, drawn, headSize);
  if (drawn === null || pieces === null) return null;
  const kept = wholeRuns(drawn, channels);
  if (kept.length < MIN_LABELS) return null;
  const places = kept.map((i) => drawn[i]!);
  const all = asLabels(pieces, drawn.length);
  const features = { rows: takeRows(all.rows, all.width, kept), width: all.width };
  const components = Math.min(module.rank, componentsOf(places.length));
  const b = await factorB(module, read.adapter);
  const rows = takeRows(
    b,
    module.rank,
    places.map((c) => first + c),
  );
  const target = new Float32Array(places.length * components);
  for (let i = 0; i < places.length; i++)
    target.set(rows.subarray(i * module.rank, i * module.rank + components), i * components);
  return { places, features, target: { rows: target, width: components } };
}

/** B of a module: nothing but zeros where it never was trained. */
export async function factorB({ b, rank, outputs }: AdapterModule, reader: RowReader): Promise<Float32Array> {
  return finite(await reader.elements(b, 0, rank * outputs));
}

/** More components than half of the anchors would fit those and nothing else. */
function componentsOf(labels: number): number {
  return Math.min(MAX_COMPONENTS, labels >> 2);
}

/** Pieces [any x labels], one below the other, as labels x width. */
function asLabels(pieces: readonly Float32Array[], labels: number): LabelRows {
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return { rows: transposed(whole, labels), width: whole.length / labels };
}
