import type { ScanInputs } from "./inputs.ts";
import { QueueHands, type QueueHandsOptions } from "./queue-hands.ts";
import { Run, type RunOptions } from "./run.ts";
import type { ScanSummary } from "./summary.ts";

/** `signal` aborted: stops listing and waiting. What is in the queue stays there. */
export type SharedScanOptions = RunOptions & QueueHandsOptions;

/**
 * A scan whose work is done by others: lists targets into a queue, and hands out what comes of them until all of it is
 * there. Reads nothing of the models itself. Ends early, with `interrupted` in its summary, when `signal` is aborted.
 *
 * @throws SCAN_NOTHING; what listing throws; what the queue and the store throw while targets are listed
 */
export async function sharedScan(inputs: ScanInputs, options: SharedScanOptions): Promise<ScanSummary> {
  const began = performance.now();
  const { store, deterministic = false } = options;
  const run = new Run(options);
  // Before what is stored is looked at: a job that ends in between would be forgotten, listed and worked on once more.
  if (!store.complete) await forgetEnded(options);
  await run.replay();
  if (!store.complete) await run.scan(inputs, new QueueHands(options));
  return run.summary(deterministic ? null : Math.round(performance.now() - began));
}

/** Jobs that are over are known to the queue, and would not be added again for what failed for a passing reason. */
async function forgetEnded({ queue, scan }: QueueHandsOptions): Promise<void> {
  const { waiting, active } = await queue.counts(scan);
  if (waiting + active === 0) await queue.forget(scan);
}
