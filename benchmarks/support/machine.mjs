import { availableParallelism, cpus, totalmem } from "node:os";

/** What a reader needs to place the figures, and no more. */
export function machine() {
  return {
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? "unknown",
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
  };
}
