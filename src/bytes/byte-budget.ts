import { WeightmarkError } from "../errors.ts";
import {
  type ByteRange,
  type ByteSource,
  canPrefetch,
  isSync,
  type PrefetchingSource,
  type SyncByteSource,
} from "./byte-source.ts";
import { lastBegun } from "./last-begun.ts";
import { unionOf } from "./range.ts";

/** Bytes that may still be read, shared by every source that draws on it. */
export interface ByteBudget {
  /** Upper bound in bytes; Infinity counts without refusing. */
  readonly limit: number;
  /** Bytes read so far. */
  readonly spent: number;
  /** Takes `bytes` from the budget before they are read; throws BYTE_BUDGET_EXCEEDED and takes nothing when too many. */
  spend(bytes: number, location: string): void;
}

export function byteBudget(limit = Number.POSITIVE_INFINITY): ByteBudget {
  let spent = 0;
  return {
    limit,
    get spent() {
      return spent;
    },
    spend(bytes, location) {
      if (spent + bytes > limit) {
        throw new WeightmarkError(
          "BYTE_BUDGET_EXCEEDED",
          `reading ${bytes} more bytes would exceed ${limit} (${spent} read)`,
          { file: location, detail: "Raise `maxBytes`." },
        );
      }
      spent += bytes;
    },
  };
}

/**
 * The same source, with every byte read counted against `budget`. A synchronous source stays synchronous. What is
 * prefetched counts when it is fetched, and reading it costs nothing more.
 */
export function withBudget(source: SyncByteSource, budget: ByteBudget): SyncByteSource;
export function withBudget(source: PrefetchingSource, budget: ByteBudget): PrefetchingSource;
export function withBudget(source: ByteSource, budget: ByteBudget): ByteSource;
export function withBudget(source: ByteSource, budget: ByteBudget): ByteSource {
  const counted: ByteSource = {
    location: source.location,
    size: source.size,
    async read(start, end) {
      budget.spend(Math.max(0, end - start), source.location);
      return source.read(start, end);
    },
    verifyUnchanged: () => source.verifyUnchanged(),
    close: () => source.close(),
  };
  if (canPrefetch(source)) return prefetchingWithin(source, counted, budget);
  if (!isSync(source)) return counted;
  const sync: SyncByteSource = {
    ...counted,
    readIntoSync(target, start) {
      budget.spend(target.length, source.location);
      source.readIntoSync(target, start);
    },
  };
  return sync;
}

function prefetchingWithin(source: PrefetchingSource, counted: ByteSource, budget: ByteBudget): PrefetchingSource {
  /** Paid for already: ascending, and apart. */
  let fetched: readonly ByteRange[] = [];
  const isPaid = (start: number, end: number): boolean => {
    const range = lastBegun(fetched, start);
    return range !== undefined && end <= range.end;
  };
  return {
    ...counted,
    async read(start, end) {
      if (isPaid(start, end)) return source.read(start, end);
      return counted.read(start, end);
    },
    async prefetch(ranges, signal) {
      const union = unionOf(ranges);
      budget.spend(
        union.reduce((sum, { start, end }) => sum + end - start, 0),
        source.location,
      );
      fetched = union;
      await source.prefetch(ranges, signal);
    },
  };
}
