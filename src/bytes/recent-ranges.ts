import { type ByteSource, canPrefetch, isSync, type PrefetchingSource, type SyncByteSource } from "./byte-source.ts";

/** Shorter reads are made again: of rows, each of which is wanted once. */
const SHORTEST = 1 << 12;

interface Held {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * The same source with the last of its longer reads kept in memory, for what is read again and again. A synchronous source stays
 * synchronous, and one that prefetches fetches nothing that is kept.
 *
 * @param limit bytes that are kept
 */
export function withRecent(source: ByteSource, limit: number): ByteSource {
  const held: Held[] = [];
  let size = 0;

  function find(start: number, end: number): Uint8Array | null {
    const at = held.findIndex((one) => one.start <= start && end <= one.start + one.bytes.length);
    if (at < 0) return null;
    const [found] = held.splice(at, 1) as [Held];
    held.push(found);
    return found.bytes.subarray(start - found.start, end - found.start);
  }

  function keep(start: number, bytes: Uint8Array): void {
    if (bytes.length < SHORTEST || bytes.length > limit) return;
    held.push({ start, bytes });
    size += bytes.length;
    while (size > limit) size -= held.shift()!.bytes.length;
  }

  const recent: ByteSource = {
    location: source.location,
    size: source.size,
    async read(start, end) {
      const known = find(start, end);
      if (known !== null) return known.slice();
      const bytes = await source.read(start, end);
      keep(start, bytes.slice());
      return bytes;
    },
    verifyUnchanged: () => source.verifyUnchanged(),
    close: () => source.close(),
  };
  if (isSync(source)) {
    const sync: SyncByteSource = {
      ...recent,
      readIntoSync(target, start) {
        const known = find(start, start + target.length);
        if (known !== null) return target.set(known);
        source.readIntoSync(target, start);
        keep(start, target.slice());
      },
    };
    return sync;
  }
  if (!canPrefetch(source)) return recent;
  const far: PrefetchingSource = {
    ...recent,
    prefetch: (ranges, signal) =>
      source.prefetch(
        ranges.filter(({ start, end }) => find(start, end) === null),
        signal,
      ),
  };
  return far;
}
