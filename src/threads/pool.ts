import { errorOf } from "../errors.ts";
import type { Reply } from "./reply.ts";

/** What threads can do: a file of `workers/` each, under the name that `workers/entry.cts` exports it by. */
export type ThreadWork = "editTensors" | "readSpread" | "readTensors" | "runQuality" | "scanTarget" | "tokenize";

export interface PoolOptions {
  readonly threads: number;
  /** Tasks that one thread has in hand at a time. @default 1 */
  readonly tasksPerThread?: number;
  /** Plain data for every thread, its `workerData`. */
  readonly data?: unknown;
}

/** Worker threads that all do the same work. */
export interface ThreadPool<Task, Value> {
  /**
   * A task runs in the next thread that is free. No thread can be asked to stop: when the signal comes, the promise rejects
   * and the thread is left to itself until the pool is closed.
   *
   * @throws what the work throws; the reason of the signal; where the thread died, the error of Node that says why
   */
  run(task: Task, signal?: AbortSignal): Promise<Value>;
  /** Ends all threads in the middle of what they do. None runs any more when this is done. */
  close(): Promise<void>;
}

/** Opens threads, which take tasks once they have loaded their code. */
export async function openPool<Task, Value>(
  work: ThreadWork,
  { threads, tasksPerThread = 1, data }: PoolOptions,
): Promise<ThreadPool<Task, Value>> {
  // Throws where the working directory was removed: no thread can start there, nor would its tasks ever end.
  process.cwd();
  const { Piscina } = await import("piscina");
  const pool = new Piscina<Task, Reply<Value>>({
    filename: entryUrl(),
    name: work,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: tasksPerThread,
    workerData: data,
  });
  // A thread that dies says so to its tasks; without a listener its error would end the process.
  pool.on("error", () => undefined);
  return {
    async run(task, signal) {
      const reply = await unlessAborted(pool.run(task), signal);
      if ("error" in reply) throw errorOf(reply.error);
      return reply.value;
    },
    close: () => pool.destroy(),
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Worker threads run the build: Node 20 loads no TypeScript. */
function entryUrl(): string {
  const build = import.meta.url.endsWith(".ts") ? "../../dist/workers/" : "../../workers/";
  return new URL(`${build}entry.cjs`, import.meta.url).href;
}
