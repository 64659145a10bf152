import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WeightmarkError } from "../errors.ts";
import type { ScanItem } from "./item.ts";
import type { JobQueue, ScanJob, TakenJob } from "./job-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanTarget } from "./target.ts";

/** What happens while jobs are worked on, for logs, metrics and progress. */
export type WorkEvent =
  | { readonly type: "taken"; readonly job: ScanJob; readonly attempt: number }
  /** A result; `stored` is false when another one stands already, `again` when the job is tried once more. */
  | {
      readonly type: "item";
      readonly scan: string;
      readonly item: ScanItem;
      readonly attempt: number;
      readonly stored: boolean;
      readonly again: boolean;
    }
  /** Given back undone, because we were told to stop or cannot do it. */
  | { readonly type: "released"; readonly job: ScanJob }
  /** The queue or the store cannot be reached now; it is tried again. */
  | { readonly type: "trouble"; readonly error: WeightmarkError };

export interface WorkLoopOptions {
  readonly queue: JobQueue;
  /** The store that takes a scan's results. */
  readonly storeOf: (scan: string) => Promise<Pick<ResultStore, "put">>;
  /**
   * Works on one target. Every failure of the target is an item; what it throws ends the loop. Null gives the job back: it
   * is not for us.
   */
  readonly process: (target: ScanTarget, signal: AbortSignal, scan: string) => Promise<ScanItem | null>;
  /** Jobs worked on at a time. */
  readonly concurrency: number;
  /** Aborted: no more jobs are taken, those that are running may end. */
  readonly signal: AbortSignal;
  /** Milliseconds that running jobs have after that; then they are stopped and given back. @default 10,000 */
  readonly graceMs?: number | undefined;
  /** How often a job is tried that failed for a passing reason. @default 1 */
  readonly tries?: number | undefined;
  /** There is no job now: waits, and says whether to look again. @default looks again every second */
  readonly idle?: ((signal: AbortSignal) => Promise<boolean>) | undefined;
  readonly onEvent?: ((event: WorkEvent) => void) | undefined;
  /** @default timers */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** Sleeps, or wakes up when the signal is aborted; never throws. */
async function timers(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function isTrouble(error: unknown): error is WeightmarkError {
  return error instanceof WeightmarkError && error.kind === "passing";
}

/**
 * Takes jobs, works on them, stores what comes of them: in this order, so that a job is over only when its result is
 * durable. Ends when `idle` says so or `signal` is aborted and the running jobs are over or given back.
 *
 * @throws what the store or the queue refuses for good (a full disk); running jobs are stopped then
 */
export async function workLoop(options: WorkLoopOptions): Promise<void> {
  const { queue, concurrency, signal, graceMs = 10_000, onEvent = () => {}, sleep = timers } = options;
  const idle = options.idle ?? (async (stop) => sleep(1000, stop).then(() => true));
  const running = new Set<Promise<void>>();
  // Of our own, for the jobs outlive `signal`, and end at once when the store takes nothing any more.
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  let fatal: { readonly error: unknown } | null = null;
  const isOver = () => signal.aborted || fatal !== null;
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

  /** Tries again what the network or a restarting database broke. Null when it is time to stop. */
  async function insist<T>(step: () => Promise<T>, until: AbortSignal): Promise<{ readonly value: T } | null> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return { value: await step() };
      } catch (error) {
        if (!isTrouble(error)) throw error;
        onEvent({ type: "trouble", error });
        await sleep(wait, until);
        if (until.aborted) return null;
      }
    }
  }

  async function perform(taken: TakenJob): Promise<void> {
    const { job, attempt } = taken;
    onEvent({ type: "taken", job, attempt });
    const item = await options.process(job.target, stopping.signal, job.scan).catch((error: unknown) => {
      if (stopping.signal.aborted) return null;
      throw error;
    });
    // What a stopped job says of itself is that it was stopped.
    const isAnswer = item !== null && !(stopping.signal.aborted && item.status === "failed");
    const stored = isAnswer
      ? await insist(async () => (await options.storeOf(job.scan)).put(item), stopping.signal)
      : null;
    if (stored === null || item === null) {
      await taken.release().catch(() => undefined);
      return onEvent({ type: "released", job });
    }
    const again = item.failure?.passing === true && attempt < (options.tries ?? 1);
    await insist(() => (again ? taken.retry(item.failure!.code) : taken.complete()), stopping.signal);
    onEvent({ type: "item", scan: job.scan, item, attempt, stored: stored.value, again });
  }

  function begin(taken: TakenJob): void {
    const work = perform(taken)
      .catch((error) => {
        fatal ??= { error };
        stopping.abort();
      })
      .finally(() => running.delete(work));
    running.add(work);
  }

  try {
    while (!isOver()) {
      const taken = await insist(() => queue.take(concurrency - running.size), signal);
      for (const one of taken?.value ?? []) begin(one);
      if (running.size >= concurrency) await Promise.race([stopped, ...running]);
      else if (taken?.value.length === 0 && !(await Promise.race([idle(signal), stopped, ...running].map(goOn)))) {
        if (running.size === 0) break;
        await Promise.race([stopped, ...running]);
      }
    }
  } catch (error) {
    fatal ??= { error };
    stopping.abort();
  }
  const grace = new AbortController();
  void sleep(graceMs, grace.signal).then(() => stopping.abort());
  await Promise.all(running);
  grace.abort();
  if (fatal !== null) throw (fatal as { error: unknown }).error;
}

/** A job that ended is a reason to look again; `idle` says by itself. */
async function goOn(wait: Promise<boolean | undefined> | Promise<void>): Promise<boolean> {
  return (await wait) ?? true;
}
