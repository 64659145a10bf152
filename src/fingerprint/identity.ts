import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { holdsIndices, holdsValues } from "../formats/dtype-kind.ts";
import { blake3 } from "../kernels/blake3.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { byteRange, elementRange, type FileRange } from "../rows/stored-ranges.ts";
import { constantOf, isCommonplace, tellingConstants } from "./commonplace.ts";
import type { MatrixSketch, TensorRecord, ValueDigest } from "./fingerprint.ts";
import { toHex } from "./hex.ts";
import { tensorWindows, type Window } from "./tensor-windows.ts";
import { digestValues } from "./value-digest.ts";
import { type Piece, wholeNumbers } from "./whole-numbers.ts";

/** Code tensors (packed, quantised) are digested at their first, middle and last bytes. */
const PACKED_WINDOW = 4096;
/** More tensors than any model has: a header could name millions, and every digest is a read. */
const MAX_DIGESTED = 1 << 17;

/** What `digestTensor` found. */
export interface TensorDigest {
  readonly values: ValueDigest;
  /** Whether all digested values are one and the same, or a count, or a mask. */
  readonly uniform: boolean;
  /** The one value of a constant, if it is. */
  readonly constant: number | undefined;
}

/**
 * The tensors that are digested, the largest where there are too many, indices last. Two quantised models with equal norms
 * and embeddings are not the same model when their packed weights differ.
 */
export function digestedTensors(checkpoint: Checkpoint): CheckpointTensor[] {
  const all = [...checkpoint.tensors.values()];
  if (all.length > MAX_DIGESTED) {
    const isIndex = ({ dtype }: CheckpointTensor): number => Number(holdsIndices(dtype));
    const size = ({ begin, end }: CheckpointTensor): number => end - begin;
    all.sort((a, b) => isIndex(a) - isIndex(b) || size(b) - size(a) || (a.name < b.name ? -1 : 1));
    all.length = MAX_DIGESTED;
  }
  return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Constants that say nothing each by itself, yet are so many that they do together, are no longer called uniform. */
export function withTellingConstants(
  digests: ReadonlyMap<string, TensorDigest>,
  tensors: ReadonlyMap<string, CheckpointTensor>,
): Map<string, TensorDigest> {
  const isWhole = (name: string): boolean => !holdsValues(tensors.get(name)!.dtype);
  const constants = (whole: boolean): ReadonlySet<number> =>
    tellingConstants(
      [...digests].flatMap(([name, { constant: c }]) => (c === undefined || isWhole(name) !== whole ? [] : [c])),
    );
  const telling = { whole: constants(true), values: constants(false) };
  return new Map(
    [...digests].map(([name, digest]) => {
      const known = isWhole(name) ? telling.whole : telling.values;
      const tells = digest.constant !== undefined && known.has(digest.constant);
      return [name, tells ? { ...digest, uniform: false } : digest];
    }),
  );
}

/** What `digestTensor` reads. */
export function digestRanges(tensor: CheckpointTensor): FileRange[] {
  if (!holdsValues(tensor.dtype)) {
    return sampleWindows(tensor.end - tensor.begin).map(([start, count]) => byteRange(tensor, start, count));
  }
  return tensorWindows(tensor.shape).map(([start, count]) => elementRange(tensor, start, count));
}

/** Digest of one of the `digestedTensors`. */
export async function digestTensor(reader: RowReader, tensor: CheckpointTensor): Promise<TensorDigest> {
  if (!holdsValues(tensor.dtype)) return digestPacked(reader, tensor);
  const windows = tensorWindows(tensor.shape);
  const values = new Float32Array(windows.reduce((sum, [, count]) => sum + count, 0));
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, count] of windows) {
    values.set(await reader.elements(tensor.name, start, count), at);
    pieces.push({ start, values: values.subarray(at, at + count) });
    at += count;
  }
  return { values: digestValues(values), ...plainness(pieces, tensor) };
}

function plainness(
  pieces: readonly Piece[],
  { shape, dtype }: CheckpointTensor,
): Pick<TensorDigest, "uniform" | "constant"> {
  return { uniform: isCommonplace(pieces, shape, dtype), constant: constantOf(pieces) };
}

