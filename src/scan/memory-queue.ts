import type { JobCounts, JobQueue, ScanJob, TakenJob } from "./job-queue.ts";

export interface MemoryQueueOptions {
  /** How often a job is tried. @default 3 */
  readonly tries?: number | undefined;
}

/** A job that is known, and what became of it. What is over keeps its name only: a scan has a million of them. */
interface Waiting {
  readonly job: ScanJob;
  readonly attempt: number;
}

/** Jobs of one process. A released or retried job comes before those that wait. */
export class MemoryQueue implements JobQueue {
  readonly #tries: number;
  readonly #waiting: Waiting[] = [];
  /** Position of the next job in `#waiting`: taking from the front of a long array would move all of it. */
  #next = 0;
  readonly #scans = new Map<string, { known: Set<string>; counts: { -readonly [K in keyof JobCounts]: number } }>();
  #wake: (() => void)[] = [];

  constructor(options: MemoryQueueOptions = {}) {
    this.#tries = options.tries ?? 3;
  }

  #scan(name: string) {
    let scan = this.#scans.get(name);
    if (scan === undefined) {
      scan = { known: new Set(), counts: { waiting: 0, active: 0, done: 0, failed: 0 } };
      this.#scans.set(name, scan);
    }
    return scan;
  }

  async add(jobs: readonly ScanJob[]): Promise<number> {
    let added = 0;
    for (const job of jobs) {
      const { known, counts } = this.#scan(job.scan);
      if (known.has(job.target.id)) continue;
      known.add(job.target.id);
      this.#waiting.push({ job, attempt: 1 });
      counts.waiting += 1;
      added += 1;
    }
    if (added > 0) this.#changed();
    return added;
  }

  async take(limit: number): Promise<TakenJob[]> {
    const taken = this.#waiting.slice(this.#next, this.#next + limit);
    this.#next += taken.length;
    if (this.#next > 1024 && 2 * this.#next > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return taken.map((one) => this.#hand(one));
  }

  #hand({ job, attempt }: Waiting): TakenJob {
    const { known, counts } = this.#scan(job.scan);
    counts.waiting -= 1;
    counts.active += 1;
    let over = false;
    const end = (step: () => void) => async () => {
      if (over) return;
      over = true;
      counts.active -= 1;
      step();
      this.#changed();
    };
    const again = (next: number) => {
      if (this.#next > 0) this.#waiting[--this.#next] = { job, attempt: next };
      else this.#waiting.unshift({ job, attempt: next });
      counts.waiting += 1;
    };
    return {
      job,
      attempt,
      complete: end(() => {
        counts.done += 1;
      }),
      release: end(() => again(attempt)),
      retry: end(() => {
        if (attempt < this.#tries) return again(attempt + 1);
        counts.failed += 1;
        known.delete(job.target.id);
      }),
    };
  }

  async counts(scan: string): Promise<JobCounts> {
    return { ...(this.#scans.get(scan)?.counts ?? { waiting: 0, active: 0, done: 0, failed: 0 }) };
  }

  /** Resolves at the next change: somebody added a job, or one is over. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  async close(): Promise<void> {
    this.#changed();
  }
}
