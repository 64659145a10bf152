import { availableParallelism } from "node:os";
import type { Remote } from "../checkpoint/remote.ts";
import { WeightmarkError } from "../errors.ts";
import { pruneCache } from "./cache/prune.ts";
import { Duplicates, duplicateItem } from "./duplicates.ts";
import { enumerateTargets } from "./enumerate.ts";
import { isItem, type ScanInputs } from "./inputs.ts";
import type { ScanItem } from "./item.ts";
import { MemoryQueue } from "./memory-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanSetup } from "./setup.ts";
import { type ScanSummary, ScanTally } from "./summary.ts";
import type { ScanTarget } from "./target.ts";
import { type WorkEvent, workLoop } from "./work-loop.ts";
import type { Workers } from "./workers.ts";

/** How far a scan is. */
export interface ScanProgress {
  /** Targets found so far, and whether that is all there are. */
  readonly listed: number;
  readonly listedAll: boolean;
  /** Of these, with a result. */
  readonly finished: number;
  readonly bytesRead: number;
}

export interface ScanOptions {
  /** Takes the results; its parameters say what is wanted. Left open. */
  readonly store: ResultStore;
  readonly setup: ScanSetup;
  /** How models elsewhere are listed; null for this machine alone. @default null */
  readonly remote?: Remote | null | undefined;
  /** Worker threads; 0 works on this thread. The results never depend on it. @default as many as there are cores */
  readonly threads?: number | undefined;
  /** Targets that one thread works on at a time: most of the time it waits for the network. @default 4 */
  readonly tasksPerThread?: number | undefined;
  /** Aborted: takes no more targets, and lets the running ones end. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that they have for it. @default 10,000 */
  readonly graceMs?: number | undefined;
  /** Given every result once: first those of earlier runs, by id, then the others as they come. Awaited. */
  readonly onItem?: ((item: ScanItem) => void | Promise<void>) | undefined;
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
  readonly onEvent?: ((event: WorkEvent) => void) | undefined;
  /** Told what is worth saying once and stops nothing: a cache that cannot be written. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
  /** What works on targets. @default threads of this process */
  readonly workers?: Workers | undefined;
}

const SCAN = "local";
/** A target whose thread died is tried once more: it may have died of another one. */
const TRIES = 2;

/**
 * Scans: lists targets, reads each content once, stores and hands out what comes of them. Ends early, with
 * `interrupted` in its summary, when `signal` is aborted; the store then holds what was done, and the same scan with the
 * same store goes on there.
 *
 * @throws SCAN_NOTHING, SCAN_DIFFERS; WRITE_FAILED when results can be stored no longer; what listing an organisation or
 *   opening the registry or the keys throws
 */
export async function scan(inputs: ScanInputs, options: ScanOptions): Promise<ScanSummary> {
  const began = performance.now();
  const run = new Run(options);
  await run.replay();
  if (!options.store.complete) {
    const workers = options.workers ?? (await ownWorkers(options));
    try {
      await run.scan(inputs, workers);
    } finally {
      if (options.workers === undefined) await workers.close();
      // Whoever stops a scan does not wait for a large cache to be looked through.
      const isOver = options.signal?.aborted !== true;
      if (isOver && options.setup.cacheDirectory !== null) await pruneCache(options.setup.cacheDirectory);
    }
  }
  return run.summary(options.setup.deterministic ? null : Math.round(performance.now() - began));
}

async function ownWorkers(options: ScanOptions): Promise<Workers> {
  // Loaded when needed: all of what models are read with.
  const { openWorkers } = await import("./workers.ts");
  const { threads = availableParallelism(), tasksPerThread = 4, onTrouble } = options;
  return openWorkers(options.setup, { threads, tasksPerThread, onTrouble });
}

