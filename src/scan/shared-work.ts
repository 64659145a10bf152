import { setTimeout as delay } from "node:timers/promises";
import { ERRORS, WeightmarkError } from "../errors.ts";
import { failedItem } from "./failure.ts";
import type { ScanItem } from "./item.ts";
import type { JobQueue } from "./job-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanTarget } from "./target.ts";
import type { Work } from "./work.ts";

export interface SharedWorkOptions {
  readonly store: ResultStore;
  readonly queue: JobQueue;
  /** What the jobs call the scan. */
  readonly scan: string;
  /** Told when the database cannot be reached; it is tried again. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
  /** Milliseconds between looks at the results, at least. @default 1000 */
  readonly pollMs?: number | undefined;
  /** @default timers */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Targets whose results are waited for: what they need here is half a kilobyte each. */
const AHEAD = 20_000;
const BATCH = 200;
/** Looking takes a tenth of the time at most: the ids of a million results take a second. */
const LOOKING_SHARE = 10;

async function timers(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Work of whoever takes jobs from a queue that many machines share. Nothing is worked on here. */
export function sharedWork(options: SharedWorkOptions): Work {
  const { store, queue, scan, onTrouble, pollMs = 1000, sleep = timers } = options;
  /** Not in the queue yet. */
  let fresh: ScanTarget[] = [];
  /** In the queue, or with somebody who has taken it from there. */
  const pending = new Map<string, ScanTarget>();
  let isEnded = false;

  async function flush(): Promise<void> {
    while (fresh.length > 0) {
      const batch = fresh.slice(0, BATCH);
      await queue.add(batch.map((target) => ({ scan, target })));
      // What the listing said of a repository is for who reads it.
      for (const target of batch) pending.set(target.id, { ...target, repository: null });
      fresh = fresh.slice(batch.length);
    }
  }

  /** Results that stand, of what is waited for. */
  async function collect(onItem: (item: ScanItem) => void): Promise<void> {
    const finished = await store.finished();
    for (const id of [...pending.keys()]) {
      const item = finished.has(id) ? await store.get(id) : null;
      if (item === null) continue;
      pending.delete(id);
      onItem(item);
    }
  }

  /** Nobody works any more: what is left failed as often as is allowed, or was lost with its worker. */
  async function giveUp(onItem: (item: ScanItem) => void): Promise<void> {
    const { waiting, active } = await queue.counts(scan);
    if (waiting + active > 0) return;
    for (const [id, target] of [...pending]) {
      const item = (await store.get(id)) ?? lost(target);
      await store.put(item);
      pending.delete(id);
      onItem(item);
    }
  }

  return {
    ahead: AHEAD,
    async add(target) {
      if (pending.has(target.id)) return false;
      fresh.push(target);
      return true;
    },
    end() {
      isEnded = true;
    },
    async run(onItem, signal) {
      while (!signal.aborted) {
        const began = performance.now();
        try {
          await flush();
          await collect(onItem);
          if (pending.size > 0) await giveUp(onItem);
        } catch (error) {
          if (!(error instanceof WeightmarkError) || ERRORS[error.code].exit !== 5) throw error;
          onTrouble?.(error);
        }
        if (isEnded && pending.size === 0 && fresh.length === 0) return;
        await sleep(Math.max(pollMs, LOOKING_SHARE * (performance.now() - began)), signal);
      }
    },
  };
}

function lost(target: ScanTarget): ScanItem {
  const error = new WeightmarkError("WORKER_LOST", "every worker that took this on was lost", {
    detail: "See the logs of the workers: memory may be short.",
  });
  return failedItem(target, error);
}
