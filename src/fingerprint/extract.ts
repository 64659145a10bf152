import { setImmediate } from "node:timers/promises";
import { adapterSummary } from "../anatomy/adapter.ts";
import type { Anatomy, CanonicalTensor } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import { adapterBase } from "../checkpoint/adapter-config.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import { fetchedAhead } from "../rows/batches.ts";
import { holdRanges } from "../rows/held-ranges.ts";
import { holdsValues, RowReader } from "../rows/row-reader.ts";
import {
  type Depth,
  FINGERPRINT_VERSION,
  type Fingerprint,
  type Sketch,
  type Slice,
  type TensorRecord,
  type ValueDigest,
} from "./fingerprint.ts";
import { type ContentRecord, readContents } from "./full-pass.ts";
import {
  contentRoot,
  counted,
  digestedTensors,
  digestTensor,
  sampledRoot,
  storedRoot,
  type TensorDigest,
  withTellingConstants,
} from "./identity.ts";
import { planReadings, type Reading } from "./reading-plan.ts";
import { readingProgress } from "./reading-progress.ts";
import { MAX_COLS, sketched, sliced, worthSketching } from "./sampling.ts";
import { sketchMatrix, tossCoins, type UntossedSketch } from "./sketch.ts";
import { sliceMatrix } from "./slice.ts";

