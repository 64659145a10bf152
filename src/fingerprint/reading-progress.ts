import type { Depth } from "./fingerprint.ts";

type Report = (done: number, total: number) => void;

/** How far the reading of a model is: sampling, and at depth `full` the pass over every byte beside it. */
export interface ReadingProgress {
  /** Of the pass over every byte. */
  bytes(done: number, total: number): void;
  /** Of sampling: matrices and digests of tensors, of which a model may have a hundred thousand. */
  readings(done: number, total: number): void;
}

/**
 * Tells of both as one. At depth `sampled` readings are counted, at depth `full` bytes, of which no larger part counts as done
 * than of either: anyone who is told of all bytes has nothing more to wait for.
 */
export function readingProgress(depth: Depth, report: Report): ReadingProgress {
  if (depth === "sampled") return { bytes: () => {}, readings: report };
  let [read, all] = [0, 0];
  let sampled = 0;
  const tell = () => {
    if (all > 0) report(Math.floor(Math.min(read, sampled * all)), all);
  };
  return {
    bytes(done, total) {
      [read, all] = [done, total];
      tell();
    },
    readings(done, total) {
      sampled = total === 0 ? 1 : done / total;
      tell();
    },
  };
}
