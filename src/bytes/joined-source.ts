import { type ByteSource, canPrefetch, isSync, type PrefetchingSource, type SyncByteSource } from "./byte-source.ts";
import { requireRange } from "./range.ts";

/** A run of bytes within one of the parts. */
interface Run {
  readonly part: number;
  readonly start: number;
  readonly end: number;
  /** Where it stands in what was asked for. */
  readonly at: number;
}

/**
 * Sources one behind the other as one: a file that was split. Synchronous where all of them are, and prefetching where any can.
 *
 * @param parts at least one, in order; closed with this source
 * @param location what messages call it
 */
export function joinedSource(parts: readonly ByteSource[], location: string): ByteSource {
  const begins: number[] = [];
  let size = 0;
  for (const part of parts) {
    begins.push(size);
    size += part.size;
  }

  /** The runs that bytes [start, end) are made of, in order. */
  function* runsOf(start: number, end: number): Generator<Run> {
    let [low, high] = [0, parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (begins[middle]! + parts[middle]!.size <= start) low = middle + 1;
      else high = middle;
    }
    for (; low < parts.length && begins[low]! < end; low++) {
      const begin = begins[low]!;
      const [from, to] = [Math.max(start, begin), Math.min(end, begin + parts[low]!.size)];
      if (from < to) yield { part: low, start: from - begin, end: to - begin, at: from - start };
    }
  }

  const joined: ByteSource = {
    location,
    size,
    async read(start, end) {
      requireRange(start, end, size, location);
      const bytes = new Uint8Array(end - start);
      for (const run of runsOf(start, end)) bytes.set(await parts[run.part]!.read(run.start, run.end), run.at);
      return bytes;
    },
    async verifyUnchanged() {
      for (const part of parts) await part.verifyUnchanged();
    },
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
  if (parts.every(isSync)) {
    const near = parts as readonly SyncByteSource[];
    const sync: SyncByteSource = {
      ...joined,
      readIntoSync(target, start) {
        requireRange(start, start + target.length, size, location);
        for (const run of runsOf(start, start + target.length)) {
          near[run.part]!.readIntoSync(target.subarray(run.at, run.at + run.end - run.start), run.start);
        }
      },
    };
    return sync;
  }
  if (!parts.some(canPrefetch)) return joined;
  const far: PrefetchingSource = {
    ...joined,
    async prefetch(ranges, signal) {
      const wanted = parts.map((): { start: number; end: number }[] => []);
      for (const { start, end } of ranges) {
        requireRange(start, end, size, location);
        for (const run of runsOf(start, end)) wanted[run.part]!.push({ start: run.start, end: run.end });
      }
      await Promise.all(parts.map((part, i) => (canPrefetch(part) ? part.prefetch(wanted[i]!, signal) : undefined)));
    },
  };
  return far;
}
