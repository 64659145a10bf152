import { availableParallelism } from "node:os";
import type { WeightmarkError } from "../errors.ts";
import { pruneCache } from "./cache/prune.ts";
import type { ScanInputs } from "./inputs.ts";
import { Run, type RunOptions } from "./run.ts";
import type { ScanSetup } from "./setup.ts";
import type { ScanSummary } from "./summary.ts";
import { ThreadHands } from "./thread-hands.ts";
import type { WorkEvent } from "./work-loop.ts";
import type { Workers } from "./workers.ts";

/** `signal` aborted: takes no more targets, and lets the running ones end. */
export interface ScanOptions extends Omit<RunOptions, "deterministic"> {
  readonly setup: ScanSetup;
  /** Worker threads; 0 works on this thread. The results never depend on it. @default as many as there are cores */
  readonly threads?: number | undefined;
  /** Targets that one thread works on at a time: most of the time it waits for the network. @default 4 */
  readonly tasksPerThread?: number | undefined;
  /** Milliseconds that running targets have to end when the scan is stopped. @default 10,000 */
  readonly graceMs?: number | undefined;
  readonly onEvent?: ((event: WorkEvent) => void) | undefined;
  /** Told what is worth saying once and stops nothing: a cache that cannot be written. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
  /** What works on targets. @default threads of this process */
  readonly workers?: Workers | undefined;
}

/**
 * Scans: lists targets, reads each content once, stores and hands out what comes of them. Ends early, with
 * `interrupted` in its summary, when `signal` is aborted; the store then holds what was done, and the same scan with the
 * same store goes on there.
 *
 * @throws SCAN_NOTHING, SCAN_DIFFERS; WRITE_FAILED when results can be stored no longer; what listing an organisation or
 *   opening the registry or the keys throws
 */
export async function scan(inputs: ScanInputs, options: ScanOptions): Promise<ScanSummary> {
  const began = performance.now();
  const { deterministic } = options.setup;
  const run = new Run({ ...options, deterministic });
  await run.replay();
  if (!options.store.complete) {
    const workers = options.workers ?? (await ownWorkers(options));
    try {
      await run.scan(inputs, new ThreadHands({ ...options, workers }));
    } finally {
      if (options.workers === undefined) await workers.close();
      // Anyone who stops a scan does not wait for a large cache to be looked through.
      const isOver = options.signal?.aborted !== true;
      if (isOver && options.setup.cacheDirectory !== null) await pruneCache(options.setup.cacheDirectory);
    }
  }
  return run.summary(deterministic ? null : Math.round(performance.now() - began));
}

async function ownWorkers(options: ScanOptions): Promise<Workers> {
  // Loaded when needed: all of what models are read with.
  const { openWorkers } = await import("./workers.ts");
  const { threads = availableParallelism(), tasksPerThread = 4, onTrouble } = options;
  return openWorkers(options.setup, { threads, tasksPerThread, onTrouble });
}
