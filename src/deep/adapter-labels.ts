import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { subset } from "../numerics/prng.ts";

// What fingerprints keep goes by these rules: they change only together with `ATTENTION_VERSION`.

/** Layers that are looked at, spread over those that an adapter changes, or of which a fingerprint keeps something. */
export const MAX_LAYERS = 8;
/** Channels of a head are exchangeable. Where heads begin is not known, but that runs of so many lie in one. */
export const RUN = 8;
/** Labels of an axis that are looked at, half of them anchors. */
const MAX_LABELS = 1024;
/** Fewer labels than this leave no half to be tested. */
const MIN_LABELS = 32;
/** Numbers of the base by which a label is known. */
const MAX_FEATURES = 1024;

/** Dimensions of the stream that are looked at; null for too few. */
export function streamPlaces(width: number): readonly number[] | null {
  return drawn(width, 1);
}

/** Channels of values that are looked at, in whole runs; null for too few, or where too many heads of queries share them. */
export function valuePlaces(channels: number, output: CanonicalTensor): readonly number[] | null {
  return output.cols / channels <= MAX_FEATURES ? drawn(channels, RUN) : null;
}

/**
 * Columns of W_o by which channels of values are known: those of all heads of queries that share a head of values, one list
 * each. Null where heads of that size do not tile the layer.
 */
export function valueColumns(
  places: readonly number[],
  channels: number,
  output: CanonicalTensor,
  headSize: number,
): readonly (readonly number[])[] | null {
  if (channels % headSize !== 0) return null;
  const group = output.cols / channels;
  return Array.from({ length: group }, (_, g) =>
    places.map((c) => (Math.floor(c / headSize) * group + g) * headSize + (c % headSize)),
  );
}

/** Rows of one of so many matrices that read the stream. */
export function readerRows(matrix: CanonicalTensor, readers: number, most = MAX_FEATURES): readonly number[] {
  return drawnRows(matrix, Math.ceil(Math.min(MAX_FEATURES, most) / readers));
}

/** Rows of W_o. */
export function outputRows(channels: number, output: CanonicalTensor, most = MAX_FEATURES): readonly number[] {
  return drawnRows(output, Math.min(most, Math.floor((MAX_FEATURES * channels) / output.cols)));
}

/** Whole runs of labels, drawn by one coin for all models. */
function drawn(labels: number, run: number): readonly number[] | null {
  const runs = Math.floor(labels / run);
  const chosen = [...subset(runs, Math.min(runs, MAX_LABELS / run), "weightmark adapter labels")];
  const places = chosen.flatMap((at) => Array.from({ length: run }, (_, i) => at * run + i));
  return places.length < MIN_LABELS ? null : places;
}

function drawnRows({ rows }: CanonicalTensor, most: number): readonly number[] {
  return [...subset(rows, Math.min(rows, Math.max(1, most)), "weightmark adapter rows")];
}
