import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import type { ScanInputs } from "../../../src/scan/inputs.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { type SharedScanOptions, sharedScan } from "../../../src/scan/shared-scan.ts";
import { scanContract } from "../../support/scan.contract.ts";
import { ForgetfulQueue, queueEngine, serve } from "../../support/scan-engines.ts";
import { itemOf, parametersOf, targetOf } from "../../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const NAMES = ["a", "b", "c", "d", "e"];

function tree(): string {
  const root = modelTree(join(temporaryDirectory(), "models"), NAMES);
  mkdirSync(join(root, "twin"));
  linkSync(join(root, "a", "model.safetensors"), join(root, "twin", "model.safetensors"));
  return root;
}

interface Worker {
  readonly workers?: ReturnType<typeof fakeWorkers>;
  /** Jobs that it drops without a word, as a machine that loses power. */
  readonly dies?: boolean;
}

async function run(
  root: string,
  worker: Worker | null,
  options: Partial<SharedScanOptions> = {},
  mode: "begin" | "resume" = "begin",
  inputs: ScanInputs = inputsOf(root),
) {
  const store = await openJournal(`${root}.journal`, parametersOf({ inputs: [root] }), { mode });
  const queue = new ForgetfulQueue({ tries: 1 });
  const stop = new AbortController();
  const items: ScanItem[] = [];
  const workers = worker?.workers ?? fakeWorkers();
  const work =
    worker === null ? null : worker.dies ? drop(queue, stop.signal) : serve({ queue, store }, workers, stop.signal);
  try {
    const summary = await sharedScan(inputs, {
      store,
      queue,
      scan: "s",
      pollMs: 0,
      sleep: async () => turn(),
      onItem: (item) => void items.push(item),
      ...options,
    });
    return { summary, items, workers, queue, complete: store.complete };
  } finally {
    stop.abort();
    await work;
    await store.close();
  }
}

async function drop(queue: ForgetfulQueue, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const job of await queue.take(1)) await job.retry("lost");
    await turn();
  }
}

scanContract("workers that share a queue, with a journal", queueEngine);

describe("a scan whose work others do", () => {
  it("gives a model one result that is named again long after it is over", async () => {
    const names = ["a", "b", "a"].map((name) => `https://example.org/${name}.safetensors`);
    const list = {
      digest: "",
      count: names.length,
      close: async () => {},
      async *locations() {
        yield* names.slice(0, -1);
        // As in a long list: what was put into the queue is over by the time its model is named again.
        for (let turns = 0; turns < 2000; turns += 1) await turn();
        yield names.at(-1)!;
      },
    };
    const store = join(temporaryDirectory(), "scan");
    const inputs = {
      locations: Array.from({ length: 500 }, (_, i) => `https://example.org/${i}`),
      organisations: [],
      list,
    };
    const { summary, items } = await run(store, {}, {}, "begin", {
      ...inputs,
      locations: [...inputs.locations, names[0]!],
    });
    expect(summary).toMatchObject({ complete: true, listed: 502, read: 502 });
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  });

  it("does not wait for ever for jobs whose workers die, and has them tried again when the scan goes on", async () => {
    const root = tree();
    const { summary, items, complete } = await run(root, { dies: true });
    expect(items).toHaveLength(6);
    for (const { failure } of items) expect(failure).toMatchObject({ code: "WORKER_LOST", passing: true });
    expect(summary).toMatchObject({ complete: false, failed: 6 });
    expect(complete).toBe(false);
    const again = await run(root, {}, {}, "resume");
    expect(again.summary).toMatchObject({ complete: true, failed: 0, listed: 6, replayed: 0, duplicates: 1 });
    expect(again.queue.forgotten).toBe(1);
  });

  it("works once on a model whose job of an earlier run ends while the results are looked at", async () => {
    const root = modelTree(join(temporaryDirectory(), "models"), ["a"]);
    const store = await openJournal(`${root}.journal`, parametersOf({ inputs: [root] }));
    const queue = new ForgetfulQueue({ tries: 1 });
    const target = targetOf(join(root, "a"));
    await queue.add([{ scan: "s", target }]);
    const [job] = await queue.take(1);
    const items = store.items.bind(store);
    store.items = async function* () {
      yield* items();
      await store.put(itemOf(target.id));
      await job!.complete();
    };
    const summary = await sharedScan(inputsOf(root), { store, queue, scan: "s", pollMs: 0, sleep: async () => turn() });
    expect(summary).toMatchObject({ complete: true, read: 1 });
    expect(queue.forgotten).toBe(0);
    await store.close();
  });

  it("stops waiting when it is told to, and leaves the jobs to the workers", async () => {
    const root = tree();
    const stop = new AbortController();
    let listedAll = false;
    const sleep = async () => {
      if (listedAll) stop.abort();
      return turn();
    };
    const onProgress: SharedScanOptions["onProgress"] = (progress) => {
      listedAll = progress.listedAll;
    };
    const { summary, queue, complete } = await run(root, null, { signal: stop.signal, sleep, onProgress });
    expect(summary).toMatchObject({ interrupted: true, complete: false });
    expect(complete).toBe(false);
    expect((await queue.counts("s")).waiting).toBe(5);
  });

  it("waits for a database that is away", async () => {
    const root = tree();
    const store = await openJournal(`${root}.journal`, parametersOf({ inputs: [root] }));
    const queue = new ForgetfulQueue({ tries: 1 });
    const stop = new AbortController();
    const work = serve({ queue, store }, fakeWorkers(), stop.signal);
    const finished = store.finished.bind(store);
    let calls = 0;
    store.finished = async () => {
      // The first look is for the results of earlier runs.
      if (++calls === 2 || calls === 3) throw new WeightmarkError("DATABASE_UNREACHABLE", "away");
      return finished();
    };
    const troubles: string[] = [];
    const onTrouble = ({ code }: WeightmarkError) => void troubles.push(code);
    const sleep = async () => turn();
    const summary = await sharedScan(inputsOf(root), { store, queue, scan: "s", pollMs: 0, sleep, onTrouble });
    stop.abort();
    await work;
    await store.close();
    expect(troubles).toEqual(["DATABASE_UNREACHABLE", "DATABASE_UNREACHABLE"]);
    expect(summary).toMatchObject({ complete: true, listed: 6 });
  });
});
