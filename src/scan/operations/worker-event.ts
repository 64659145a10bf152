import type { WeightmarkError } from "../../errors.ts";
import type { WorkEvent } from "../work-loop.ts";

/** What a worker tells beside what happens to jobs. */
export type WorkerEvent =
  | WorkEvent
  | { readonly type: "ready"; readonly database: string; readonly metrics: number | null }
  /** A scan that this machine cannot work on: told once a minute at most. */
  | { readonly type: "declined"; readonly scan: string; readonly error: WeightmarkError }
  /** A result that nobody waits for any more: the scan is over, or was removed. */
  | { readonly type: "unwanted"; readonly scan: string; readonly id: string }
  | { readonly type: "draining" }
  | { readonly type: "stopped" };
