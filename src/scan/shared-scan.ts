import { setTimeout as delay } from "node:timers/promises";
import type { Remote } from "../checkpoint/remote.ts";
import { WeightmarkError } from "../errors.ts";
import { Duplicates, duplicateItem } from "./duplicates.ts";
import { enumerateTargets } from "./enumerate.ts";
import { failedItem } from "./failure.ts";
import { isItem, type ScanInputs } from "./inputs.ts";
import type { ScanItem } from "./item.ts";
import type { JobQueue, ScanJob } from "./job-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanProgress } from "./scan.ts";
import { type ScanSummary, ScanTally } from "./summary.ts";
import type { ScanTarget } from "./target.ts";

export interface SharedScanOptions {
  /** Takes the results of all machines. Left open. */
  readonly store: ResultStore;
  readonly queue: JobQueue & { forget(scan: string): Promise<void> };
  /** What jobs call the scan. */
  readonly scan: string;
  /** How models elsewhere are listed. @default null */
  readonly remote?: Remote | null | undefined;
  /** Leave times out of the results. @default false */
  readonly deterministic?: boolean | undefined;
  /** Aborted: stops listing and waiting. What is in the queue stays there. */
  readonly signal?: AbortSignal | undefined;
  /** Given every result once: first those of earlier runs, by id, then the others as they come. Awaited. */
  readonly onItem?: ((item: ScanItem) => void | Promise<void>) | undefined;
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
  /** Told of a database that is away for a while. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
  /** Milliseconds between two looks for results. @default 1,000 */
  readonly pollMs?: number | undefined;
  /** @default a timer that ends early, without a word, when the signal is aborted */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Jobs put into the queue at once, and targets that may be waited for: they are in memory. */
const BATCH = 500;
const AHEAD = 50_000;
/** A look at the results of a large scan takes a while: no more than this part of the time goes into looking. */
const LOOKING_SHARE = 0.05;

/**
 * A scan whose work is done by others: lists targets into a queue, and hands out what comes of them until all of it is
 * there. Reads nothing of the models itself. Ends early, with `interrupted` in its summary, when `signal` is aborted.
 *
 * @throws SCAN_NOTHING; what listing throws; what the queue and the store throw while targets are listed
 */
export async function sharedScan(inputs: ScanInputs, options: SharedScanOptions): Promise<ScanSummary> {
  const began = performance.now();
  const run = new SharedRun(options);
  await run.replay();
  if (!options.store.complete) await run.scan(inputs);
  return run.summary(options.deterministic === true ? null : Math.round(performance.now() - began));
}

class SharedRun {
  readonly #options: SharedScanOptions;
  readonly #duplicates = new Duplicates();
  readonly #tally = new ScanTally();
  readonly #stop = new AbortController();
  #finished: ReadonlySet<string> = new Set();
  /** Ids listed in this run. */
  readonly #seen = new Set<string>();
  /** Targets that jobs are out for, by id. */
  readonly #pending = new Map<string, ScanTarget>();
  #batch: ScanJob[] = [];
  #listed = 0;
  #replayed = 0;
  #listedAll = false;

