import { setImmediate } from "node:timers/promises";
import type { ByteRange, ByteSource, PrefetchingSource } from "../../src/bytes/byte-source.ts";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";

/** What was asked of the sources of a checkpoint. */
export interface PrefetchLog {
  /** Announcements that were not empty, per file. */
  readonly calls: number[];
  /** Most bytes of one announcement, of all files together. */
  peak: number;
}

/** The same checkpoint, far away: sources give what was announced to them last, and refuse everything else. */
export function prefetchOnly(checkpoint: Checkpoint): { checkpoint: Checkpoint; log: PrefetchLog } {
  const log: PrefetchLog = { calls: checkpoint.files.map(() => 0), peak: 0 };
  const alive = checkpoint.files.map(() => 0);
  const files = checkpoint.files.map((file, i) => ({
    ...file,
    source: far(file.source, (ranges) => {
      if (ranges.length > 0) log.calls[i]!++;
      alive[i] = ranges.reduce((n, { start, end }) => n + end - start, 0);
      log.peak = Math.max(
        log.peak,
        alive.reduce((a, b) => a + b, 0),
      );
    }),
  }));
  return { checkpoint: { ...checkpoint, files }, log };
}

function far(near: ByteSource, announced: (ranges: readonly ByteRange[]) => void): PrefetchingSource {
  let fetched: readonly ByteRange[] = [];
  return {
    location: near.location,
    size: near.size,
    async read(start, end) {
      await setImmediate();
      if (start < end && !fetched.some((range) => range.start <= start && end <= range.end)) {
        throw new Error(`[${start}, ${end}) was not announced`);
      }
      return near.read(start, end);
    },
    async prefetch(ranges, signal) {
      fetched = [];
      announced(ranges);
      // As slow as whatever is computed meanwhile: two announcements at once would be seen.
      for (let i = 0; i < 3; i++) await setImmediate();
      signal?.throwIfAborted();
      fetched = [...ranges];
    },
    verifyUnchanged: () => near.verifyUnchanged(),
    close: () => near.close(),
  };
}