async function digestPacked(reader: RowReader, tensor: CheckpointTensor): Promise<TensorDigest> {
  const { name, dtype, shape, begin, end } = tensor;
  const parts: string[] = [];
  const stored: Piece[] = [];
  const numbers: Piece[] = [];
  for (const [start, count] of sampleWindows(end - begin)) {
    const bytes = await reader.bytes(name, start, count);
    stored.push({ start, values: bytes });
    const whole = wholeNumbers(bytes, start, dtype);
    if (whole !== null) numbers.push(whole);
    parts.push(toHex(blake3(bytes)));
  }
  const text = `${dtype} ${shape.join("x")} ${parts.join(" ")}`;
  const digest = toHex(blake3(new TextEncoder().encode(text)).subarray(0, 16));
  const values = { f32: digest, f16: digest, bf16: digest };
  // Packed values are no numbers, but bytes that are all one and the same say nothing either.
  if (numbers.length === 0) return { values, uniform: constantOf(stored) !== undefined, constant: undefined };
  return { values, ...plainness(numbers, tensor) };
}

/** [start, count] of what is digested of `length` bytes. */
function sampleWindows(length: number): Window[] {
  if (length <= 3 * PACKED_WINDOW) return [[0, length]];
  return [0, Math.floor((length - PACKED_WINDOW) / 2), length - PACKED_WINDOW].map((start) => [start, PACKED_WINDOW]);
}

/**
 * The tensors that a model is known by. Indices and masks are stored or left out as libraries like: they count only where
 * nothing else says anything.
 */
export function counted<T extends Pick<TensorRecord, "dtype" | "values" | "uniform">>(
  records: readonly T[],
): readonly T[] {
  const read = records.filter(({ values }) => values !== null);
  const weights = read.filter(({ dtype }) => !holdsIndices(dtype));
  return weights.some(({ uniform }) => !uniform) ? weights : read;
}

/** Root over the digests of stored tensors, whatever they are called. */
export function storedRoot(records: readonly TensorRecord[]): string {
  const leaf = ({ shape, values }: TensorRecord): string => `${shape.join("x")} ${values!.f32}`;
  return rootOf(onceWhereTied(counted(records).map((r) => ({ shape: r.shape, leaf: leaf(r) }))));
}

/** Root over the values of everything sampled. */
export function sampledRoot(sketches: readonly MatrixSketch[], vectors: ReadonlyMap<string, ValueDigest>): string {
  const leaves = [...vectors.values()].map((v) => v.f32);
  const tokens = new Set<string>();
  for (const s of sketches) {
    if (s.twin) continue;
    const leaf = `${s.rows}x${s.cols} ${s.digest.f32}`;
    if (s.tokens) tokens.add(leaf);
    else leaves.push(leaf);
  }
  return rootOf([...leaves, ...tokens]);
}

/** Root over the stored bytes of every tensor, or null when some were not read. */
export function contentRoot(records: readonly TensorRecord[]): string | null {
  const leaves: { shape: readonly number[]; leaf: string }[] = [];
  for (const r of records) {
    if (r.content === null) return null;
    leaves.push({ shape: r.shape, leaf: `${r.dtype} ${r.shape.join("x")} ${r.content}` });
  }
  return rootOf(onceWhereTied(leaves));
}

/**
 * Repeated layers are content; an embedding stored again as its tied head is not. Names may say nothing, so a pair counts
 * as tied when two equal matrices are the only ones of their shape.
 */
function onceWhereTied(tensors: readonly { readonly shape: readonly number[]; readonly leaf: string }[]): string[] {
  const shapes = new Map<string, { count: number; leaves: Set<string> }>();
  const keyOf = (shape: readonly number[]): string => (shape.length === 2 ? shape.join("x") : "");
  for (const { shape, leaf } of tensors) {
    const key = keyOf(shape);
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, { count: 1, leaves: new Set([leaf]) });
    else {
      known.count += 1;
      known.leaves.add(leaf);
    }
  }
  const seen = new Set<string>();
  return tensors.flatMap(({ shape, leaf }) => {
    const { count, leaves } = shapes.get(keyOf(shape))!;
    if (shape.length !== 2 || count !== 2 || leaves.size !== 1) return [leaf];
    if (seen.has(leaf)) return [];
    seen.add(leaf);
    return [leaf];
  });
}

function rootOf(leaves: string[]): string {
  return toHex(blake3(new TextEncoder().encode(leaves.sort().join("\n"))));
}
