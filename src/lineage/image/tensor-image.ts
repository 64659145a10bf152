import { setImmediate } from "node:timers/promises";
import { isSync } from "../../bytes/byte-source.ts";
import type { Checkpoint, CheckpointTensor } from "../../checkpoint/checkpoint.ts";
import { blockRounder } from "../../decoding/ggml/round-blocks.ts";
import { toBrain, toHalf } from "../../decoding/narrow-floats.ts";
import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import { changedOriginals, type Way, waysOf } from "./changed-originals.ts";
import { countBlocks, noCount, type Piece, type PieceCount } from "./rounded-piece.ts";
import type { TensorPair } from "./tensor-pairs.ts";

/** How much of each tensor is read: pieces of some values that lie evenly over it, or all. */
export interface Extent {
  readonly everywhere: boolean;
  /** Values of a piece, whole blocks of whatever type; pieces of a tensor; and of these how many are rounded anew. */
  readonly length: number;
  readonly pieces: number;
  readonly anew: number;
}

/** What was found of one tensor. */
export interface TensorImage extends PieceCount {
  readonly name: string;
  readonly scheme: string;
  readonly way: Way;
  /** Of a tensor that was not rounded to levels: whether all its values are the originals, or these in fewer bits. */
  readonly isPlain: boolean;
  readonly isKept: boolean;
}

/** The largest tensor that is turned in memory. */
const MAX_TURNED = 1 << 25;
/** Values of a block where none is known. */
const SOME = 32;

/** Compares a tensor with what it would be the image of; null where that cannot be done. */
export async function tensorImage(
  image: Checkpoint,
  original: Checkpoint,
  pair: TensorPair,
  extent: Extent,
  signal: AbortSignal | undefined,
): Promise<TensorImage | null> {
  const { name, scheme = "", levels } = pair.image;
  const values = sizeOf(pair.image);
  if (pair.turned && values > MAX_TURNED) return null;
  const whole = pair.turned ? turned(read(original, pair.original, 0, values), pair.image.shape) : null;
  const originals = (first: number, count: number): Float32Array =>
    whole === null ? read(original, pair.original, first, count) : whole.subarray(first, first + count);
  const places = placesOf(values, extent);
  if (levels === undefined) {
    const isKept = await keepsValues(
      places,
      (first, count) => [read(image, pair.image, first, count), originals(first, count)],
      signal,
    );
    return { ...noCount(), name, scheme, way: "as they are", isPlain: scheme === "" || scheme === "F32", isKept };
  }
  const rounder = image.container === "gguf" ? blockRounder(scheme) : null;
  const size = levels.block ?? SOME;
  const level = (begin: number, first: number, count: number) =>
    read(image, { ...pair.image, dtype: "F32", begin }, first, count);
  const every = Math.max(1, Math.ceil(places.length / extent.anew));
  let way: Way | null = null as Way | null;
  const total = noCount();
  for (const [i, { first, count }] of places.entries()) {
    signal?.throwIfAborted();
    if (extent.everywhere) await setImmediate();
    const piece: Piece = {
      image: read(image, pair.image, first, count),
      original: originals(first, count),
      step: level(levels.step, first, count),
      low: levels.low === null ? null : level(levels.low, first, count),
      of: levels.of,
    };
    const own = i % every === 0 ? rounder : null;
    const counted = (by: Way): PieceCount => {
      const counts = noCount();
      const changed = changedOriginals(piece, by, size);
      countBlocks({ ...piece, original: changed }, size, own, counts);
      return counts;
    };
    const ways: readonly Way[] = way === null ? waysOf(levels.of, rounder !== null) : [way];
    const tried = ways.map((by) => ({ by, counts: counted(by) }));
    const best = tried.reduce((a, b) => (isBetter(b.counts, a.counts) ? b : a));
    // What says nothing settles nothing either.
    if (way === null && best.counts.blocks > 0) way = best.by;
    add(total, best.counts);
  }
  return { ...total, name, scheme, way: way ?? "as they are", isPlain: false, isKept: false };
}

function isBetter(a: PieceCount, b: PieceCount): boolean {
  return a.equal + a.nearest > b.equal + b.nearest;
}

function add(to: PieceCount, { halfSteps, ...counts }: PieceCount): void {
  to.halfSteps = Math.max(to.halfSteps, halfSteps);
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) to[key] += counts[key];
}

/** What a value may have become that was not rounded to levels: itself, in fewer bits, or with 1 added and taken away again. */
const KEPT: readonly ((value: number) => number)[] = [
  (value) => value,
  toHalf,
  toBrain,
  (value) => Math.fround(Math.fround(value + 1) - 1),
  (value) => Math.fround(toHalf(Math.fround(value + 1)) - 1),
  (value) => Math.fround(toBrain(Math.fround(value + 1)) - 1),
];

async function keepsValues(
  places: readonly Place[],
  valuesOf: (first: number, count: number) => readonly [Float32Array, Float32Array],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let ways = KEPT;
  for (const { first, count } of places) {
    signal?.throwIfAborted();
    const [image, original] = valuesOf(first, count);
    ways = ways.filter((way) =>
      image.every((value, i) => Object.is(value, way(original[i]!)) || value === way(original[i]!)),
    );
    if (ways.length === 0) return false;
    await setImmediate();
  }
  return true;
}

interface Place {
  readonly first: number;
  readonly count: number;
}

/** Pieces that lie evenly over so many values, in order and apart; all of them where everything is read. */
function placesOf(values: number, { everywhere, length, pieces }: Extent): Place[] {
  const all = Math.ceil(values / length);
  const wanted = everywhere ? all : Math.min(all, pieces);
  return Array.from({ length: wanted }, (_, i) => {
    const first = Math.floor((i * (all - 1)) / Math.max(1, wanted - 1)) * length;
    return { first, count: Math.min(length, values - first) };
  });
}

function sizeOf({ shape }: CheckpointTensor): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Values of a tensor as they are stored; of sources at hand. */
function read(
  { files }: Checkpoint,
  { file, begin, dtype }: CheckpointTensor,
  first: number,
  count: number,
): Float32Array {
  const { source } = files[file]!;
  if (!isSync(source)) throw new Error(`${source.location} is not at hand`);
  const width = DTYPE_BITS[dtype] / 8;
  const bytes = new Uint8Array(count * width);
  source.readIntoSync(bytes, begin + first * width);
  return decodeToF32(bytes, dtype);
}

/** A matrix as one of the given shape whose axes are its own exchanged. */
function turned(values: Float32Array, shape: readonly number[]): Float32Array {
  const [rows, cols] = shape.filter((side) => side !== 1) as [number, number];
  const out = new Float32Array(values.length);
  for (let row = 0, at = 0; row < rows; row++)
    for (let col = 0; col < cols; col++, at++) out[at] = values[col * rows + row]!;
  return out;
}
