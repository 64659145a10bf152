import { setTimeout as delay } from "node:timers/promises";
import { WeightmarkError } from "../errors.ts";
import { failedItem } from "./failure.ts";
import type { Employer, Hands } from "./hands.ts";
import type { JobQueue, ScanJob } from "./job-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanTarget } from "./target.ts";

export interface QueueHandsOptions {
  /** Takes the results of all machines. */
  readonly store: ResultStore;
  readonly queue: JobQueue & { forget(scan: string): Promise<void> };
  /** What jobs call the scan. */
  readonly scan: string;
  /** Leave times out of the results. @default false */
  readonly deterministic?: boolean | undefined;
  /** Told of a database that is away for a while. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
  /** Milliseconds between two looks for results. @default 1,000 */
  readonly pollMs?: number | undefined;
  /** @default a timer that ends early, without a word, when the signal is aborted */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Jobs put into the queue at once, and targets that may be waited for. */
const BATCH = 500;
const AHEAD = 50_000;
/** A look at the results of a large scan takes a while: no more than this part of the time goes into looking. */
const LOOKING_SHARE = 0.05;

/** Workers of any number of machines, which take jobs from a queue and put results into the store. */
export class QueueHands implements Hands {
  readonly #options: QueueHandsOptions;
  /** Targets that jobs are out for, by id. */
  readonly #pending = new Map<string, ScanTarget>();
  #batch: ScanJob[] = [];
  /** Jobs on their way into the queue: no more in the batch, and not out yet. */
  #sending = 0;

  constructor(options: QueueHandsOptions) {
    this.#options = options;
  }

  give(target: ScanTarget): void {
    this.#batch.push({ scan: this.#options.scan, target });
  }

  async room(employer: Employer): Promise<void> {
    const { signal } = employer;
    if (this.#batch.length >= BATCH) await this.#send();
    while (!signal.aborted && this.#pending.size + employer.waiting >= AHEAD) {
      await this.#send();
      await this.#sleep(this.#pollMs, signal);
    }
  }

  async listed(): Promise<void> {
    await this.#send();
  }

  /** Looks for results until all are there. A database that is away is looked for again. */
  async work(employer: Employer): Promise<void> {
    const { signal } = employer;
    try {
      while (!signal.aborted) {
        const began = performance.now();
        const last = employer.listedAll;
        await this.#gather(employer, last).catch((error) => {
          if (!(error instanceof WeightmarkError) || error.kind !== "passing") throw error;
          this.#options.onTrouble?.(error);
        });
        if (last && this.#pending.size + this.#batch.length + this.#sending === 0) return;
        await this.#sleep(Math.max(this.#pollMs, (performance.now() - began) / LOOKING_SHARE), signal);
      }
    } catch (error) {
      // What is in the queue stays there, and what was done is stored.
      if (!signal.aborted) throw error;
    }
  }

  async #send(): Promise<void> {
    const jobs = this.#batch;
    if (jobs.length === 0) return;
    this.#batch = [];
    this.#sending += jobs.length;
    try {
      await this.#options.queue.add(jobs);
    } catch (error) {
      this.#batch.unshift(...jobs);
      throw error;
    } finally {
      this.#sending -= jobs.length;
    }
    for (const { target } of jobs) this.#pending.set(target.id, target);
  }

  async #gather(employer: Employer, listedAll: boolean): Promise<void> {
    const { store, queue, scan } = this.#options;
    // What a database that was away did not take, and what stands in for a target that had no answer.
    if (listedAll) await this.#send();
    const over = this.#pending.size === 0 ? new Set<string>() : await store.finished();
    for (const id of [...this.#pending.keys()].filter((one) => over.has(one))) await this.#arrive(id, employer);
    if (!listedAll || this.#pending.size + this.#batch.length === 0) return;
    await this.#send();
    const { waiting, active } = await queue.counts(scan);
    // Nobody works any more: what has no lasting result by now failed for a passing reason, or was lost with its workers.
    if (waiting + active === 0) for (const id of [...this.#pending.keys()]) await this.#arrive(id, employer);
    await this.#send();
  }

  async #arrive(id: string, employer: Employer): Promise<void> {
    const item = (await this.#options.store.get(id)) ?? (await this.#lost(this.#pending.get(id)!));
    this.#pending.delete(id);
    await employer.arrive(item);
  }

  async #lost(target: ScanTarget) {
    const error = new WeightmarkError("WORKER_LOST", "every worker that took this died over it", {
      detail: "Try again with `resume`; if workers die again, give them more memory.",
    });
    const finishedAt = this.#options.deterministic === true ? null : new Date().toISOString();
    const item = { ...failedItem(target, error), finishedAt };
    await this.#options.store.put(item);
    return item;
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? 1000;
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const sleep =
      this.#options.sleep ?? ((time, stop) => delay(time, undefined, { signal: stop }).catch(() => undefined));
    return sleep(ms, signal);
  }
}
