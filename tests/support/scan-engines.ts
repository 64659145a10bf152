import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import type { ScanItem } from "../../src/scan/item.ts";
import { openJournal } from "../../src/scan/journal/journal-store.ts";
import { MemoryQueue } from "../../src/scan/memory-queue.ts";
import type { QueueHandsOptions } from "../../src/scan/queue-hands.ts";
import type { ResultStore } from "../../src/scan/result-store.ts";
import { scan } from "../../src/scan/scan.ts";
import { sharedScan } from "../../src/scan/shared-scan.ts";
import { workLoop } from "../../src/scan/work-loop.ts";
import type { ScanCall, ScanEngine, ScanOutcome, ScanPlace } from "./scan.contract.ts";
import { parametersOf } from "./scan-items.ts";
import { inputsOf, setupOf } from "./scan-run.ts";

/** A queue that forgets by being another one. */
export class ForgetfulQueue extends MemoryQueue {
  forgotten = 0;
  async forget(): Promise<void> {
    this.forgotten += 1;
  }
}

export function parametersFor({ root, name }: ScanPlace, { include = [] }: ScanCall) {
  return parametersOf({ inputs: [root, name], include });
}

/** Runs a scan, keeps what it hands out, and lists what is stored then. */
export async function outcomeOf(
  store: ResultStore,
  { onItem }: ScanCall,
  run: (onItem: (item: ScanItem) => void | Promise<void>) => Promise<ScanOutcome["summary"]>,
): Promise<ScanOutcome> {
  const items: ScanItem[] = [];
  const summary = await run((item) => {
    items.push(item);
    return onItem?.(item);
  });
  const stored: ScanItem[] = [];
  for await (const item of store.items()) stored.push(item);
  return { summary, items, stored, complete: store.complete };
}

/** Threads of one process, and a journal. */
export const threadEngine: ScanEngine = {
  async run(place, call) {
    const { root, name } = place;
    await using store = await openJournal(`${root}.${name}`, parametersFor(place, call), { mode: call.mode });
    const { workers, signal, locations = [root] } = call;
    return await outcomeOf(store, call, (onItem) =>
      scan(inputsOf(...locations), { store, setup: setupOf(), workers, signal, onItem }),
    );
  },
};

/** Another machine that serves a queue until it is told to stop. */
export async function serve(
  { queue, store }: Pick<QueueHandsOptions, "queue" | "store">,
  { process, concurrency }: ScanCall["workers"],
  signal: AbortSignal,
): Promise<void> {
  const idle = async () => delay(1, true);
  await workLoop({ queue, storeOf: async () => store, process, concurrency, signal, tries: 1, idle });
}

/** Runs a scan whose work others do, with one worker beside it, which stops with the scan. */
export async function runShared(
  hands: QueueHandsOptions,
  place: ScanPlace,
  call: ScanCall,
  work: typeof serve = serve,
): Promise<ScanOutcome> {
  const stop = new AbortController();
  const signals = [stop.signal, ...(call.signal === undefined ? [] : [call.signal])];
  const working = work(hands, call.workers, AbortSignal.any(signals));
  try {
    const { signal, locations = [place.root] } = call;
    const patience = { pollMs: 0, sleep: async () => turn(), deterministic: true };
    return await outcomeOf(hands.store, call, async (onItem) => {
      const summary = await sharedScan(inputsOf(...locations), { ...patience, ...hands, signal, onItem });
      stop.abort();
      await working;
      return summary;
    });
  } finally {
    stop.abort();
    await working;
  }
}

/** A queue in memory, and a journal. */
export const queueEngine: ScanEngine = {
  async run(place, call) {
    const journal = `${place.root}.${place.name}`;
    await using store = await openJournal(journal, parametersFor(place, call), { mode: call.mode });
    return await runShared({ store, queue: new ForgetfulQueue({ tries: 1 }), scan: "s" }, place, call);
  },
};
