import type { ScanTarget } from "./target.ts";

/** Work for any number of takers. `scan` names the scan it belongs to. */
export interface ScanJob {
  readonly scan: string;
  readonly target: ScanTarget;
}

/** A job that is ours until we say what came of it, or until we are given up for lost. */
export interface TakenJob {
  readonly job: ScanJob;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The result is stored: the job is over. */
  complete(): Promise<void>;
  /** Not done by us: somebody takes it again at once (a worker that is told to stop). */
  release(): Promise<void>;
  /** It went wrong for a passing reason: tried again later, until its tries are used up; then the job is over. */
  retry(reason: string): Promise<void>;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly done: number;
  /** Tried as often as is allowed. */
  readonly failed: number;
}

/** Scan jobs: in memory for one process, in PostgreSQL for many. One contract, whatever keeps them. */
export interface JobQueue {
  /** Adds what is not known yet, by scan and target id; how many were new. */
  add(jobs: readonly ScanJob[]): Promise<number>;
  /** At most `limit` jobs that nobody else has; none when there are none now. */
  take(limit: number): Promise<readonly TakenJob[]>;
  counts(scan: string): Promise<JobCounts>;
  close(): Promise<void>;
}
