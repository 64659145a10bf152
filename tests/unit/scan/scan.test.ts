import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { type ScanOptions, scan } from "../../../src/scan/scan.ts";
import { refusal } from "../../support/refusal.ts";
import { failureOf, parametersOf, ROOT } from "../../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const NAMES = Array.from({ length: 30 }, (_, i) => `m${String(i).padStart(2, "0")}`);
const passing = failureOf({ code: "HTTP_SERVER_FAILED", message: "502", passing: true });

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
    return { summary, items, stored: await itemsOf(store) };
  } finally {
    await store.close();
  }
}

async function itemsOf(store: ResultStore): Promise<ScanItem[]> {
  const items: ScanItem[] = [];
  for await (const item of store.items()) items.push(item);
  return items;
}

const byId = (a: ScanItem, b: ScanItem) => (a.id < b.id ? -1 : 1);

describe("a scan", () => {
  it("gives every model one result, and hands each out once", async () => {
    const workers = fakeWorkers(async () => {
      for (let i = 0; i < 100; i++) await turn();
      return {};
    });
    const { summary, items, stored } = await run(place(), { workers });
    expect(items.map(({ name }) => name).sort()).toEqual(NAMES);
    expect(stored).toEqual([...items].sort(byId));
    expect(workers.begun.length).toBe(30);
    expect(workers.most).toBeGreaterThan(1);
    expect(workers.most).toBeLessThanOrEqual(4);
    expect(summary).toMatchObject({ complete: true, interrupted: false, listed: 30, replayed: 0, read: 30, failed: 0 });
    expect(summary.verdicts["no-evidence"]).toBe(30);
  });

  it("says that there is nothing", async () => {
    const nothing = place([]);
    mkdirSync(nothing.root);
    const { summary, items } = await run(nothing, { workers: fakeWorkers() });
    expect(items).toMatchObject([{ status: "skipped", failure: { code: "NO_WEIGHTS" }, name: "models" }]);
    expect(summary).toMatchObject({ listed: 1, skipped: 1, complete: true });
    const filtered = place();
    await refusal(run(filtered, { workers: fakeWorkers() }, "begin", { include: ["none*"] }), "SCAN_NOTHING");
  });

  it("counts why there are no results", async () => {
    const workers = fakeWorkers(({ name }) => {
      if (name === "m03") return { status: "skipped", failure: failureOf({ code: "NO_WEIGHTS" }), verdict: null };
      if (name === "m05") return { status: "failed", failure: passing, verdict: null };
      return name < "m10" ? { status: "failed", failure: failureOf(), verdict: null } : { cached: name < "m12" };
    });
    const { summary } = await run(place(), { workers });
    expect(summary.reasons).toEqual([
      { status: "failed", code: "HTTP_SERVER_FAILED", passing: true, count: 1 },
      { status: "failed", code: "ST_OVERLAP", passing: false, count: 8 },
      { status: "skipped", code: "NO_WEIGHTS", passing: false, count: 1 },
    ]);
    expect(summary).toMatchObject({ complete: false, read: 18, cached: 2, failed: 9, skipped: 1, listed: 30 });
  });

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

  it("does not let one result that cannot be handed out pass unnoticed", async () => {
    const onItem = () => {
      throw new Error("the reader is gone");
    };
    await expect(run(place(), { workers: fakeWorkers(), onItem })).rejects.toThrow("the reader is gone");
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
});

describe("duplicates", () => {
  /** m01 and m02 are m00 under other names, m03 is another model, m04 a link to m00; links of a directory come first. */
  function linked(): Place {
    const found = place(["m00", "m03"]);
    for (const name of ["m01", "m02"]) {
      mkdirSync(join(found.root, name));
      linkSync(join(found.root, "m00/model.safetensors"), join(found.root, name, "model.safetensors"));
    }
    symlinkSync("m00", join(found.root, "m04"));
    return found;
  }
  const ids = ({ root }: Place, ...names: string[]) => names.map((name) => join(root, name));

  it("are answered by the first of them, whichever is finished first", async () => {
    const found = linked();
    const workers = fakeWorkers(async ({ name }) => {
      if (name === "m00") for (let i = 0; i < 50; i++) await turn();
      return { verdict: "derived", sampledRoot: ROOT, parameters: 7 };
    });
    const { stored, summary } = await run(found, { workers });
    expect(workers.begun.length).toBe(2);
    expect(summary).toMatchObject({ read: 2, duplicates: 3, listed: 5, complete: true });
    for (const item of stored.filter(({ status }) => status === "duplicate")) {
      expect(item).toMatchObject({ verdict: "derived", sampledRoot: ROOT, parameters: 7, bytesRead: 0 });
      expect(item.duplicateOf).toBe(stored.find(({ id }) => id === item.duplicateOf)?.id);
      expect(item.summary).toContain("The same weights as");
    }
    expect(summary.verdicts.derived).toBe(5);
  });

  it("are read themselves when the first has no answer", async () => {
    const found = linked();
    const begun: string[] = [];
    const workers = fakeWorkers(({ name }) => {
      begun.push(name);
      return name === "m04" || name === "m00" ? { status: "failed", failure: failureOf(), verdict: null } : {};
    });
    const { stored } = await run(found, { workers });
    expect(begun.filter((name) => name !== "m03")).toEqual(["m04", "m00", "m01"]);
    expect(stored.map(({ name, status, duplicateOf }) => [name, status, duplicateOf])).toEqual([
      ["m00", "failed", null],
      ["m01", "done", null],
      ["m02", "duplicate", ids(found, "m01")[0]],
      ["m03", "done", null],
      ["m04", "failed", null],
    ]);
  });

  it("stay duplicates of the same model when a scan goes on", async () => {
    const found = linked();
    const stop = new AbortController();
    const first = await run(found, {
      signal: stop.signal,
      workers: fakeWorkers(({ name }) => {
        if (name === "m04") stop.abort();
        return {};
      }, 1),
    });
    expect(first.summary.interrupted).toBe(true);
    const workers = fakeWorkers();
    const { stored } = await run(found, { workers }, "resume");
    const whole = await run({ ...found, journal: `${found.journal}2` }, { workers: fakeWorkers() });
    expect(stored).toEqual(whole.stored);
    expect(workers.begun).not.toContain(ids(found, "m04")[0]);
  });
});

describe("a scan that goes on", () => {
  it("takes nothing for a duplicate of what lay at a path before", async () => {
    const found = place(["m00", "m01"]);
    const stop = new AbortController();
    const workers = fakeWorkers(({ name }) => {
      if (name === "m00") stop.abort();
      return { verdict: "derived" };
    }, 1);
    await run(found, { workers, signal: stop.signal });
    // Other weights by now, which m02 is a name of as well: nobody has read them.
    const path = join(found.root, "m00", "model.safetensors");
    rmSync(path);
    writeFileSync(path, "other weights");
    mkdirSync(join(found.root, "m02"));
    linkSync(path, join(found.root, "m02", "model.safetensors"));
    const { items } = await run(found, { workers: fakeWorkers() }, "resume");
    expect(items.find(({ name }) => name === "m02")).toMatchObject({ status: "done", verdict: "no-evidence" });
  });

  it("stops at a signal, lets running targets end, and repeats none of them", async () => {
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
    await refusal(run(found, { workers: fakeWorkers() }), "SCAN_UNFINISHED");
    const more = fakeWorkers();
    const second = await run(found, { workers: more }, "resume");
    expect(second.items.map(({ name }) => name).sort()).toEqual(NAMES);
    expect(second.items.slice(0, ended)).toEqual([...first.items].sort(byId));
    expect(second.summary).toMatchObject({ replayed: ended, listed: 30, read: 30, complete: true });
    expect(more.begun.filter((id) => workers.begun.includes(id))).toEqual([]);
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

  it("tries passing failures again, and no others", async () => {
    const found = place();
    const first = await run(found, {
      workers: fakeWorkers(({ name }) => {
        if (name === "m01") return { status: "failed", failure: failureOf(), verdict: null };
        return name === "m02" ? { status: "failed", failure: passing, verdict: null } : {};
      }),
    });
    expect(first.summary.complete).toBe(false);
    const workers = fakeWorkers();
    const { summary, items } = await run(found, { workers }, "resume");
    expect(workers.begun).toEqual([join(found.root, "m02")]);
    expect(summary).toMatchObject({ complete: true, read: 29, failed: 1, replayed: 29 });
    expect(items.length).toBe(30);
  });

  it("counts what failed before and is no longer there", async () => {
    const found = place(["a", "b"]);
    const failing = fakeWorkers(({ name }) =>
      name === "b" ? { status: "failed", failure: passing, verdict: null } : {},
    );
    await run(found, { workers: failing });
    const store = await openJournal(found.journal, parametersOf({ inputs: [found.root] }), { mode: "resume" });
    const summary = await scan(inputsOf(join(found.root, "a")), { store, setup: setupOf(), workers: fakeWorkers() });
    expect(summary).toMatchObject({ complete: false, failed: 1, read: 1 });
    expect(store.complete).toBe(false);
    await store.close();
  });

  it("replays a complete scan and works on nothing", async () => {
    const found = place();
    await run(found, { workers: fakeWorkers() });
    const workers = fakeWorkers();
    const { items, summary } = await run(found, { workers }, "resume");
    expect(items.length).toBe(30);
    expect(summary).toMatchObject({ complete: true, replayed: 30, listed: 30 });
    expect(workers.begun).toEqual([]);
    // Without --resume it is a new scan.
    const again = await run(found, { workers });
    expect(again.summary).toMatchObject({ replayed: 0, read: 30 });
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
