import type { LayerParts } from "../alignment/parts.ts";
import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import {
  BLOCK_NEURONS,
  KEPT_CHANNELS,
  KEPT_NEURONS,
  keptValues,
  type NetworkPart,
  type NetworkViews,
  type SignRows,
} from "../fingerprint/deep-part.ts";
import { type Slice, sliceOf } from "../fingerprint/slice.ts";
import { ANCHORED, LEAST_ANCHORED, seenFromAnchors } from "./anchors.ts";
import { valueRows } from "./channel-evidence.ts";
import type { DeepModel } from "./deep-model.ts";
import { networkOf } from "./layer-pairs.ts";
import { isSortedBySize } from "./order-test.ts";
import { signDistances } from "./sign-distances.ts";
import { firstRows, signsOf } from "./sign-rows.ts";
import { lengthOf, takeRows } from "./take.ts";
import { MAX_NEURONS, readRows, seenColumns, seenRows } from "./views.ts";

/** Neurons of a suspect that are looked through. */
const MAX_SEEN = 1 << 15;

/** Maps [stream width x tokens] into a frame: of all directions, and of the weaker ones. */
export interface FrameMaps {
  readonly whole: Float32Array;
  readonly weak: Float32Array;
  readonly size: number;
}

export interface NetworkOptions {
  /** Only the first neurons, which a source far away has in one piece. */
  readonly few: boolean;
  /** The other side's: values are taken of the neurons most like its own, signs of all. @default the first ones */
  readonly like?: NetworkPart | undefined;
  /** Whether lengths of rows are taken along, where there is a gate and nothing lies across the stream. @default false */
  readonly lengths?: boolean;
}

/** Null for a layer that has no neurons, or more than any has. */
export async function networkPart(
  source: DeepModel,
  layer: number,
  parts: LayerParts,
  { whole, weak, size }: FrameMaps,
  { few, like, lengths = false }: NetworkOptions,
): Promise<NetworkPart | null> {
  const model = few ? remembering(source) : source;
  const { gate, up, down } = networkOf(parts) ?? NOTHING;
  const opens = gate ?? up;
  if (opens === null || opens.rows > MAX_NEURONS) return null;
  const neurons = opens.rows;
  const first = upTo(Math.min(neurons, BLOCK_NEURONS));
  const reads = up?.rows === neurons ? up : null;
  // What writes the stream lies across it: read where nothing else would be left beside what opens a neuron.
  const writes = gate === null && !few && down?.cols === neurons ? down : null;
  const views = async (map: Float32Array, rows: readonly number[] | null): Promise<NetworkViews<Float32Array>> => {
    const of = async (matrix: CanonicalTensor | null): Promise<Float32Array | null> =>
      matrix === null ? null : seenRows(model, matrix, map, rows ?? undefined);
    const written = writes === null ? null : await seenColumns(model, writes, map);
    return {
      gate: await of(gate),
      up: await of(reads),
      down: written === null || rows === null ? written : takeRows(written, size, rows),
    };
  };
  const most = like === undefined ? KEPT_NEURONS : MAX_SEEN;
  const seen = few ? first : neurons > most ? upTo(most) : null;
  const signs = each(await views(weak, seen), (values) => signsOf(values, size));
  const kept = few || like === undefined ? first.slice(0, keptValues(neurons)) : nearest(like, signs, first);
  const values = await views(whole, kept);
  const lengthsOf = async (matrix: CanonicalTensor | null): Promise<Float32Array | null> => {
    const rows = matrix === null ? null : await readRows(model, matrix, kept);
    return rows && Float32Array.from(kept, (_, i) => lengthOf(rows.subarray(i * model.width, (i + 1) * model.width)));
  };
  const opening =
    kept.length === first.length && kept.every((row, i) => row === first[i])
      ? (values.gate ?? values.up)!
      : await seenRows(model, opens, whole, first);
  return {
    layer,
    neurons,
    sorted: isSortedBySize(opening, size),
    signs,
    values: each(values, (rows) => sliceOf(rows, { sketch: 0, firstRow: 0, height: kept.length })),
    ...(lengths && gate !== null
      ? { lengths: { gate: await lengthsOf(gate), up: await lengthsOf(reads), down: null } }
      : {}),
    channels: await channelsOf(model, parts.attention.get("v"), whole, size),
    anchors: anchorsOf(await readRows(model, opens, first), model.width),
  };
}

const NOTHING = { gate: null, up: null, down: null };

/** What was read of a layer, which is seen in several ways, is not fetched again. */
function remembering(model: DeepModel): DeepModel {
  const held = new Map<string, Promise<Float32Array>>();
  return {
    ...model,
    readers(matrix, rows) {
      const key = `${matrix.tensor} ${matrix.role} ${rows[0]} ${rows.length}`;
      const found = held.get(key) ?? model.readers(matrix, rows);
      held.set(key, found);
      return found;
    },
  };
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

async function channelsOf(
  model: DeepModel,
  values: CanonicalTensor | undefined,
  whole: Float32Array,
  size: number,
): Promise<Slice | null> {
  const rows = values === undefined ? null : await valueRows(model, values, whole, KEPT_CHANNELS);
  return rows === null ? null : sliceOf(rows, { sketch: 0, firstRow: 0, height: rows.length / size });
}

/** The neurons most like the first ones of the other side, by what opens them. */
function nearest(like: NetworkPart, signs: NetworkViews<SignRows>, first: readonly number[]): readonly number[] {
  const [theirs, own] = [like.signs.gate ?? like.signs.up, signs.gate ?? signs.up];
  if (theirs === null || own === null || theirs.width !== own.width) return first;
  const sought = firstRows(theirs, (like.values.gate ?? like.values.up)?.height ?? BLOCK_NEURONS);
  return [...new Set(signDistances(own, sought).plain.b.at)].sort((x, y) => x - y);
}

function each<T, U>({ gate, up, down }: NetworkViews<T>, of: (values: T) => U | null): NetworkViews<U> {
  return { gate: gate && of(gate), up: up && of(up), down: down && of(down) };
}

function anchorsOf(rows: Float32Array, width: number): SignRows | null {
  const some = rows.subarray(0, ANCHORED * width);
  if (some.length < LEAST_ANCHORED * width) return null;
  const seen = seenFromAnchors(some, width);
  return signsOf(seen.rows, seen.width);
}
