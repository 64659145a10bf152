import { setTimeout as delay } from "node:timers/promises";
import { createGateMemory, gateWaitMs } from "../../bytes/http/shared-gate.ts";
import { WeightmarkError } from "../../errors.ts";
import type { JobQueueOptions } from "../postgres/job-queue.ts";
import { openScanDatabase } from "../postgres/open-database.ts";
import type { ResultStore } from "../result-store.ts";
import { workLoop } from "../work-loop.ts";
import { type Choice, choosyQueue } from "./choosy-queue.ts";
import { type DeclinedScan, OfferedScans, type WorkerSettings } from "./offered-scans.ts";
import { openStatusServer } from "./status-server.ts";
import type { WorkerEvent } from "./worker-event.ts";
import { workerMetrics } from "./worker-metrics.ts";

export interface WorkerOptions {
  /** postgres://... The password is in no event. */
  readonly database: string;
  readonly settings: WorkerSettings;
  /** Where /metrics, /healthz and /readyz are served, or null. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  /** Milliseconds that running jobs have once the worker is told to stop. */
  readonly drainMs: number;
  /** End when there is no job to be taken. */
  readonly once: boolean;
  /** Aborted: takes no more jobs. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly queue?: JobQueueOptions | undefined;
  /** Milliseconds between two looks for jobs when there was none. @default 1,000 */
  readonly pollMs?: number | undefined;
}

/** Milliseconds between two looks at how much waits. */
const COUNT_MS = 10_000;
/** Tries of a job that fails for a passing reason; others may make them. */
const TRIES = 3;

/**
 * Takes jobs of all scans of a database and works on them until it is told to stop. Secrets of this machine (tokens, keys)
 * stay on it; a scan that was started with another registry, other keys or another version is left to others.
 *
 * @throws what opening the database throws; what it refuses for good
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { settings, signal, onEvent } = options;
  const gate = createGateMemory();
  const database = await openScanDatabase(options.database);
  const openScan = (scan: string) => database.openScan(scan);
  const scans = new OfferedScans(openScan, { ...settings, gate }, (error) => onEvent({ type: "trouble", error }));
  let waiting: number | null = null;
  const metrics = workerMetrics({
    version: settings.version,
    queueWaiting: () => waiting,
    rateLimitWaitMs: () => gateWaitMs(gate),
    draining: () => signal.aborted,
  });
  const tell = (event: WorkerEvent) => {
    metrics.onEvent(event);
    onEvent(event);
  };
  const told = new Set<DeclinedScan>();
  const decline = (scan: string, declined: DeclinedScan) => {
    if (told.has(declined)) return;
    told.add(declined);
    tell({ type: "declined", scan, error: declined.error });
  };
  const choose = async (scan: string): Promise<Choice> => {
    const answer = await scans.get(scan);
    if ("workers" in answer) return "work";
    decline(scan, answer);
    return answer.gone ? "end" : "leave";
  };
  const jobs = await database.openQueue(options.queue);
  const stopCounting = new AbortController();
  const counting = every(COUNT_MS, stopCounting.signal, async () => {
    const counts = await Promise.all(scans.offered().map((scan) => jobs.counts(scan)));
    waiting = counts.reduce((sum, count) => sum + count.waiting, 0);
  });
  signal.addEventListener("abort", () => tell({ type: "draining" }), { once: true });
  const status =
    options.metrics === null
      ? null
      : await openStatusServer({
          ...options.metrics,
          metrics: () => metrics.text(),
          async notReady() {
            if (signal.aborted) return "draining";
            await database.ping();
            return null;
          },
        });
  tell({ type: "ready", database: database.location, metrics: status?.port ?? null });
  try {
    await workLoop({
      queue: choosyQueue(jobs, choose),
      async storeOf(scan) {
        const answer = await scans.get(scan);
        const store = "store" in answer ? answer.store : await openScan(scan);
        return wantedStore(scan, store, openScan, tell);
      },
      async process(target, stop, scan) {
        const answer = await scans.get(scan);
        if (!("workers" in answer)) return null;
        try {
          return await scans.during(scan, () => answer.workers.process(target, stop));
        } catch (error) {
          if (!(error instanceof WeightmarkError) || stop.aborted) throw error;
          // A thread that was started late found another registry or other keys than the scan began with.
          decline(scan, scans.decline(scan, error));
          return null;
        }
      },
      concurrency: settings.threads === 0 ? settings.tasksPerThread : settings.threads * settings.tasksPerThread,
      signal,
      graceMs: options.drainMs,
      tries: TRIES,
      idle: async (stop) => {
        if (options.once) return false;
        await delay(options.pollMs ?? 1000, undefined, { signal: stop }).catch(() => undefined);
        return true;
      },
      onEvent: tell,
    });
  } finally {
    stopCounting.abort();
    await counting;
    await status?.close();
    await scans.close();
    await jobs.close();
    await database.close();
  }
  tell({ type: "stopped" });
}

/** A scan may end or be removed while a job of it is still worked on: that is no reason for a worker to end. */
function wantedStore(
  scan: string,
  store: ResultStore | null,
  openScan: (scan: string) => Promise<ResultStore | null>,
  tell: (event: WorkerEvent) => void,
): Pick<ResultStore, "put"> {
  return {
    async put(item) {
      try {
        if (store !== null) return await store.put(item);
      } catch (error) {
        if (isPassing(error)) throw error;
        const now = await openScan(scan);
        if (now !== null && !now.complete) throw error;
      }
      tell({ type: "unwanted", scan, id: item.id });
      return false;
    },
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof WeightmarkError && error.kind === "passing";
}

/** Now and every `ms`; what fails is tried again next time. */
async function every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work().catch(() => undefined);
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}
