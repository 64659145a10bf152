import { type ByteSource, canPrefetch, isSync, type PrefetchingSource, type SyncByteSource } from "./byte-source.ts";
import { requireRange } from "./range.ts";

/** What a slice is of. */
export interface Slice {
  readonly start: number;
  readonly end: number;
  /** What messages call it. */
  readonly location: string;
  /** Whether closing the slice closes what it is of. @default false */
  readonly owns?: boolean | undefined;
}

/**
 * The bytes [start, end) of a source as a source of their own: synchronous, or prefetching, where that one is.
 *
 * @throws READ_OUT_OF_RANGE where the slice itself is none of the source
 */
export function sliceSource(whole: ByteSource, { start, end, location, owns = false }: Slice): ByteSource {
  requireRange(start, end, whole.size, location);
  const size = end - start;
  const slice: ByteSource = {
    location,
    size,
    async read(from, to) {
      requireRange(from, to, size, location);
      return whole.read(start + from, start + to);
    },
    verifyUnchanged: () => whole.verifyUnchanged(),
    close: async () => (owns ? whole.close() : undefined),
  };
  if (isSync(whole)) {
    const sync: SyncByteSource = {
      ...slice,
      readIntoSync(target, from) {
        requireRange(from, from + target.length, size, location);
        whole.readIntoSync(target, start + from);
      },
    };
    return sync;
  }
  if (!canPrefetch(whole)) return slice;
  const far: PrefetchingSource = {
    ...slice,
    async prefetch(ranges, signal) {
      for (const range of ranges) requireRange(range.start, range.end, size, location);
      await whole.prefetch(
        ranges.map((range) => ({ start: start + range.start, end: start + range.end })),
        signal,
      );
    },
  };
  return far;
}
