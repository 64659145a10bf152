import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { subset } from "../numerics/prng.ts";

// What fingerprints keep goes by these rules: they change only together with `ATTENTION_VERSION`.

/** Layers that are looked at, spread over those that an adapter changes, or of which a fingerprint keeps something. */
export const MAX_LAYERS = 8;
/** Channels of a head are exchangeable. Where heads begin is not known, but all are as wide: see `wholeRuns`. */
export const RUN = 8;
/** No head of attention is narrower, or wider. */
const LEAST_HEAD = 16;
const WIDEST_HEAD = 512;
/** Labels of an axis that are looked at, half of them anchors. */
const MAX_LABELS = 1024;
/** Fewer labels than this leave no half to be tested. */
export const MIN_LABELS = 32;
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
 * Which of the places, as their index, stand in runs that lie in one head whatever the size of heads: heads tile the channels,
 * so that one begins at multiples of a divisor of their number. Runs of 8 that heads of 20 or 100 would cut are left out.
 */
export function wholeRuns(places: readonly number[], channels: number): readonly number[] {
  const sizes = divisors(channels).filter((size) => size >= LEAST_HEAD && size % RUN !== 0);
  const isWhole = (first: number): boolean => sizes.every((size) => (first + RUN - 1) % size >= RUN - 1);
  return [...places.keys()].filter((i) => isWhole(places[i]! - (places[i]! % RUN)));
}

/** Sizes that heads of so many channels may have; which one matters only where several heads of queries share one of values. */
export function headSizes(channels: number): readonly number[] {
  return divisors(channels).filter((size) => size >= LEAST_HEAD && size <= WIDEST_HEAD && size % 4 === 0);
}

function divisors(count: number): readonly number[] {
  const small: number[] = [];
  for (let d = 1; d * d <= count; d++) if (count % d === 0) small.push(d);
  const large = small.map((d) => count / d).filter((d) => d * d > count);
  return [...small, ...large.reverse()];
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