/** One run of a scan: what it has found, handed out and still waits for. */
class Run {
  readonly #options: ScanOptions;
  readonly #store: ResultStore;
  readonly #queue = new MemoryQueue({ tries: TRIES });
  readonly #duplicates = new Duplicates();
  readonly #tally = new ScanTally();
  readonly #stop = new AbortController();
  /** Ids with a result that stands. */
  #finished: ReadonlySet<string> = new Set();
  /** Ids that failed for a passing reason before, and were not tried again yet. */
  readonly #unresolved = new Set<string>();
  /** Ids listed in this run. */
  readonly #seen = new Set<string>();
  #replayed = 0;
  #listed = 0;
  #listedAll = false;
  /** Targets in the queue or being worked on. */
  #working = 0;
  #wake: (() => void)[] = [];
  /** What is written one after the other: results that nobody works for, and what is handed out. */
  #chain: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#store = options.store;
    const { signal } = options;
    const stop = () => {
      this.#stop.abort();
      this.#changed();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  }

  /** Hands out the results of earlier runs. */
  async replay(): Promise<void> {
    this.#finished = await this.#store.finished();
    for await (const item of this.#store.items()) {
      if (this.#finished.has(item.id) || this.#store.complete) {
        this.#replayed += 1;
        this.#tally.add(item);
        await this.#options.onItem?.(item);
      } else this.#unresolved.add(item.id);
    }
    this.#progress();
  }

  async scan(inputs: ScanInputs, workers: Workers): Promise<void> {
    const work = workLoop({
      queue: this.#queue,
      storeOf: async () => this.#store,
      process: workers.process,
      concurrency: workers.concurrency,
      signal: this.#stop.signal,
      graceMs: this.#options.graceMs,
      tries: TRIES,
      idle: () => this.#more(),
      onEvent: (event) => this.#onEvent(event),
    });
    work.catch((error) => this.#fail(error));
    await this.#list(inputs, 4 * workers.concurrency + 64).catch((error) => this.#fail(error));
    await work.catch(() => undefined);
    await this.#chain;
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#stop.signal.aborted) return;
    if (this.#listed === 0 && this.#replayed === 0) {
      throw new WeightmarkError("SCAN_NOTHING", "there is nothing to scan", {
        detail:
          "Name directories, repositories or an organisation that hold models, or loosen `include` and `exclude`.",
      });
    }
    await this.#tallyUnresolved();
    if (this.#tally.passing === 0) await this.#store.finish();
  }

  summary(elapsedMs: number | null): ScanSummary {
    const interrupted = this.#stop.signal.aborted;
    const listed = Math.max(this.#listed, this.#tally.items);
    return this.#tally.summary({ interrupted, listed, replayed: this.#replayed, elapsedMs });
  }

  /** Lists targets no further ahead of the work than memory should hold. */
  async #list(inputs: ScanInputs, ahead: number): Promise<void> {
    const { include, exclude, allowLinks } = this.#store.parameters;
    const { signal } = this.#stop;
    const options = {
      include,
      exclude,
      allowLinks,
      signal,
      remote: this.#options.remote ?? null,
      stored: async (id: string) => (this.#finished.has(id) ? this.#store.get(id) : null),
    };
    for await (const found of enumerateTargets(inputs, options)) {
      // Roots may overlap, and lists repeat themselves.
      if (this.#seen.has(found.id)) continue;
      this.#seen.add(found.id);
      this.#listed += 1;
      if (this.#finished.has(found.id)) {
        if (!isItem(found)) this.#duplicates.stored(found);
      } else if (isItem(found)) this.#accept(this.#stamped(found));
      else await this.#place(found);
      this.#progress();
      while (!signal.aborted && this.#working + this.#duplicates.waiting >= ahead) await this.#change();
      await this.#chain;
      if (signal.aborted) return;
    }
    this.#listedAll = true;
    this.#changed();
    this.#progress();
  }

  async #place(target: ScanTarget): Promise<void> {
    const place = await this.#duplicates.place(target, (id) => this.#store.get(id));
    if (place.kind === "work") await this.#add(target);
    if (place.kind !== "duplicate") return;
    const answer = await this.#store.get(place.of);
    this.#accept(duplicateItem(target, answer!, this.#now()));
  }

  async #add(target: ScanTarget): Promise<void> {
    if ((await this.#queue.add([{ scan: SCAN, target }])) > 0) this.#working += 1;
  }

  /** Called when the queue is empty: waits for more, or says that there will be none. */
  async #more(): Promise<boolean> {
    if (this.#listedAll || this.#stop.signal.aborted) return false;
    await Promise.race([this.#queue.changed(), this.#change()]);
    return true;
  }

  #onEvent(event: WorkEvent): void {
    this.#options.onEvent?.(event);
    if (event.type === "trouble") this.#options.onTrouble?.(event.error);
    if (event.type === "released") this.#working -= 1;
    if (event.type !== "item" || event.again) return;
    this.#working -= 1;
    const { answered, next } = this.#duplicates.settle(event.item);
    if (next !== null) void this.#add(next);
    this.#handOut(event.item);
    for (const target of answered) this.#accept(duplicateItem(target, event.item, this.#now()));
    this.#changed();
  }

  /** Stores a result that nobody works for, and hands it out. */
  #accept(item: ScanItem): void {
    this.#then(async () => {
      if (await this.#store.put(item)) this.#handOut(item);
    });
  }

  #handOut(item: ScanItem): void {
    this.#unresolved.delete(item.id);
    this.#tally.add(item);
    this.#progress();
    this.#then(async () => this.#options.onItem?.(item));
  }

  #then(step: () => Promise<void>): void {
    this.#chain = this.#chain
      .then(() => (this.#failure === null ? step() : undefined))
      .catch((error) => this.#fail(error));
  }

  /** What failed for a passing reason before and was not even listed now has that result still. */
  async #tallyUnresolved(): Promise<void> {
    for (const id of this.#unresolved) {
      const item = await this.#store.get(id);
      if (item !== null) this.#handOut(item);
    }
    await this.#chain;
  }

  #fail(error: unknown): void {
    // Listing throws the reason of the signal when it is told to stop.
    if (this.#failure !== null || error === this.#stop.signal.reason) return;
    this.#failure = { error };
    this.#stop.abort();
    this.#changed();
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
    return this.#options.setup.deterministic ? null : new Date().toISOString();
  }

  #stamped(item: ScanItem): ScanItem {
    return { ...item, finishedAt: this.#now() };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
