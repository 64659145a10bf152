import type { Remote } from "../checkpoint/remote.ts";
import { WeightmarkError } from "../errors.ts";
import { Duplicates, duplicateItem } from "./duplicates.ts";
import { enumerateTargets } from "./enumerate.ts";
import type { Employer, Hands } from "./hands.ts";
import { isItem, type ScanInputs } from "./inputs.ts";
import type { ScanItem } from "./item.ts";
import type { ResultStore } from "./result-store.ts";
import { type ScanSummary, ScanTally } from "./summary.ts";
import type { ScanTarget } from "./target.ts";

/** How far a scan is. */
export interface ScanProgress {
  /** Targets found so far, and whether that is all there are. */
  readonly listed: number;
  readonly listedAll: boolean;
  /** Of these, with a result. */
  readonly finished: number;
  readonly bytesRead: number;
}

/** What every scan is told, no matter who works for it. */
export interface RunOptions {
  /** Takes the results; its parameters say what is wanted. Left open. */
  readonly store: ResultStore;
  /** How models elsewhere are listed; null for this machine alone. @default null */
  readonly remote?: Remote | null | undefined;
  /** Leave times out of the results. @default false */
  readonly deterministic?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Given every result once: first those of earlier runs, by id, then the others as they come. Awaited. */
  readonly onItem?: ((item: ScanItem) => void | Promise<void>) | undefined;
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
}

/** One run of a scan: what it has found, handed out and still waits for. Knows nothing of who does the work. */
export class Run implements Employer {
  readonly #options: RunOptions;
  readonly #store: ResultStore;
  readonly #duplicates = new Duplicates();
  readonly #tally = new ScanTally();
  readonly #stop = new AbortController();
  #hands: Hands | null = null;
  /** Ids with a result that stands. */
  #finished: ReadonlySet<string> = new Set();
  /** Ids that failed for a passing reason before, and were not tried again yet. */
  readonly #unresolved = new Set<string>();
  /** Ids listed in this run. */
  readonly #seen = new Set<string>();
  #replayed = 0;
  #listed = 0;
  #listedAll = false;
  /** What is written one after the other: results that nobody works for, and what is handed out. */
  #chain: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#store = options.store;
    const { signal } = options;
    if (signal?.aborted) this.#stop.abort();
    signal?.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get listedAll(): boolean {
    return this.#listedAll;
  }

  get waiting(): number {
    return this.#duplicates.waiting;
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

  /** Lists targets, has `hands` work on them, and finishes the store when nothing is left to try again. */
  async scan(inputs: ScanInputs, hands: Hands): Promise<void> {
    this.#hands = hands;
    const work = hands.work(this).catch((error) => this.#fail(error));
    await this.#list(inputs, hands).catch((error) => {
      // Listing ends with whatever was under way when it was told to stop.
      if (!this.signal.aborted) this.#fail(error);
    });
    await work;
    await this.#chain;
    if (this.#failure !== null) throw this.#failure.error;
    if (this.signal.aborted) return;
    if (this.#listed === 0 && this.#replayed === 0) {
      throw new WeightmarkError("SCAN_NOTHING", "there is nothing to scan", {
        detail:
          "Name directories, repositories or an organisation that hold models, or loosen `include` and `exclude`.",
      });
    }
    await this.#tallyUnresolved();
    if (this.#tally.passing === 0) await this.#store.finish();
  }

  /** @param elapsedMs of this run; null where times are left out */
  summary(elapsedMs: number | null): ScanSummary {
    const listed = Math.max(this.#listed, this.#tally.items);
    return this.#tally.summary({ interrupted: this.signal.aborted, listed, replayed: this.#replayed, elapsedMs });
  }

  arrive(item: ScanItem): Promise<void> {
    const { answered, next } = this.#duplicates.settle(item);
    if (next !== null) this.#hands!.give(next);
    this.#handOut(item);
    for (const target of answered) this.#accept(duplicateItem(target, item, this.#now()));
    return this.#chain;
  }

  /** Lists targets no further ahead of the work than memory should hold. */
  async #list(inputs: ScanInputs, hands: Hands): Promise<void> {
    const { include, exclude, allowLinks } = this.#store.parameters;
    const { signal } = this;
    const stored = async (id: string) => (this.#finished.has(id) ? this.#store.get(id) : null);
    const options = { include, exclude, allowLinks, signal, remote: this.#options.remote ?? null, stored };
    for await (const found of enumerateTargets(inputs, options)) {
      // Roots may overlap, and lists repeat themselves.
      if (this.#seen.has(found.id)) continue;
      this.#seen.add(found.id);
      this.#listed += 1;
      if (this.#finished.has(found.id)) {
        if (!isItem(found)) this.#duplicates.stored(found);
      } else if (isItem(found)) this.#accept({ ...found, finishedAt: this.#now() });
      else await this.#place(found, hands);
      this.#progress();
      await hands.room(this);
      await this.#chain;
      if (signal.aborted) return;
    }
    this.#listedAll = true;
    await hands.listed();
    this.#progress();
  }

  async #place(target: ScanTarget, hands: Hands): Promise<void> {
    const place = await this.#duplicates.place(target, (id) => this.#store.get(id));
    if (place.kind === "work") hands.give(target);
    if (place.kind !== "duplicate") return;
    const answer = await this.#store.get(place.of);
    this.#accept(duplicateItem(target, answer!, this.#now()));
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
    if (this.#failure !== null || error === this.signal.reason) return;
    this.#failure = { error };
    this.#stop.abort();
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
}
