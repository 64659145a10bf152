import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openPool } from "../threads/pool.ts";
import { type ContentRecord, type Contents, type ContentTask, readTensors } from "./content-task.ts";

/** Small tensors travel together: a message to a worker costs 25 microseconds, a tensor of 8 kB four. */
const GROUP_BYTES = 64 << 20;
/** Of a virtual file more: for each task its model is opened again. */
const VIRTUAL_GROUP_BYTES = 512 << 20;

export interface FullPassOptions {
  readonly threads?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export type { ContentRecord };

/** Content hash and moments of every tensor of a checkpoint, each byte read once; equal for any number of threads. */
export async function readContents(
  checkpoint: Checkpoint,
  options: FullPassOptions,
): Promise<Map<string, ContentRecord>> {
  const tasks = planTasks(checkpoint);
  const total = tasks.reduce((n, t) => n + sizeOf(t), 0);
  const records = new Map<string, ContentRecord>();
  let done = 0;
  const collect = (task: ContentTask, contents: Contents): void => {
    for (const [name, record] of contents) records.set(name, record);
    done += sizeOf(task);
    options.onProgress?.(done, total);
  };
  const threads = Math.min(options.threads ?? Math.min(2, availableParallelism()), tasks.length);
  if (threads === 0 || tasks.some((t) => t.from === null)) {
    for (const task of tasks) {
      // Local reads are synchronous: without a turn of the event loop neither timers nor signals would be heard.
      await setImmediate();
      options.signal?.throwIfAborted();
      collect(task, await readTensors(task, checkpoint.files[task.file]!.source, options.signal));
    }
    return records;
  }
  const pool = await openPool<ContentTask, Contents>("readTensors", { threads });
  try {
    await Promise.all(tasks.map(async (task) => collect(task, await pool.run(task, options.signal))));
  } finally {
    await pool.close();
  }
  return records;
}

/** Tensors of one file in file order, cut into batches; the largest batches first, so that threads end together. */
function planTasks(checkpoint: Checkpoint): ContentTask[] {
  const tasks: ContentTask[] = [];
  const tensors = [...checkpoint.tensors.values()].sort((a, b) => a.file - b.file || a.begin - b.begin);
  let batch: ContentTask | null = null;
  for (const { name, file, begin, end, dtype } of tensors) {
    const { absolutePath, virtualOf } = checkpoint.files[file]!;
    const most = absolutePath === null ? VIRTUAL_GROUP_BYTES : GROUP_BYTES;
    if (batch === null || batch.file !== file || sizeOf(batch) + end - begin > most) {
      batch = { file, from: absolutePath ?? virtualOf ?? null, tensors: [] };
      tasks.push(batch);
    }
    batch.tensors.push({ name, begin, end, dtype });
  }
  return tasks.sort((a, b) => sizeOf(b) - sizeOf(a));
}

function sizeOf(task: ContentTask): number {
  return task.tensors.reduce((n, t) => n + t.end - t.begin, 0);
}
