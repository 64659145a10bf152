import type { WeightmarkError } from "../errors.ts";
import { MemoryQueue } from "./memory-queue.ts";
import type { ResultStore } from "./result-store.ts";
import type { Work } from "./work.ts";
import { type WorkEvent, workLoop } from "./work-loop.ts";
import type { Workers } from "./workers.ts";

export interface LocalWorkOptions {
  readonly store: ResultStore;
  readonly workers: Workers;
  readonly graceMs?: number | undefined;
  readonly onEvent?: ((event: WorkEvent) => void) | undefined;
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
}

const SCAN = "local";
/** A target whose thread died is tried once more: it may have died of another one. */
const TRIES = 2;

/** Work of this process alone. */
export function localWork({ store, workers, graceMs, onEvent, onTrouble }: LocalWorkOptions): Work {
  const queue = new MemoryQueue({ tries: TRIES });
  let wake = () => {};
  let isEnded = false;
  const ended = new Promise<void>((resolve) => {
    wake = resolve;
  });
  return {
    // Enough that nobody waits for the listing, and no more than memory should hold.
    ahead: 4 * workers.concurrency + 64,
    add: async (target) => (await queue.add([{ scan: SCAN, target }])) > 0,
    end() {
      isEnded = true;
      wake();
    },
    run: (onItem, signal) =>
      workLoop({
        queue,
        storeOf: async () => store,
        process: workers.process,
        concurrency: workers.concurrency,
        signal,
        graceMs,
        tries: TRIES,
        async idle() {
          if (isEnded) return false;
          await Promise.race([queue.changed(), ended]);
          return true;
        },
        onEvent(event) {
          onEvent?.(event);
          if (event.type === "trouble") onTrouble?.(event.error);
          if (event.type === "item" && !event.again) onItem(event.item);
        },
      }),
  };
}
