import type { ErrorCode } from "../errors.ts";
import type { Verdict } from "../lineage/result.ts";
import type { ScanItem, ScanRequests } from "./item.ts";

/** Why some targets have no result, and how many. */
export interface ScanReason {
  readonly status: "skipped" | "failed";
  readonly code: ErrorCode;
  readonly passing: boolean;
  readonly count: number;
}

/** What a scan covered and found. Counts are of targets unless they say otherwise. */
export interface ScanSummary {
  /** Every target found has a result, and none failed for a passing reason. */
  readonly complete: boolean;
  /** Stopped from outside before it was done. */
  readonly interrupted: boolean;
  /** Targets found; of an interrupted scan perhaps not all there are. */
  readonly listed: number;
  /** Of these, with a result from a run before this one. */
  readonly replayed: number;
  /** Fingerprinted from weights, that is done and not cached. */
  readonly read: number;
  readonly cached: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly failed: number;
  /** Of the done and the duplicates, by verdict; those that were held against nothing are in none. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Of the done and the duplicates, with the mark of at least one key. */
  readonly marked: number;
  /** By status, then code, in code-unit order. */
  readonly reasons: readonly ScanReason[];
  /** Sums over the items, of earlier runs too. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly requests: ScanRequests;
  /** Milliseconds of this run, null with a deterministic clock. */
  readonly elapsedMs: number | null;
}

/** Adds up items as they come, in any order. */
export class ScanTally {
  #items = 0;
  #read = 0;
  #cached = 0;
  #marked = 0;
  #bytesRead = 0;
  #bytesTotal = 0;
  readonly #statuses = { done: 0, duplicate: 0, skipped: 0, failed: 0 };
  readonly #requests = { api: 0, resolve: 0, storage: 0 };
  readonly #verdicts: Record<Verdict, number> = {
    identical: 0,
    recast: 0,
    derived: 0,
    "shared-init": 0,
    "no-evidence": 0,
    "not-testable": 0,
  };
  readonly #reasons = new Map<string, ScanReason>();

  get items(): number {
    return this.#items;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Failures that a later run tries again. */
  get passing(): number {
    return [...this.#reasons.values()].reduce((sum, reason) => sum + (reason.passing ? reason.count : 0), 0);
  }

  add(item: ScanItem): void {
    this.#items += 1;
    this.#statuses[item.status] += 1;
    if (item.status === "done") {
      if (item.cached) this.#cached += 1;
      else this.#read += 1;
    }
    if (item.verdict !== null) this.#verdicts[item.verdict] += 1;
    if (item.marks.some(({ present }) => present)) this.#marked += 1;
    this.#bytesRead += item.bytesRead;
    this.#bytesTotal += item.bytesTotal ?? 0;
    for (const kind of ["api", "resolve", "storage"] as const) this.#requests[kind] += item.requests[kind];
    const { failure, status } = item;
    if (failure === null || status === "done" || status === "duplicate") return;
    const key = `${status} ${failure.code} ${failure.passing}`;
    const count = (this.#reasons.get(key)?.count ?? 0) + 1;
    this.#reasons.set(key, { status, code: failure.code, passing: failure.passing, count });
  }

  summary(run: Pick<ScanSummary, "interrupted" | "listed" | "replayed" | "elapsedMs">): ScanSummary {
    const keys = [...this.#reasons.keys()].sort();
    return {
      complete: !run.interrupted && this.passing === 0,
      interrupted: run.interrupted,
      listed: run.listed,
      replayed: run.replayed,
      read: this.#read,
      cached: this.#cached,
      duplicates: this.#statuses.duplicate,
      skipped: this.#statuses.skipped,
      failed: this.#statuses.failed,
      verdicts: { ...this.#verdicts },
      marked: this.#marked,
      reasons: keys.map((key) => this.#reasons.get(key)!),
      bytesRead: this.#bytesRead,
      bytesTotal: this.#bytesTotal,
      requests: { ...this.#requests },
      elapsedMs: run.elapsedMs,
    };
  }
}
