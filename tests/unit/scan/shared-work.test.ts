import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { MemoryQueue } from "../../../src/scan/memory-queue.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { type ScanOptions, scan } from "../../../src/scan/scan.ts";
import { workLoop } from "../../../src/scan/work-loop.ts";
import { failureOf, parametersOf } from "../../support/scan-items.ts";
import { type FakeWorkers, fakeWorkers, inputsOf, modelTree, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const passing = failureOf({ code: "HTTP_SERVER_FAILED", message: "502", passing: true });

/** A scan whose work is done by a loop beside it, as by a worker on another machine. */
async function share(
  workers: FakeWorkers,
  options: Partial<ScanOptions> = {},
  stopWorkerAt = Number.POSITIVE_INFINITY,
) {
  const directory = temporaryDirectory();
  const root = modelTree(join(directory, "models"), ["a", "b", "c", "d", "e"]);
  mkdirSync(join(root, "f"));
  linkSync(join(root, "a/model.safetensors"), join(root, "f/model.safetensors"));
  const store = await openJournal(join(directory, "journal"), parametersOf());
  const queue = new MemoryQueue({ tries: 3 });
  const stop = new AbortController();
  const worker = workLoop({
    queue,
    storeOf: async () => store,
    process: workers.process,
    concurrency: 2,
    signal: stop.signal,
    tries: 3,
    idle: async () => turn().then(() => true),
  });
  const items: ScanItem[] = [];
  const shared = { queue, scan: "scan-1", pollMs: 1, sleep: async () => turn() };
  try {
    const onItem = (item: ScanItem) => void items.push(item);
    const summary = await scan(inputsOf(root), { store, setup: setupOf(), shared, onItem, ...options });
    return { summary, items: items.sort((a, b) => (a.id < b.id ? -1 : 1)), store, root };
  } finally {
    stop.abort();
    await worker;
    await store.close();
  }
}

describe("a scan whose work others do", () => {
  it("hands out what they store, once each, and answers duplicates itself", async () => {
    const workers = fakeWorkers();
    const { summary, items } = await share(workers);
    expect(items.map(({ name, status }) => [name, status])).toEqual([
      ["a", "done"],
      ["b", "done"],
      ["c", "done"],
      ["d", "done"],
      ["e", "done"],
      ["f", "duplicate"],
    ]);
    expect(workers.begun.length).toBe(5);
    expect(summary).toMatchObject({ complete: true, read: 5, duplicates: 1, listed: 6 });
  });

  it("ends with what failed as often as is allowed", async () => {
    const workers = fakeWorkers(({ name }) =>
      name === "b" ? { status: "failed", failure: passing, verdict: null } : {},
    );
    const { summary, items } = await share(workers);
    expect(summary).toMatchObject({ complete: false, read: 4, failed: 1, duplicates: 1 });
    expect(items.find(({ name }) => name === "b")?.failure?.code).toBe("HTTP_SERVER_FAILED");
    expect(workers.begun.filter((id) => id.endsWith("/b")).length).toBe(3);
  });

  it("names what was lost with every worker that took it", async () => {
    const directory = temporaryDirectory();
    const root = modelTree(join(directory, "models"), ["a"]);
    const store = await openJournal(join(directory, "journal"), parametersOf());
    const queue = new MemoryQueue({ tries: 3 });
    // Workers that die: nothing is stored, and the queue tries the job again.
    const sleep = async () => {
      for (const taken of await queue.take(5)) await taken.retry("the lease ran out");
      await turn();
    };
    const shared = { queue, scan: "s", pollMs: 1, sleep };
    const summary = await scan(inputsOf(root), { store, setup: setupOf(), shared });
    expect(summary).toMatchObject({ complete: false, failed: 1 });
    expect(await store.get(join(root, "a"))).toMatchObject({ failure: { code: "WORKER_LOST", passing: true } });
    await store.close();
  });

  it("reads a duplicate when the first of them failed", async () => {
    const workers = fakeWorkers(({ name }) =>
      name === "a" ? { status: "failed", failure: failureOf(), verdict: null } : {},
    );
    const { items } = await share(workers);
    expect(items.filter(({ name }) => name === "a" || name === "f").map(({ status }) => status)).toEqual([
      "failed",
      "done",
    ]);
  });

  it("lives through a database that goes away", async () => {
    let failures = 3;
    const troubles: string[] = [];
    const flaky = (store: ResultStore): ResultStore =>
      new Proxy(store, {
        get(target, property) {
          if (property === "finished" && troubles.length > 0 && failures-- > 0) {
            return () => Promise.reject(new WeightmarkError("DATABASE_UNREACHABLE", "gone"));
          }
          const value = Reflect.get(target, property, target) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    const directory = temporaryDirectory();
    const root = modelTree(join(directory, "models"), ["a", "b"]);
    const store = await openJournal(join(directory, "journal"), parametersOf());
    const queue = new MemoryQueue();
    const stop = new AbortController();
    const idle = async () => turn().then(() => true);
    const worker = workLoop({
      queue,
      storeOf: async () => store,
      process: fakeWorkers().process,
      concurrency: 2,
      signal: stop.signal,
      idle,
    });
    // The first look, before anything is listed, works.
    const started = flaky(store);
    troubles.push("from here on");
    failures = 0;
    const shared = {
      queue,
      scan: "s",
      pollMs: 1,
      sleep: async () => {
        if (troubles.length === 1) failures = 3;
        await turn();
      },
    };
    const onTrouble = ({ code }: WeightmarkError) => void troubles.push(code);
    const summary = await scan(inputsOf(root), { store: started, setup: setupOf(), shared, onTrouble });
    expect(summary).toMatchObject({ complete: true, read: 2 });
    expect(new Set(troubles.slice(1))).toEqual(new Set(["DATABASE_UNREACHABLE"]));
    stop.abort();
    await worker;
    await store.close();
  });

  it("leaves the jobs where they are when it is told to stop", async () => {
    const stop = new AbortController();
    const workers = fakeWorkers(async () => {
      stop.abort();
      return {};
    });
    const { summary } = await share(workers, { signal: stop.signal });
    expect(summary.interrupted).toBe(true);
  });
});
