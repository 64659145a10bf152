import { Piscina } from "piscina";
import { type ErrorData, errorData, errorOf, WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import { openScanContext } from "./context.ts";
import { failedItem } from "./failure.ts";
import type { ScanItem } from "./item.ts";
import { scanTarget } from "./scan-target.ts";
import type { ScanSetup } from "./setup.ts";
import type { ScanTarget } from "./target.ts";

/** Whoever works on targets. */
export interface Workers {
  /** Targets worked on at a time. */
  readonly concurrency: number;
  /** Rejects only for what concerns all targets: a registry that has changed, a key that cannot be opened. */
  process(target: ScanTarget, signal: AbortSignal): Promise<ScanItem>;
  close(): Promise<void>;
}

export interface WorkersOptions {
  /** 0 works on this thread. */
  readonly threads: number;
  readonly tasksPerThread: number;
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
}

/** What a thread answers: errors lose their class on the way, so that they travel as data. */
export type ScanReply =
  | { readonly item: ScanItem; readonly trouble: readonly ErrorData[] }
  | { readonly refused: ErrorData };

/** Opens what `setup` names, once here for its errors, and once in every thread. */
export async function openWorkers(setup: ScanSetup, options: WorkersOptions): Promise<Workers> {
  const onTrouble = onceOfEachKind(options.onTrouble ?? (() => {}));
  const context = await openScanContext(setup, onTrouble);
  if (options.threads === 0) {
    return {
      concurrency: options.tasksPerThread,
      process: (target, signal) => scanTarget(target, context, signal),
      close: () => context.close(),
    };
  }
  const registryIndex = await context.registry?.index();
  await context.close();
  return threadWorkers({ ...setup, registryIndex }, options, onTrouble);
}

function threadWorkers(
  setup: ScanSetup,
  { threads, tasksPerThread }: WorkersOptions,
  onTrouble: (error: WeightmarkError) => void,
): Workers {
  // Throws where the working directory was removed: no thread can start there, nor would its tasks ever end.
  process.cwd();
  const pool = new Piscina<ScanTarget, ScanReply>({
    filename: workerUrl(),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: tasksPerThread,
    workerData: setup,
  });
  // A thread that dies says so to its tasks; without a listener its error would end the process.
  pool.on("error", () => undefined);
  return {
    concurrency: threads * tasksPerThread,
    async process(target, signal) {
      const run = pool.run(target).catch((error: unknown) => ({ item: lost(target, error), trouble: [] }));
      const reply = await unlessAborted(run, signal);
      if ("refused" in reply) throw errorOf(reply.refused);
      for (const trouble of reply.trouble) onTrouble(errorOf(trouble));
      return reply.item;
    },
    close: () => pool.destroy(),
  };
}

/** A thread cannot be asked to stop: it is left to itself until the pool is closed, which ends it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function lost(target: ScanTarget, cause: unknown): ScanItem {
  const limit = machineLimit(cause);
  if (limit !== null) return failedItem(target, limit);
  const why = cause instanceof Error ? cause.message : String(cause);
  return failedItem(
    target,
    new WeightmarkError("WORKER_LOST", `a worker thread died (${why})`, {
      detail: "Use fewer --jobs if memory is short.",
      cause,
    }),
  );
}

/** Every thread meets the same full disk. */
function onceOfEachKind(tell: (error: WeightmarkError) => void): (error: WeightmarkError) => void {
  const told = new Set<string>();
  return (error) => {
    const kind = `${error.code} ${error.message}`;
    if (told.has(kind)) return;
    told.add(kind);
    tell(error);
  };
}

/** Work of one thread: its context is opened with the first target. */
export function threadWork(setup: ScanSetup): (target: ScanTarget) => Promise<ScanReply> {
  const trouble: ErrorData[] = [];
  const opened = openScanContext(setup, (error) => trouble.push(errorData(error)));
  opened.catch(() => undefined);
  const never = new AbortController().signal;
  return async (target) => {
    const context = await opened.catch((error: unknown) => ({ refused: errorData(error) }));
    if ("refused" in context) return context;
    const item = await scanTarget(target, context, never);
    return { item, trouble: trouble.splice(0) };
  };
}

/** Worker threads run the build: Node 20 loads no TypeScript. */
function workerUrl(): string {
  const build = import.meta.url.endsWith(".ts") ? "../../dist/workers/" : "../../workers/";
  return new URL(`${build}scan-target.js`, import.meta.url).href;
}
