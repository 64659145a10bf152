import type { Anatomy } from "../anatomy/anatomy.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { blake3 } from "../kernels/blake3.ts";
import type { Sketch, TensorRecord, ValueDigest } from "./fingerprint.ts";
import { toHex } from "./hex.ts";
import { holdsCodes, holdsValues, type RowReader } from "./row-reader.ts";
import { indexedByTokens } from "./sampling.ts";
import { byteRange, elementCount, elementRange, type FileRange } from "./stored-ranges.ts";
import { digestValues } from "./value-digest.ts";

/** Values of a non-matrix that are digested: everything up to three windows, else the first, middle and last window. */
const WINDOW = 4096;
/** A checkpoint of a million vectors would otherwise be a million reads. */
const MAX_DIGESTED_VECTORS = 20_000;

/**
 * The tensors that no sketch covers and that are digested on their own: values of norms and biases, stored bytes of
 * integer codes. Two quantised models with equal norms and embeddings are not the same model when their codes differ.
 */
export function digestedTensors(checkpoint: Checkpoint, anatomy: Anatomy): CheckpointTensor[] {
  const chosen = new Map<string, CheckpointTensor>();
  for (const { tensor: name } of anatomy.others) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor && holdsValues(tensor.dtype) && chosen.size < MAX_DIGESTED_VECTORS) chosen.set(name, tensor);
  }
  for (const name of [...checkpoint.tensors.keys()].sort()) {
    const tensor = checkpoint.tensors.get(name)!;
    if (holdsCodes(tensor.dtype) && chosen.size < MAX_DIGESTED_VECTORS) chosen.set(name, tensor);
  }
  return [...chosen.values()];
}

/** What `digestTensor` reads. */
export function digestRanges(tensor: CheckpointTensor): FileRange[] {
  if (holdsCodes(tensor.dtype)) {
    return windowStarts(tensor.end - tensor.begin).map(([start, count]) => byteRange(tensor, start, count));
  }
  return windowStarts(elementCount(tensor)).map(([start, count]) => elementRange(tensor, start, count));
}

/** Digest of one of the `digestedTensors`. */
export async function digestTensor(reader: RowReader, tensor: CheckpointTensor): Promise<ValueDigest> {
  return holdsCodes(tensor.dtype) ? digestCodes(reader, tensor) : digestValues(await windows(reader, tensor));
}

async function digestCodes(
  reader: RowReader,
  { name, dtype, shape, begin, end }: CheckpointTensor,
): Promise<ValueDigest> {
  const parts: string[] = [];
  for (const [start, count] of windowStarts(end - begin)) {
    parts.push(toHex(blake3(await reader.bytes(name, start, count))));
  }
  const text = `${dtype} ${shape.join("x")} ${parts.join(" ")}`;
  const digest = toHex(blake3(new TextEncoder().encode(text)).subarray(0, 16));
  return { f32: digest, f16: digest, bf16: digest };
}

async function windows(reader: RowReader, tensor: CheckpointTensor): Promise<Float32Array> {
  const count = elementCount(tensor);
  const out = new Float32Array(Math.min(count, 3 * WINDOW));
  let at = 0;
  for (const [start, size] of windowStarts(count)) {
    out.set(await reader.elements(tensor.name, start, size), at);
    at += size;
  }
  return out;
}

/** [start, count] of what is digested of `length` elements. */
function windowStarts(length: number): [number, number][] {
  if (length <= 3 * WINDOW) return [[0, length]];
  return [0, Math.floor((length - WINDOW) / 2), length - WINDOW].map((start) => [start, WINDOW]);
}

/** Root over the values of everything sampled. */
export function sampledRoot(sketches: readonly Sketch[], vectors: ReadonlyMap<string, ValueDigest>): string {
  const leaves = [...vectors.values()].map((v) => v.f32);
  const tokens = new Set<string>();
  for (const s of sketches) {
    const leaf = `${s.rows}x${s.cols} ${s.digest.f32}`;
    if (s.tokens) tokens.add(leaf);
    else leaves.push(leaf);
  }
  return rootOf([...leaves, ...tokens]);
}

/** Root over the stored bytes of every tensor, or null when some were not read. */
export function contentRoot(records: readonly TensorRecord[], anatomy: Anatomy): string | null {
  const byTokens = new Set(anatomy.matrices.filter(indexedByTokens).map((m) => m.tensor));
  const leaves: string[] = [];
  const tokens = new Set<string>();
  for (const r of records) {
    if (r.content === null) return null;
    const leaf = `${r.dtype} ${r.shape.join("x")} ${r.content}`;
    if (byTokens.has(r.name)) tokens.add(leaf);
    else leaves.push(leaf);
  }
  return rootOf([...leaves, ...tokens]);
}

/** Repeated layers are content; an embedding stored again as its tied head is not, so equal token matrices count once. */
function rootOf(leaves: string[]): string {
  return toHex(blake3(new TextEncoder().encode(leaves.sort().join("\n"))));
}