export interface FingerprintOptions {
  /** `sampled` reads some tens of megabytes of any model, `full` every byte once. @default "sampled" */
  readonly depth?: Depth;
  /** Worker threads of the full pass; 0 runs it on this thread. The result never depends on it. @default 2 */
  readonly threads?: number;
  /** Done and to do: at depth `full` bytes, at depth `sampled` readings, of matrices and of tensors. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Fingerprint of a checkpoint.
 *
 * @throws WeightmarkError CHANGED_DURING_READ when a file is replaced or written meanwhile.
 */
export async function fingerprintCheckpoint(
  checkpoint: Checkpoint,
  options: FingerprintOptions = {},
): Promise<Fingerprint> {
  const depth = options.depth ?? "sampled";
  const progress = readingProgress(depth, options.onProgress ?? (() => {}));
  const contents =
    depth === "full" ? readContents(checkpoint, { ...options, onProgress: progress.bytes }) : Promise.resolve(null);
  // A failure of the full pass while sampling is under way is awaited below, not unhandled.
  contents.catch(() => {});

  const anatomy = describeAnatomy(checkpoint.tensors, checkpoint.config);
  const notes = [...checkpoint.notes, ...anatomy.notes];
  const reader = new RowReader(checkpoint, undefined, options.signal);
  const usable = anatomy.matrices.filter((m) => holdsValues(checkpoint.tensors.get(m.tensor)!.dtype));
  if (usable.length < anatomy.matrices.length) {
    notes.push(`${anatomy.matrices.length - usable.length} matrices of integer type were not sampled`);
  }

  const chosen = sketched(usable);
  const worth = worthSketching(usable).length;
  if (chosen.length < worth)
    notes.push(`${chosen.length} of ${worth} matrices were sampled, the largest of each stack`);
  const wide = usable.filter((m) => m.cols > MAX_COLS).length;
  if (wide > 0) notes.push(`${wide} matrices of more than ${MAX_COLS} columns were not sampled`);
  const slicedSet = new Set(sliced(usable));
  const digested = digestedTensors(checkpoint);
  const readings = readingsOf(chosen, slicedSet, digested);
  const untossed: UntossedSketch[] = [];
  const slices: Slice[] = [];
  const each = new Map<string, TensorDigest>();
  progress.readings(0, readings.length);
  const batches = fetchedAhead(
    planReadings(reader, readings),
    ({ ranges }) => holdRanges(checkpoint, ranges, options.signal),
    ({ alone }) => alone,
  );
  for await (const [{ items }, held] of batches) {
    reader.held = held;
    for (const reading of items) {
      // Local reads are synchronous: without a turn of the event loop neither timers nor signals would be heard.
      await setImmediate();
      options.signal?.throwIfAborted();
      if ("digested" in reading) {
        each.set(reading.digested.name, await digestTensor(reader, reading.digested));
      } else {
        const { matrix } = reading;
        untossed.push(await sketchMatrix(reader, matrix));
        const slice = reading.slice ? await sliceMatrix(reader, matrix, untossed.length - 1) : null;
        if (slice) slices.push(slice);
      }
      progress.readings(untossed.length + each.size, readings.length);
    }
  }
  const sketches: Sketch[] = untossed.map(({ sketch }) => sketch);
  const digests = withTellingConstants(each, checkpoint.tensors);
  const sampled = sampledRoot(sketches, vectorsOf(checkpoint, anatomy, digests));
  for (const one of untossed) tossCoins(one, sampled);
  const summary = adapterSummary(checkpoint.tensors.keys());
  const adapter = summary === null ? null : { ...summary, base: await adapterBase(checkpoint) };
  const read = await contents;
  await checkpoint.verifyUnchanged();

  const stacks = new Map(anatomy.matrices.map((m) => [m.tensor, m.stack]));
  const tensors = records(checkpoint, digests, stacks, read);
  return {
    version: FINGERPRINT_VERSION,
    depth,
    family: anatomy.family,
    confidence: anatomy.confidence,
    parameters: parameterCount(checkpoint),
    dtypes: census(tensors),
    roots: { content: contentRoot(tensors), sampled, stored: storedRoot(tensors) },
    coverage: {
      sketched: sketches.length,
      worth,
      matrices: usable.filter((m) => m.twin !== true).length,
      digested: digests.size,
      tensors: checkpoint.tensors.size,
    },
    adapter,
    bytesRead: reader.bytesRead + tensors.reduce((n, t) => n + (t.content === null ? 0 : size(checkpoint, t.name)), 0),
    bytesTotal: checkpoint.files.reduce((n, f) => n + f.source.size, 0),
    tensors,
    sketches,
    slices,
    notes,
  };
}

/** Each tensor's digest beside its first matrix: what both read is fetched once. */
function readingsOf(
  chosen: readonly CanonicalTensor[],
  slicedSet: ReadonlySet<CanonicalTensor>,
  digested: readonly CheckpointTensor[],
): Reading[] {
  const waiting = new Map(digested.map((tensor) => [tensor.name, tensor]));
  const readings: Reading[] = [];
  for (const matrix of chosen) {
    readings.push({ matrix, slice: slicedSet.has(matrix) });
    const tensor = waiting.get(matrix.tensor);
    if (tensor === undefined) continue;
    waiting.delete(matrix.tensor);
    readings.push({ digested: tensor });
  }
  for (const tensor of waiting.values()) readings.push({ digested: tensor });
  return readings;
}

/** Digests of what no matrix covers, and of whole numbers: with the sketches they make up the content. */
function vectorsOf(
  checkpoint: Checkpoint,
  anatomy: Anatomy,
  digests: ReadonlyMap<string, TensorDigest>,
): Map<string, ValueDigest> {
  const matrices = new Set(anatomy.matrices.map((m) => m.tensor));
  const all = [...digests].map(([name, digest]) => ({ name, dtype: checkpoint.tensors.get(name)!.dtype, ...digest }));
  const vectors = counted(all).filter(({ name, dtype }) => !matrices.has(name) || !holdsValues(dtype));
  return new Map(vectors.map(({ name, values }) => [name, values]));
}

function records(
  checkpoint: Checkpoint,
  digests: ReadonlyMap<string, TensorDigest>,
  stacks: ReadonlyMap<string, string>,
  contents: ReadonlyMap<string, ContentRecord> | null,
): TensorRecord[] {
  return [...checkpoint.tensors.values()]
    .map((t) => ({
      name: t.name,
      dtype: t.dtype,
      shape: t.shape,
      content: contents?.get(t.name)?.content ?? null,
      moments: contents?.get(t.name)?.moments ?? null,
      values: digests.get(t.name)?.values ?? null,
      component: stacks.get(t.name) ?? null,
      uniform: digests.get(t.name)?.uniform ?? false,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function census(tensors: readonly TensorRecord[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const t of tensors) counts.set(t.dtype, (counts.get(t.dtype) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function size(checkpoint: Checkpoint, name: string): number {
  const tensor = checkpoint.tensors.get(name)!;
  return tensor.end - tensor.begin;
}
