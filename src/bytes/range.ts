import { WeightmarkError } from "../errors.ts";
import type { ByteRange } from "./byte-source.ts";

/** Throws READ_OUT_OF_RANGE unless 0 <= start <= end <= size, all integers. */
export function requireRange(start: number, end: number, size: number, location: string): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= size) return;
  throw new WeightmarkError("READ_OUT_OF_RANGE", `bytes ${start} to ${end} asked of ${size}`, { file: location });
}

/** The same bytes as ranges that neither touch nor overlap, in order. */
export function unionOf(ranges: readonly ByteRange[]): ByteRange[] {
  const union: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    if (end <= start) continue;
    const last = union.at(-1);
    if (last === undefined || start > last.end) union.push({ start, end });
    else if (end > last.end) last.end = end;
  }
  return union;
}
