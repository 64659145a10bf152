import { finite } from "../alignment/feature-reader.ts";
import { transposed } from "../alignment/rotation.ts";
import type { AdapterModule } from "../anatomy/adapter-modules.ts";
import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { subset } from "../numerics/prng.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { AdapterLayer, AdapterValues } from "./adapter-layers.ts";
import type { LabelRows } from "./half-labels.ts";
import { lengthOf, takeRows } from "./take.ts";

export interface AdapterReaders {
  readonly adapter: RowReader;
  readonly base: RowReader;
}

/** Labels of one layer as both sides see them, and where in the model they stand. */
export interface AdapterRows {
  readonly places: readonly number[];
  /** Of the base. */
  readonly features: LabelRows;
  /** Of the adapter. */
  readonly target: LabelRows;
}

/** Labels of an axis that are looked at, half of them anchors. */
const MAX_LABELS = 512;
/** Numbers of the base by which a label is known, and numbers of the adapter. */
const MAX_FEATURES = 1024;
const MAX_COMPONENTS = 64;
/** Fewer labels than this leave no half to be tested. */
const MIN_LABELS = 32;
/** Values read at a time. */
const PIECE = 1 << 20;

/**
 * Dimensions of the stream: columns of A, and columns of W_q, W_k and W_v, each matrix at one size. No gain is folded in, for
 * an adapter reads what the norm gave, gain included.
 */
export async function streamRows(
  { readers, changed }: AdapterLayer,
  read: AdapterReaders,
): Promise<AdapterRows | null> {
  const width = readers[0]!.cols;
  const places = drawn(width, 1);
  if (places === null) return null;
  const features: Float32Array[] = [];
  for (const matrix of readers) {
    const wanted = drawnRows(matrix, Math.ceil(MAX_FEATURES / readers.length));
    const rows = await someColumns(read.base, matrix, wanted, places);
    const size = lengthOf(rows);
    features.push(size > 0 ? rows.map((x) => x / size) : rows);
  }
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
 * other. Null where heads of that size do not tile the layer. The labels stand in runs of `run`.
 */
export async function valueRows(
  { module, first, channels, output }: AdapterValues,
  headSize: number,
  run: number,
  read: AdapterReaders,
): Promise<AdapterRows | null> {
  const group = output.cols / channels;
  const places = channels % headSize === 0 && group <= MAX_FEATURES ? drawn(channels, run) : null;
  if (places === null) return null;
  const wanted = drawnRows(output, Math.max(1, Math.floor(MAX_FEATURES / group)));
  const features: Float32Array[] = [];
  for (let g = 0; g < group; g++) {
    const columns = places.map((c) => (Math.floor(c / headSize) * group + g) * headSize + (c % headSize));
    features.push(await someColumns(read.base, output, wanted, columns));
  }
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
  return { places, features: asLabels(features, places.length), target: { rows: target, width: components } };
}

/** B of a module: nothing but zeros where it never was trained. */
export async function factorB({ b, rank, outputs }: AdapterModule, reader: RowReader): Promise<Float32Array> {
  return finite(await reader.elements(b, 0, rank * outputs));
}

/** More components than half of the anchors would fit those and nothing else. */
function componentsOf(labels: number): number {
  return Math.min(MAX_COMPONENTS, labels >> 2);
}

/** Whole runs of labels, drawn by one coin for all models. */
function drawn(labels: number, run: number): readonly number[] | null {
  const runs = Math.floor(labels / run);
  const chosen = [...subset(runs, Math.min(runs, MAX_LABELS / run), "weightmark adapter labels")];
  const places = chosen.flatMap((at) => Array.from({ length: run }, (_, i) => at * run + i));
  return places.length < MIN_LABELS ? null : places;
}

function drawnRows({ rows }: CanonicalTensor, most: number): readonly number[] {
  return [...subset(rows, Math.min(rows, most), "weightmark adapter rows")];
}

/** Some columns of some rows: rows.length x columns.length. */
async function someColumns(
  reader: RowReader,
  matrix: CanonicalTensor,
  rows: readonly number[],
  columns: readonly number[],
): Promise<Float32Array> {
  const out = new Float32Array(rows.length * columns.length);
  const step = Math.max(1, Math.floor(PIECE / matrix.cols));
  for (let first = 0; first < rows.length; first += step) {
    const some = rows.slice(first, first + step);
    const values = finite(await reader.rows(matrix, some));
    for (let i = 0; i < some.length; i++)
      for (let j = 0; j < columns.length; j++)
        out[(first + i) * columns.length + j] = values[i * matrix.cols + columns[j]!]!;
  }
  return out;
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
