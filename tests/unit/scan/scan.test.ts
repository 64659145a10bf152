import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { type ScanOptions, scan } from "../../../src/scan/scan.ts";
import { refusal } from "../../support/refusal.ts";
import { scanContract } from "../../support/scan.contract.ts";
import { threadEngine } from "../../support/scan-engines.ts";
import { failureOf, parametersOf } from "../../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const NAMES = Array.from({ length: 30 }, (_, i) => `m${String(i).padStart(2, "0")}`);

interface Place {
  readonly root: string;
  readonly journal: string;
}

function place(names: readonly string[] = NAMES): Place {
  const directory = temporaryDirectory();
  return { root: modelTree(join(directory, "models"), names), journal: join(directory, "journal.jsonl") };
}

async function run(
  { root, journal }: Place,
  options: Partial<ScanOptions>,
  mode: "begin" | "resume" = "begin",
  more: Parameters<typeof parametersOf>[0] = {},
) {
  const store = await openJournal(journal, parametersOf({ inputs: [root], ...more }), { mode });
  const items: ScanItem[] = [];
  try {
    const onItem = (item: ScanItem) => void items.push(item);
    const summary = await scan(inputsOf(root), { store, setup: setupOf(), onItem, ...options });
    return { summary, items };
  } finally {
    await store.close();
  }
}

scanContract("threads, with a journal", threadEngine);

describe("a scan by threads", () => {
  it("goes no further ahead with listing than a bounded number of targets", async () => {
    let release = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const names = Array.from({ length: 150 }, (_, i) => `m${i}`);
    let listed = 0;
    const running = run(place(names), {
      workers: fakeWorkers(async () => {
        await blocked;
        return {};
      }),
      onProgress: (progress) => {
        listed = progress.listed;
      },
    });
    for (let before = -1; before !== listed || listed === 0; await new Promise((r) => setTimeout(r, 30)))
      before = listed;
    expect(listed).toBeLessThan(100);
    release();
    expect((await running).summary.listed).toBe(150);
  });

  it("ends with what concerns all models", async () => {
    const workers = fakeWorkers(() => {
      throw new Error("the registry has changed");
    });
    await expect(run(place(), { workers })).rejects.toThrow("the registry has changed");
  });

  it("tries a target again whose thread died, once", async () => {
    const lost = failureOf({ code: "WORKER_LOST", message: "a worker thread died", passing: true });
    let deaths = 0;
    const workers = fakeWorkers(({ name }) => {
      if (name === "m07" || (name === "m08" && deaths++ === 0))
        return { status: "failed", failure: lost, verdict: null };
      return {};
    });
    const { summary, items } = await run(place(), { workers });
    expect(summary).toMatchObject({ read: 29, failed: 1, complete: false });
    expect(items.filter(({ name }) => name === "m08")).toMatchObject([{ status: "done" }]);
    expect(workers.begun.filter((id) => id.endsWith("m07")).length).toBe(2);
  });

  it("stops at a signal, and lets running targets end", async () => {
    const found = place();
    const stop = new AbortController();
    let ended = 0;
    const workers = fakeWorkers(async ({ name }) => {
      if (name === "m10") stop.abort();
      for (let i = 0; i < 5; i++) await turn();
      ended += 1;
      return {};
    });
    const first = await run(found, { workers, signal: stop.signal });
    expect(first.summary).toMatchObject({ interrupted: true, complete: false });
    expect(first.items.length).toBe(ended);
    expect(ended).toBe(workers.begun.length);
    expect(ended).toBeLessThan(20);
  });

  it("gives targets back that do not end within the grace period", async () => {
    const found = place();
    const stop = new AbortController();
    const workers = fakeWorkers(async (target, signal) => {
      if (target.name === "m05") stop.abort();
      if (target.name !== "m06") return {};
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return {};
    });
    const first = await run(found, { workers, signal: stop.signal, graceMs: 1 });
    expect(first.summary.interrupted).toBe(true);
    expect(first.items.map(({ name }) => name)).not.toContain("m06");
    const more = fakeWorkers();
    await run(found, { workers: more }, "resume");
    expect(more.begun).toContain(join(found.root, "m06"));
  });

  it("refuses to go on with other parameters", async () => {
    const found = place();
    const stop = new AbortController();
    stop.abort();
    await run(found, { workers: fakeWorkers(), signal: stop.signal });
    for (const more of [{ depth: "full" as const }, { registry: "0".repeat(64) }, { keys: ["k"] }, { version: "2" }]) {
      const error = await refusal(run(found, { workers: fakeWorkers() }, "resume", more), "SCAN_DIFFERS");
      expect(error.message).toContain(Object.keys(more)[0]);
    }
  });
});