  constructor(options: SharedScanOptions) {
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted) this.#stop.abort();
    signal?.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  async replay(): Promise<void> {
    const { store, queue, scan } = this.#options;
    this.#finished = await store.finished();
    for await (const item of store.items()) {
      if (!this.#finished.has(item.id) && !store.complete) continue;
      this.#replayed += 1;
      await this.#handOut(item);
    }
    if (store.complete) return;
    // Jobs that are over are known to the queue, and would not be added again for what failed for a passing reason.
    const { waiting, active } = await queue.counts(scan);
    if (waiting + active === 0) await queue.forget(scan);
  }

  async scan(inputs: ScanInputs): Promise<void> {
    const failure: { error?: unknown } = {};
    const fail = (error: unknown) => {
      // Listing throws the reason of the signal when it is told to stop.
      if (!this.#stop.signal.aborted) failure.error = error;
      this.#stop.abort();
    };
    await Promise.all([this.#list(inputs).catch(fail), this.#collect().catch(fail)]);
    if (failure.error !== undefined) throw failure.error;
    if (this.#stop.signal.aborted) return;
    if (this.#listed === 0 && this.#replayed === 0) {
      throw new WeightmarkError("SCAN_NOTHING", "there is nothing to scan", {
        detail:
          "Name directories, repositories or an organisation that hold models, or loosen `include` and `exclude`.",
      });
    }
    if (this.#tally.passing === 0) await this.#options.store.finish();
  }

  summary(elapsedMs: number | null): ScanSummary {
    const interrupted = this.#options.signal?.aborted ?? false;
    const listed = Math.max(this.#listed, this.#tally.items);
    return this.#tally.summary({ interrupted, listed, replayed: this.#replayed, elapsedMs });
  }

  async #list(inputs: ScanInputs): Promise<void> {
    const { store, remote = null } = this.#options;
    const { include, exclude, allowLinks } = store.parameters;
    const { signal } = this.#stop;
    const stored = async (id: string) => (this.#finished.has(id) ? store.get(id) : null);
    const options = { include, exclude, allowLinks, remote, stored, signal };
    for await (const found of enumerateTargets(inputs, options)) {
      // Roots may overlap, and lists repeat themselves.
      if (this.#seen.has(found.id)) continue;
      this.#seen.add(found.id);
      this.#listed += 1;
      if (this.#finished.has(found.id)) {
        if (!isItem(found)) this.#duplicates.stored(found);
      } else if (isItem(found)) await this.#accept({ ...found, finishedAt: this.#now() });
      else await this.#place(found);
      this.#progress();
      if (this.#batch.length >= BATCH) await this.#send();
      while (!signal.aborted && this.#pending.size + this.#duplicates.waiting >= AHEAD) {
        await this.#send();
        await this.#sleep(this.#pollMs);
      }
      if (signal.aborted) return;
    }
    await this.#send();
    this.#listedAll = true;
    this.#progress();
  }

  async #place(target: ScanTarget): Promise<void> {
    const { store } = this.#options;
    const place = await this.#duplicates.place(target, (id) => store.get(id));
    if (place.kind === "work") this.#batch.push({ scan: this.#options.scan, target });
    if (place.kind !== "duplicate") return;
    const answer = await store.get(place.of);
    await this.#accept(duplicateItem(target, answer!, this.#now()));
  }

  async #send(): Promise<void> {
    const jobs = this.#batch;
    if (jobs.length === 0) return;
    this.#batch = [];
    try {
      await this.#options.queue.add(jobs);
    } catch (error) {
      this.#batch.unshift(...jobs);
      throw error;
    }
    for (const { target } of jobs) this.#pending.set(target.id, target);
  }

  /** Looks for results until all are there. A database that is away is looked for again. */
  async #collect(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const began = performance.now();
      const last = this.#listedAll;
      await this.#gather(last).catch((error) => {
        if (!(error instanceof WeightmarkError) || error.kind !== "passing") throw error;
        this.#options.onTrouble?.(error);
      });
      if (last && this.#pending.size + this.#batch.length === 0) return;
      await this.#sleep(Math.max(this.#pollMs, (performance.now() - began) / LOOKING_SHARE));
    }
  }

  async #gather(listedAll: boolean): Promise<void> {
    const { store, queue, scan } = this.#options;
    // What a database that was away did not take.
    if (listedAll) await this.#send();
    const over = this.#pending.size === 0 ? new Set<string>() : await store.finished();
    for (const id of [...this.#pending.keys()].filter((one) => over.has(one))) await this.#arrive(id);
    if (!listedAll || this.#pending.size === 0) return;
    const { waiting, active } = await queue.counts(scan);
    // Nobody works any more: what has no lasting result by now failed for a passing reason, or was lost with its workers.
    if (waiting + active === 0) for (const id of [...this.#pending.keys()]) await this.#arrive(id);
  }

  async #arrive(id: string): Promise<void> {
    const { store } = this.#options;
    const item = (await store.get(id)) ?? (await this.#lost(this.#pending.get(id)!));
    this.#pending.delete(id);
    const { answered, next } = this.#duplicates.settle(item);
    await this.#handOut(item);
    for (const target of answered) await this.#accept(duplicateItem(target, item, this.#now()));
    if (next === null) return;
    this.#batch.push({ scan: this.#options.scan, target: next });
    await this.#send();
  }

  async #lost(target: ScanTarget): Promise<ScanItem> {
    const error = new WeightmarkError("WORKER_LOST", "every worker that took this died over it", {
      detail: "Try again with `resume`; if workers die again, give them more memory.",
    });
    const item = { ...failedItem(target, error), finishedAt: this.#now() };
    await this.#options.store.put(item);
    return item;
  }

  /** Stores a result that nobody works for, and hands it out. */
  async #accept(item: ScanItem): Promise<void> {
    if (await this.#options.store.put(item)) await this.#handOut(item);
  }

  async #handOut(item: ScanItem): Promise<void> {
    this.#tally.add(item);
    this.#progress();
    await this.#options.onItem?.(item);
  }

  #progress(): void {
    this.#options.onProgress?.({
      listed: this.#listed,
      listedAll: this.#listedAll,
      finished: this.#tally.items,
      bytesRead: this.#tally.bytesRead,
    });
  }

  #now(): string | null {
    return this.#options.deterministic === true ? null : new Date().toISOString();
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? 1000;
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    const sleep =
      this.#options.sleep ?? ((time, stop) => delay(time, undefined, { signal: stop }).catch(() => undefined));
    return sleep(ms, signal);
  }
}
