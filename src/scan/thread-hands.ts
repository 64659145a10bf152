import type { WeightmarkError } from "../errors.ts";
import type { Employer, Hands } from "./hands.ts";
import { MemoryQueue } from "./memory-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { ScanTarget } from "./target.ts";
import { type WorkEvent, workLoop } from "./work-loop.ts";
import type { Workers } from "./workers.ts";

export interface ThreadHandsOptions {
  readonly store: ResultStore;
  readonly workers: Workers;
  /** Milliseconds that running targets have to end when the scan is stopped. @default 10,000 */
  readonly graceMs?: number | undefined;
  readonly onEvent?: ((event: WorkEvent) => void) | undefined;
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
}

const SCAN = "local";
/** A target whose thread died is tried once more: it may have died of another one. */
const TRIES = 2;

/** Threads of this process, by a queue in its memory. */
export class ThreadHands implements Hands {
  readonly #options: ThreadHandsOptions;
  readonly #queue = new MemoryQueue({ tries: TRIES });
  #out = 0;
  #wake: (() => void)[] = [];

  constructor(options: ThreadHandsOptions) {
    this.#options = options;
  }

  give(target: ScanTarget): void {
    void this.#queue.add([{ scan: SCAN, target }]).then((added) => {
      this.#out += added;
    });
  }

  async room(employer: Employer): Promise<void> {
    const ahead = 4 * this.#options.workers.concurrency + 64;
    while (!employer.signal.aborted && this.#out + employer.waiting >= ahead) await this.#change();
  }

  async listed(): Promise<void> {
    this.#changed();
  }

  async work(employer: Employer): Promise<void> {
    const { store, workers, graceMs } = this.#options;
    employer.signal.addEventListener("abort", () => this.#changed(), { once: true });
    await workLoop({
      queue: this.#queue,
      storeOf: async () => store,
      process: workers.process,
      concurrency: workers.concurrency,
      signal: employer.signal,
      graceMs,
      tries: TRIES,
      idle: () => this.#more(employer),
      onEvent: (event) => this.#onEvent(event, employer),
    });
  }

  /** Called when the queue is empty: waits for more, or says that there will be none. */
  async #more({ listedAll, signal }: Employer): Promise<boolean> {
    if (listedAll || signal.aborted) return false;
    await Promise.race([this.#queue.changed(), this.#change()]);
    return true;
  }

  #onEvent(event: WorkEvent, employer: Employer): void {
    const { onEvent, onTrouble } = this.#options;
    onEvent?.(event);
    if (event.type === "trouble") onTrouble?.(event.error);
    if (event.type === "released") this.#out -= 1;
    if (event.type !== "item" || event.again) return;
    this.#out -= 1;
    void employer.arrive(event.item);
    this.#changed();
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
