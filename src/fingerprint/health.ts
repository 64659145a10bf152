import { setImmediate } from "node:timers/promises";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { decodeToF32 } from "../kernels/decode.ts";
import { inBatches } from "../rows/batches.ts";
import { holdRanges, LOCAL_GAP } from "../rows/held-ranges.ts";
import { bytesIn, elementCount, elementRange, type FileRange } from "../rows/stored-ranges.ts";

/** Values of a window; a tensor of up to three of them is read whole. */
const WINDOW = 1024;
/** Weights read at most, whatever the model: about what a fingerprint reads. */
const MAX_BYTES = 32 << 20;
/** Tensors read at most: a header may name a million, each of which costs a read, or a request where they lie far away. */
const MAX_TENSORS = 4096;

export interface HealthOptions {
  /** Bytes that may be read, what lies between two windows included where that is read too. @default no limit but ours */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the first, middle and last values of one tensor are. */
export interface TensorHealth {
  readonly name: string;
  /** How many values were read. The counts below are of these. */
  readonly sampled: number;
  /** NaN, or infinite as f32. */
  readonly nonFinite: number;
  readonly zero: number;
  /** All are one and the same number. */
  readonly constant: boolean;
}

export interface HealthReading {
  /** Of the tensors that were read, by name. */
  readonly tensors: readonly TensorHealth[];
  /** How many tensors hold values; those that were not read are the smallest. */
  readonly of: number;
}

/**
 * Looks at a few values of every tensor of floating-point type that is not empty, the largest first while bytes and reads
 * last. A tensor in which nothing was seen may still hold something in between.
 */
export async function tensorHealth(checkpoint: Checkpoint, options: HealthOptions = {}): Promise<HealthReading> {
  const valued = [...checkpoint.tensors.values()].filter((t) => holdsValues(t.dtype) && t.end > t.begin);
  const chosen = largest(valued, options.maxBytes ?? Number.POSITIVE_INFINITY);
  const tensors: TensorHealth[] = [];
  // In the order in which they lie: neighbours are fetched together.
  chosen.sort((a, b) => a.file - b.file || a.begin - b.begin);
  for (const { items, ranges } of inBatches(chosen, windows)) {
    const held = await holdRanges(checkpoint, ranges, options.signal);
    for (const tensor of items) {
      const pieces = windows(tensor).map((range) => decodeToF32(held.find(range)!, tensor.dtype));
      tensors.push(healthOf(tensor.name, pieces));
    }
    // Local reads are synchronous: without a turn of the event loop no signal would be heard.
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  await checkpoint.verifyUnchanged();
  return { tensors: tensors.sort((a, b) => (a.name < b.name ? -1 : 1)), of: valued.length };
}

/** The largest tensors whose windows may be read. */
function largest(tensors: readonly CheckpointTensor[], maxBytes: number): CheckpointTensor[] {
  const size = ({ begin, end }: CheckpointTensor): number => end - begin;
  const sorted = [...tensors].sort((a, b) => size(b) - size(a) || (a.name < b.name ? -1 : 1)).slice(0, MAX_TENSORS);
  let bytes = 0;
  let between = 0;
  const tooMany = sorted.findIndex((tensor) => {
    const ranges = windows(tensor);
    bytes += bytesIn(ranges);
    between += ranges.length * LOCAL_GAP;
    return bytes > MAX_BYTES || bytes + between > maxBytes;
  });
  return tooMany < 0 ? sorted : sorted.slice(0, tooMany);
}

function windows(tensor: CheckpointTensor): FileRange[] {
  const count = elementCount(tensor);
  if (count <= 3 * WINDOW) return [elementRange(tensor, 0, count)];
  const starts = [0, Math.floor((count - WINDOW) / 2), count - WINDOW];
  return starts.map((start) => elementRange(tensor, start, WINDOW));
}

function healthOf(name: string, pieces: readonly Float32Array[]): TensorHealth {
  const first = pieces[0]![0]!;
  let [sampled, nonFinite, zero, equal] = [0, 0, 0, 0];
  for (const values of pieces) {
    sampled += values.length;
    for (const value of values) {
      if (!Number.isFinite(value)) nonFinite++;
      if (value === 0) zero++;
      if (value === first) equal++;
    }
  }
  return { name, sampled, nonFinite, zero, constant: nonFinite === 0 && equal === sampled };
}
