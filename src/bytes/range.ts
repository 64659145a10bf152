import { WeightmarkError } from "../errors.ts";

/** Throws READ_OUT_OF_RANGE unless 0 <= start <= end <= size, all integers. */
export function requireRange(start: number, end: number, size: number, location: string): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= size) return;
  throw new WeightmarkError("READ_OUT_OF_RANGE", `bytes ${start} to ${end} asked of ${size}`, { file: location });
}
