import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import type { ScanInputs } from "../../../src/scan/inputs.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { MemoryQueue } from "../../../src/scan/memory-queue.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { type SharedScanOptions, sharedScan } from "../../../src/scan/shared-scan.ts";
import { workLoop } from "../../../src/scan/work-loop.ts";
import { failureOf, parametersOf } from "../../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const passing = failureOf({ code: "HTTP_SERVER_FAILED", message: "502", passing: true });

/** A queue that forgets by being another one. */
class Queue extends MemoryQueue {
  forgotten = 0;
  async forget(): Promise<void> {
    this.forgotten += 1;
  }
}

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
  const queue = new Queue({ tries: 1 });
  const stop = new AbortController();
  const items: ScanItem[] = [];
  const workers = worker?.workers ?? fakeWorkers();
  const work =
    worker === null ? null : worker.dies ? drop(queue, stop.signal) : serve(queue, store, workers, stop.signal);
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

/** Another machine, that serves this queue. */
function serve(queue: Queue, store: ResultStore, workers: ReturnType<typeof fakeWorkers>, signal: AbortSignal) {
  const idle = async () => turn(true);
  return workLoop({
    queue,
    storeOf: async () => store,
    process: workers.process,
    concurrency: 2,
    signal,
    tries: 1,
    idle,
  });
}

async function drop(queue: Queue, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const job of await queue.take(1)) await job.retry("lost");
    await turn();
  }
}

describe("a scan whose work others do", () => {
  it("hands out what they store, once each, duplicates too, and is complete then", async () => {
    const { summary, items, workers, complete } = await run(tree(), {});
    expect(items.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      "a done",
      "b done",
      "c done",
      "d done",
      "e done",
      "twin duplicate",
    ]);
    expect(workers.begun).toHaveLength(5);
    expect(summary).toMatchObject({ complete: true, listed: 6, replayed: 0, duplicates: 1, interrupted: false });
    expect(complete).toBe(true);
  });

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

  it("does not wait for ever for jobs whose workers die, and has them tried again with --resume", async () => {
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

  it("tries what failed for a passing reason again with --resume, and nothing else", async () => {
    const root = tree();
    const first = await run(root, {
      workers: fakeWorkers(({ name }) => (name === "b" ? { status: "failed", failure: passing, verdict: null } : {})),
    });
    expect(first.summary).toMatchObject({ complete: false, failed: 1 });
    const again = await run(root, {}, {}, "resume");
    expect(again.workers.begun).toHaveLength(1);
    expect(again.summary).toMatchObject({ complete: true, failed: 0, replayed: 5, listed: 6 });
    const printed = await run(root, null, {}, "resume");
    expect(printed.items).toHaveLength(6);
    expect(printed.summary).toMatchObject({ complete: true, replayed: 6 });
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
    const queue = new Queue({ tries: 1 });
    const stop = new AbortController();
    const work = serve(queue, store, fakeWorkers(), stop.signal);
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
