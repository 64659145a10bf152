import { adapterSummary } from "../anatomy/adapter.ts";
import type { Anatomy } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import { adapterBase } from "../checkpoint/adapter-config.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import { storedBytes } from "../checkpoint/stored-bytes.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { RowReader } from "../rows/row-reader.ts";
import { chooseReadings } from "./choose-readings.ts";
import {
  type Depth,
  FINGERPRINT_VERSION,
  type Fingerprint,
  type MatrixSketch,
  type TensorRecord,
  type ValueDigest,
} from "./fingerprint.ts";
import { type ContentRecord, readContents } from "./full-pass.ts";
import { contentRoot, counted, sampledRoot, storedRoot, type TensorDigest, withTellingConstants } from "./identity.ts";
import { readAll } from "./read-all.ts";
import { readingProgress } from "./reading-progress.ts";
import { tossCoins } from "./sketch.ts";

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
 * Fingerprint of a checkpoint, without a deep part.
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
  const chosen = chooseReadings(checkpoint, anatomy);
  const reader = new RowReader(checkpoint, undefined, options.signal);
  const { untossed, slices, each } = await readAll(reader, checkpoint, chosen.readings, { progress, ...options });

  const digests = withTellingConstants(each, checkpoint.tensors);
  const sketches: MatrixSketch[] = untossed.map(({ sketch }) => sketch);
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
      worth: chosen.worth,
      matrices: chosen.matrices,
      digested: digests.size,
      tensors: checkpoint.tensors.size,
    },
    adapter,
    bytesRead: reader.bytesRead + tensors.reduce((n, t) => n + (t.content === null ? 0 : size(checkpoint, t.name)), 0),
    bytesTotal: storedBytes(checkpoint),
    tensors,
    sketches,
    slices,
    notes: [...checkpoint.notes, ...anatomy.notes, ...chosen.notes],
  };
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
