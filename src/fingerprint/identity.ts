import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { blake3 } from "../kernels/blake3.ts";
import type { Sketch, TensorRecord, ValueDigest } from "./fingerprint.ts";
import { toHex } from "./hex.ts";
import { holdsCodes, holdsValues, type RowReader } from "./row-reader.ts";
import { byteRange, elementRange, type FileRange } from "./stored-ranges.ts";
import { tensorWindows, type Window } from "./tensor-windows.ts";
import { digestValues } from "./value-digest.ts";

/** Code tensors (packed, quantised) are digested at their first, middle and last bytes. */
const CODE_WINDOW = 4096;
/** More tensors than any model has: a header could name millions, and every digest is a read. */
const MAX_DIGESTED = 1 << 17;

/** What `digestTensor` found. */
export interface TensorDigest {
  readonly values: ValueDigest;
  /** Whether all digested values are one and the same. */
  readonly uniform: boolean;
}

/**
 * The tensors that are digested: all that hold values or integer codes, the largest where there are too many. Two
 * quantised models with equal norms and embeddings are not the same model when their codes differ.
 */
export function digestedTensors(checkpoint: Checkpoint): CheckpointTensor[] {
  const worth = [...checkpoint.tensors.values()].filter(({ dtype }) => holdsValues(dtype) || holdsCodes(dtype));
  if (worth.length > MAX_DIGESTED) {
    worth.sort((a, b) => b.end - b.begin - (a.end - a.begin) || (a.name < b.name ? -1 : 1));
    worth.length = MAX_DIGESTED;
  }
  return worth.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What `digestTensor` reads. */
export function digestRanges(tensor: CheckpointTensor): FileRange[] {
  if (holdsCodes(tensor.dtype)) {
    return codeWindows(tensor.end - tensor.begin).map(([start, count]) => byteRange(tensor, start, count));
  }
  return tensorWindows(tensor.shape).map(([start, count]) => elementRange(tensor, start, count));
}

/** Digest of one of the `digestedTensors`. */
export async function digestTensor(reader: RowReader, tensor: CheckpointTensor): Promise<TensorDigest> {
  if (holdsCodes(tensor.dtype)) return digestCodes(reader, tensor);
  const windows = tensorWindows(tensor.shape);
  const values = new Float32Array(windows.reduce((sum, [, count]) => sum + count, 0));
  let at = 0;
  for (const [start, count] of windows) {
    values.set(await reader.elements(tensor.name, start, count), at);
    at += count;
  }
  return { values: digestValues(values), uniform: isUniform(values) };
}

async function digestCodes(
  reader: RowReader,
  { name, dtype, shape, begin, end }: CheckpointTensor,
): Promise<TensorDigest> {
  const parts: string[] = [];
  let uniform = true;
  let first: number | undefined;
  for (const [start, count] of codeWindows(end - begin)) {
    const bytes = await reader.bytes(name, start, count);
    first ??= bytes[0];
    uniform &&= bytes.every((byte) => byte === first);
    parts.push(toHex(blake3(bytes)));
  }
  const text = `${dtype} ${shape.join("x")} ${parts.join(" ")}`;
  const digest = toHex(blake3(new TextEncoder().encode(text)).subarray(0, 16));
  return { values: { f32: digest, f16: digest, bf16: digest }, uniform };
}

/** NaN differs from itself, and yet nothing but NaN says nothing. */
function isUniform(values: Float32Array): boolean {
  const first = values[0];
  for (let i = 1; i < values.length; i++)
    if (values[i] !== first && !(Number.isNaN(values[i]) && Number.isNaN(first))) return false;
  return true;
}

/** [start, count] of what is digested of `length` bytes. */
function codeWindows(length: number): Window[] {
  if (length <= 3 * CODE_WINDOW) return [[0, length]];
  return [0, Math.floor((length - CODE_WINDOW) / 2), length - CODE_WINDOW].map((start) => [start, CODE_WINDOW]);
}

/** Root over the digests of all stored tensors, whatever they are called. */
export function storedRoot(records: readonly TensorRecord[]): string {
  return rootOf(
    onceWhereTied(
      records.flatMap((r) =>
        r.values === null ? [] : [{ shape: r.shape, leaf: `${r.shape.join("x")} ${r.values.f32}` }],
      ),
    ),
  );
}

/** Root over the values of everything sampled. */
export function sampledRoot(sketches: readonly Sketch[], vectors: ReadonlyMap<string, ValueDigest>): string {
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
