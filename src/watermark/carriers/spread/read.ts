import { availableParallelism } from "node:os";
import type { CanonicalTensor } from "../../../anatomy/anatomy.ts";
import { takeTurn } from "../../../bytes/turn.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { holdsValues } from "../../../formats/dtype-kind.ts";
import type { Dtype } from "../../../formats/tensor-info.ts";
import { isDirect } from "../../../kernels/coins.ts";
import { type Address, addressOf } from "../../../rows/addressed-matrix.ts";
import { openPool } from "../../../threads/pool.ts";
import { rowStarts } from "../../host/stored-rows.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { spreadMatrices } from "./matrices.ts";
import { type MatrixTask, readSpreadTask, type SpreadReply, type SpreadTask } from "./read-task.ts";
import { spreadKeys } from "./spread-keys.ts";
import { addSpreadSums, emptySpreadSums, type ScaledMatrix, type SpreadUnits } from "./spread-units.ts";

/** Weights of a task: a message and its reply cost as much as reading a hundred thousand. */
const TASK_WEIGHTS = 1 << 25;

/** Tasks given out at a time for each thread: enough to bridge what else the calling thread is doing. */
const WAITING = 6;

/** Signs that a matrix is read with. */
export interface ReadSigns {
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
}

export interface ReadSpreadOptions {
  /** 0 reads on the calling thread. @default at most 2 */
  readonly threads?: number | undefined;
  /** By address: signs that will be applied before marking. */
  readonly flips?: ReadonlyMap<string, ReadSigns>;
  /** Leaves out what cannot be marked in place, counts what can be moved and keeps the column scales. @default false */
  readonly marking?: boolean;
  /** Weights read so far, and of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Matrices that are read. @default all */
  readonly only?: ((matrix: Address) => boolean) | undefined;
}

/**
 * Sums over all chips of the spread carrier under `key`, in one pass over the weights; equal to the bit for any number of
 * threads. Memory does not grow with the model, but for `marking`: four bytes for every column of every matrix.
 */
export async function readSpread(
  checkpoint: Checkpoint,
  key: ModelKey,
  options: ReadSpreadOptions = {},
): Promise<SpreadUnits> {
  const marking = options.marking ?? false;
  const readable = spreadMatrices(checkpoint, marking ? isDirect : isReadable);
  const matrices = readable.filter((one) => key.covers(one.layer) && (options.only?.(one) ?? true));
  const total = matrices.reduce((n, { rows, cols }) => n + rows * cols, 0);
  const sums = emptySpreadSums();
  const found = new Map<string, ScaledMatrix>();
  let done = 0;
  const collect = (task: SpreadTask, reply: SpreadReply): void => {
    addSpreadSums(sums, reply.sums);
    const scales = new Map(reply.scales);
    for (const { address, layer, rows, cols, dtype } of task.matrices) {
      const scale = scales.get(address);
      if (scale === undefined || !isDirect(dtype)) continue;
      found.set(address, { layer, scales: scale, weights: rows * cols, dtype });
    }
    done += weightsOf(task);
    options.onProgress?.(done, total);
  };
  await runInOrder(planTasks(checkpoint, matrices, key, options), checkpoint, options, collect);
  return { ...sums, weights: total, matrices: found };
}

/** Integers are codes of weights; those of whole rows or columns that share a scale read like the weights themselves. */
function isReadable(dtype: Dtype): boolean {
  return holdsValues(dtype) || dtype === "I8";
}

/** Rows of neighbouring matrices of one file, task after task: made when their turn comes. */
function* planTasks(
  checkpoint: Checkpoint,
  matrices: readonly CanonicalTensor[],
  key: ModelKey,
  { flips, marking }: ReadSpreadOptions,
): Generator<SpreadTask> {
  let batch: MatrixTask[] = [];
  let weights = 0;
  let file = -1;
  const flush = function* (): Generator<SpreadTask> {
    if (batch.length > 0) {
      const path = checkpoint.files[file]!.absolutePath;
      yield { file, path, matrices: batch, marking: marking ?? false };
    }
    batch = [];
    weights = 0;
  };
  for (const view of matrices) {
    const tensor = checkpoint.tensors.get(view.tensor)!;
    const { layer, rows, cols, colStride } = view;
    const address = addressOf(view);
    const keys = spreadKeys(key, layer);
    const { dtype, begin, end } = tensor;
    const starts = rowStarts(view.rowOffset, rows);
    const signs = { rowSigns: flips?.get(address)?.rowSigns ?? null, colSigns: flips?.get(address)?.colSigns ?? null };
    const step = colStride === 1 ? Math.max(1, Math.floor(TASK_WEIGHTS / cols)) : rows;
    for (let first = 0; first < rows; first += step) {
      const count = Math.min(step, rows - first);
      if (tensor.file !== file || weights + count * cols > TASK_WEIGHTS) yield* flush();
      file = tensor.file;
      batch.push({ address, layer, dtype, begin, end, rows, cols, starts, colStride, first, count, ...signs, keys });
      weights += count * cols;
    }
  }
  yield* flush();
}

function weightsOf({ matrices }: SpreadTask): number {
  return matrices.reduce((n, { count, cols }) => n + count * cols, 0);
}

/** Runs the tasks on worker threads, or here; replies are collected in the order of the tasks. */
async function runInOrder(
  tasks: Iterable<SpreadTask>,
  checkpoint: Checkpoint,
  options: ReadSpreadOptions,
  collect: (task: SpreadTask, reply: SpreadReply) => void,
): Promise<void> {
  const threads = options.threads ?? Math.min(2, availableParallelism());
  if (threads === 0 || checkpoint.files.some(({ absolutePath }) => absolutePath === null)) {
    for (const task of tasks) {
      await takeTurn(options.signal);
      collect(task, await readSpreadTask(task, checkpoint.files[task.file]!.source));
    }
    return;
  }
  const pool = await openPool<SpreadTask, SpreadReply>("readSpread", { threads });
  const waiting: { task: SpreadTask; reply: Promise<SpreadReply> }[] = [];
  try {
    for (const task of tasks) {
      const reply = pool.run(task, options.signal);
      // Awaited in its turn; until then a failure must not count as unhandled.
      reply.catch(() => {});
      waiting.push({ task, reply });
      if (waiting.length > WAITING * threads) await collectFirst();
    }
    while (waiting.length > 0) await collectFirst();
  } finally {
    await pool.close();
  }

  async function collectFirst(): Promise<void> {
    const { task, reply } = waiting.shift()!;
    collect(task, await reply);
  }
}
