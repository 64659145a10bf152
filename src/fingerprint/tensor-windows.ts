/** Tensors of up to so many elements are digested whole; */
const WHOLE = 3 * 4096;
/** longer ones in windows of this many; */
const WINDOW = 1024;
/** and one of so many in every expert of a stack: a tuned expert among many must not pass for an untouched one. */
const EXPERT_WINDOW = 256;
const MAX_EXPERTS = 4096;

/** Eighths of a tensor's rows at which windows start: rows that sketches of 8, 16, 32 or 64 rows read anyway. */
const EIGHTHS = [0, 4, 7];

/** [first element, elements]. */
export type Window = readonly [start: number, count: number];

/**
 * Which elements of a stored tensor are digested. Its shape alone decides, so that equal tensors are digested alike
 * whatever they are called. Windows do not overlap.
 */
export function tensorWindows(shape: readonly number[]): Window[] {
  const count = shape.reduce((product, n) => product * n, 1);
  if (count <= WHOLE) return [[0, count]];
  const [first, second] = shape as [number, number];
  if (shape.length === 3 && first > 1 && first <= MAX_EXPERTS) {
    const slab = count / first;
    const start = Math.floor(second / 2) * (slab / second);
    const size = Math.min(EXPERT_WINDOW, slab - start);
    return Array.from({ length: first }, (_, expert): Window => [expert * slab + start, size]);
  }
  const row = count / first;
  const starts = [...new Set(EIGHTHS.map((eighth) => Math.floor((eighth * first) / 8) * row))];
  return starts.map((start, i): Window => [start, Math.min(WINDOW, (starts[i + 1] ?? count) - start)]);
}
