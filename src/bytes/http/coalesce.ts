import type { ByteRange } from "../byte-source.ts";

/**
 * Bytes nobody asked for that are fetched to save a request. A request to storage costs about 50 to 100 ms before its first
 * byte, in which a connection of 10 Mbit/s moves about this much; faster ones waste less than they save.
 */
export const GAP = 128 * 1024;

/** No request becomes longer by merging: several in parallel are faster, and one that breaks off costs less. */
export const LONGEST_MERGED = 8 * 1024 * 1024;

/**
 * Few ranges that hold all of `ranges`, in order: neighbours with a small gap become one. What overlaps is merged however
 * long it becomes, for it has to be read anyway. Empty ranges vanish.
 */
export function coalesce(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = ranges.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of sorted) {
    const last = merged.at(-1);
    const near =
      last !== undefined && start <= last.end + GAP && Math.max(end, last.end) - last.start <= LONGEST_MERGED;
    if (last !== undefined && (start < last.end || near)) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}
