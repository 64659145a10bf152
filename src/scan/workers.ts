import { type ErrorData, errorData, errorOf, WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import { openPool } from "../threads/pool.ts";
import { openScanContext } from "./context.ts";
import { failedItem } from "./failure.ts";
import type { ScanItem } from "./item.ts";
import { scanTarget } from "./scan-target.ts";
import type { ScanSetup } from "./setup.ts";
import type { ScanTarget } from "./target.ts";

/** What works on targets. */
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

/** A target from a thread, with what got in the way since its last. */
export interface Scanned {
  readonly item: ScanItem;
  readonly trouble: readonly ErrorData[];
}

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

async function threadWorkers(
  setup: ScanSetup,
  { threads, tasksPerThread }: WorkersOptions,
  onTrouble: (error: WeightmarkError) => void,
): Promise<Workers> {
  const pool = await openPool<ScanTarget, Scanned>("scanTarget", { threads, tasksPerThread, data: setup });
  return {
    concurrency: threads * tasksPerThread,
    async process(target, signal) {
      const { item, trouble } = await pool.run(target, signal).catch((error: unknown): Scanned => {
        if (signal.aborted || error instanceof WeightmarkError) throw error;
        return { item: lost(target, error), trouble: [] };
      });
      for (const data of trouble) onTrouble(errorOf(data));
      return item;
    },
    close: () => pool.close(),
  };
}

function lost(target: ScanTarget, cause: unknown): ScanItem {
  const limit = machineLimit(cause);
  if (limit !== null) return failedItem(target, limit);
  const why = cause instanceof Error ? cause.message : String(cause);
  return failedItem(
    target,
    new WeightmarkError("WORKER_LOST", `a worker thread died (${why})`, {
      detail: "Use fewer `ScanOptions.threads` if memory is short.",
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
export function threadWork(setup: ScanSetup): (target: ScanTarget) => Promise<Scanned> {
  const trouble: ErrorData[] = [];
  const opened = openScanContext(setup, (error) => trouble.push(errorData(error)));
  opened.catch(() => undefined);
  const never = new AbortController().signal;
  return async (target) => {
    const item = await scanTarget(target, await opened, never);
    return { item, trouble: trouble.splice(0) };
  };
}
