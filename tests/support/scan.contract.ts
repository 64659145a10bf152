import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ScanItem } from "../../src/scan/item.ts";
import type { RunOptions } from "../../src/scan/run.ts";
import type { ScanSummary } from "../../src/scan/summary.ts";
import { refusal } from "./refusal.ts";
import { failureOf, ROOT } from "./scan-items.ts";
import { type FakeWorkers, fakeWorkers, modelTree } from "./scan-run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What is scanned, and where its results are kept. */
export interface ScanPlace {
  readonly root: string;
  /** Another one is another scan. */
  readonly name: string;
}

export interface ScanCall extends Pick<RunOptions, "signal" | "onItem"> {
  readonly workers: FakeWorkers;
  /** @default "begin" */
  readonly mode?: "begin" | "resume";
  /** What is listed. @default the root */
  readonly locations?: readonly string[];
  readonly include?: readonly string[];
}

export interface ScanOutcome {
  readonly summary: ScanSummary;
  /** As they were handed out. */
  readonly items: readonly ScanItem[];
  /** As they are stored. */
  readonly stored: readonly ScanItem[];
  readonly complete: boolean;
}

/** One kind of hands with a store. */
export interface ScanEngine {
  /** One process: opens the store, runs the scan with these workers, and is gone. */
  run(place: ScanPlace, call: ScanCall): Promise<ScanOutcome>;
}

const NAMES = Array.from({ length: 30 }, (_, i) => `m${String(i).padStart(2, "0")}`);
const passing = failureOf({ code: "HTTP_SERVER_FAILED", message: "502", passing: true });
const lost = failureOf({ code: "WORKER_LOST", message: "a worker thread died", passing: true });
const byId = (a: ScanItem, b: ScanItem) => (a.id < b.id ? -1 : 1);
const failedWith = (failure: ScanItem["failure"]) => ({ status: "failed" as const, failure, verdict: null });

function place(names: readonly string[] = NAMES): ScanPlace {
  const directory = temporaryDirectory();
  return { root: modelTree(join(directory, "models"), names), name: "scan" };
}

/** m01 and m02 are m00 under other names, m03 is another model, m04 a link to m00; links of a directory come first. */
function linked(): ScanPlace {
  const found = place(["m00", "m03"]);
  for (const name of ["m01", "m02"]) {
    mkdirSync(join(found.root, name));
    linkSync(join(found.root, "m00/model.safetensors"), join(found.root, name, "model.safetensors"));
  }
  symlinkSync("m00", join(found.root, "m04"));
  return found;
}

/** What holds for every scan, no matter who works for it and whatever keeps its results. */
export function scanContract(name: string, engine: ScanEngine): void {
  describe(`a scan by ${name}`, () => {
    it("gives every model one result, and hands each out once", async () => {
      const workers = fakeWorkers(async () => {
        for (let i = 0; i < 20; i++) await turn();
        return {};
      });
      const { summary, items, stored, complete } = await engine.run(place(), { workers });
      expect(items.map((item) => item.name).sort()).toEqual(NAMES);
      expect(stored).toEqual([...items].sort(byId));
      expect(new Set(workers.begun).size).toBe(30);
      expect(workers.most).toBeGreaterThan(1);
      expect(summary).toMatchObject({ complete: true, interrupted: false, listed: 30, replayed: 0, read: 30 });
      expect(summary.verdicts["no-evidence"]).toBe(30);
      expect(complete).toBe(true);
    });

    it("says that there is nothing", async () => {
      const nothing = place([]);
      mkdirSync(nothing.root);
      const { summary, items } = await engine.run(nothing, { workers: fakeWorkers() });
      expect(items).toMatchObject([{ status: "skipped", failure: { code: "NO_WEIGHTS" }, name: "models" }]);
      expect(summary).toMatchObject({ listed: 1, skipped: 1, complete: true });
      await refusal(engine.run(place(), { workers: fakeWorkers(), include: ["none*"] }), "SCAN_NOTHING");
    });

    it("counts why there are no results", async () => {
      const workers = fakeWorkers((target) => {
        if (target.name === "m03") return { ...failedWith(failureOf({ code: "NO_WEIGHTS" })), status: "skipped" };
        if (target.name === "m05") return failedWith(passing);
        return target.name < "m10" ? failedWith(failureOf()) : { cached: target.name < "m12" };
      });
      const { summary, complete } = await engine.run(place(), { workers });
      expect(summary.reasons).toEqual([
        { status: "failed", code: "HTTP_SERVER_FAILED", passing: true, count: 1 },
        { status: "failed", code: "ST_OVERLAP", passing: false, count: 8 },
        { status: "skipped", code: "NO_WEIGHTS", passing: false, count: 1 },
      ]);
      expect(summary).toMatchObject({ complete: false, read: 18, cached: 2, failed: 9, skipped: 1, listed: 30 });
      expect(complete).toBe(false);
    });

    it("does not let a result that cannot be handed out pass unnoticed", async () => {
      const onItem = () => {
        throw new Error("the reader is gone");
      };
      await expect(engine.run(place(), { workers: fakeWorkers(), onItem })).rejects.toThrow("the reader is gone");
    });

    it("says of a model over which every worker died that it was lost, and has it tried again", async () => {
      const found = place(["a", "b"]);
      const first = await engine.run(found, {
        workers: fakeWorkers((target) => (target.name === "b" ? failedWith(lost) : {})),
      });
      expect(first.summary).toMatchObject({ complete: false, read: 1, failed: 1 });
      expect(first.stored.find((item) => item.name === "b")?.failure).toMatchObject({ code: "WORKER_LOST" });
      const again = await engine.run(found, { workers: fakeWorkers(), mode: "resume" });
      expect(again.summary).toMatchObject({ complete: true, read: 2, failed: 0, replayed: 1 });
    });
  });

  describe(`duplicates in a scan by ${name}`, () => {
    it("are answered by the first of them, whichever is finished first", async () => {
      const workers = fakeWorkers(async (target) => {
        if (target.name === "m00") for (let i = 0; i < 50; i++) await turn();
        return { verdict: "derived", sampledRoot: ROOT, parameters: 7 };
      });
      const { stored, summary } = await engine.run(linked(), { workers });
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
      const workers = fakeWorkers((target) => {
        begun.push(target.name);
        return target.name === "m04" || target.name === "m00" ? failedWith(failureOf()) : {};
      });
      const { stored } = await engine.run(found, { workers });
      expect(begun.filter((one) => one !== "m03")).toEqual(["m04", "m00", "m01"]);
      expect(stored.map((item) => [item.name, item.status, item.duplicateOf])).toEqual([
        ["m00", "failed", null],
        ["m01", "done", null],
        ["m02", "duplicate", join(found.root, "m01")],
        ["m03", "done", null],
        ["m04", "failed", null],
      ]);
    });

    it("stay duplicates of the same model when a scan goes on", async () => {
      const found = linked();
      const stop = new AbortController();
      const stopping = fakeWorkers((target) => {
        if (target.name === "m04") stop.abort();
        return {};
      }, 1);
      const first = await engine.run(found, { workers: stopping, signal: stop.signal });
      expect(first.summary.interrupted).toBe(true);
      const workers = fakeWorkers();
      const { stored } = await engine.run(found, { workers, mode: "resume" });
      const whole = await engine.run({ ...found, name: "whole" }, { workers: fakeWorkers() });
      expect(stored).toEqual(whole.stored);
      expect(workers.begun).not.toContain(join(found.root, "m04"));
    });
  });

  describe(`a scan by ${name} that goes on`, () => {
    it("repeats nothing that was stored, and hands it out first, in order", async () => {
      const found = place();
      const stop = new AbortController();
      const workers = fakeWorkers(async () => {
        // Queues that are shared hand jobs out in an order of their own.
        if (workers.begun.length === 10) stop.abort();
        for (let i = 0; i < 5; i++) await turn();
        return {};
      });
      const first = await engine.run(found, { workers, signal: stop.signal });
      expect(first.summary).toMatchObject({ interrupted: true, complete: false });
      expect(first.complete).toBe(false);
      const done = first.stored.length;
      expect(done).toBeLessThan(30);
      await refusal(engine.run(found, { workers: fakeWorkers() }), "SCAN_UNFINISHED");
      const more = fakeWorkers();
      const second = await engine.run(found, { workers: more, mode: "resume" });
      expect(second.items.map((item) => item.name).sort()).toEqual(NAMES);
      // Workers that share a queue may have gone on before the scan did.
      const { replayed } = second.summary;
      expect(replayed).toBeGreaterThanOrEqual(done);
      const again = second.items.slice(0, replayed);
      expect(again).toEqual([...again].sort(byId));
      expect(again).toEqual(expect.arrayContaining([...first.stored]));
      expect(second.summary).toMatchObject({ listed: 30, read: 30, complete: true });
      const stored = new Set(first.stored.map(({ id }) => id));
      expect(more.begun.filter((id) => stored.has(id))).toEqual([]);
    });

    it("tries passing failures again, and no others", async () => {
      const found = place();
      const failing = fakeWorkers((target) => {
        if (target.name === "m01") return failedWith(failureOf());
        return target.name === "m02" ? failedWith(passing) : {};
      });
      expect((await engine.run(found, { workers: failing })).summary.complete).toBe(false);
      const workers = fakeWorkers();
      const { summary, items } = await engine.run(found, { workers, mode: "resume" });
      expect(workers.begun).toEqual([join(found.root, "m02")]);
      expect(summary).toMatchObject({ complete: true, read: 29, failed: 1, replayed: 29 });
      expect(items.length).toBe(30);
    });

    it("counts what failed before and is no longer there, and is not complete", async () => {
      const found = place(["a", "b"]);
      const failing = fakeWorkers((target) => (target.name === "b" ? failedWith(passing) : {}));
      await engine.run(found, { workers: failing });
      const { summary, complete } = await engine.run(found, {
        workers: fakeWorkers(),
        mode: "resume",
        locations: [join(found.root, "a")],
      });
      expect(summary).toMatchObject({ complete: false, failed: 1, read: 1 });
      expect(complete).toBe(false);
    });

    it("takes nothing for a duplicate of what lay at a path before", async () => {
      const found = place(["m00", "m01"]);
      const stop = new AbortController();
      const stopping = fakeWorkers((target) => {
        if (target.name === "m00") stop.abort();
        return { verdict: "derived" };
      }, 1);
      await engine.run(found, { workers: stopping, signal: stop.signal });
      // Other weights by now, which m02 is a name of as well: nobody has read them.
      const path = join(found.root, "m00", "model.safetensors");
      rmSync(path);
      writeFileSync(path, "other weights");
      mkdirSync(join(found.root, "m02"));
      linkSync(path, join(found.root, "m02", "model.safetensors"));
      const { items } = await engine.run(found, { workers: fakeWorkers(), mode: "resume" });
      expect(items.find((item) => item.name === "m02")).toMatchObject({ status: "done", verdict: "no-evidence" });
    });

    it("replays a complete scan, works on nothing, and begins a new one when it is not told to go on", async () => {
      const found = place();
      await engine.run(found, { workers: fakeWorkers() });
      const workers = fakeWorkers();
      const { items, summary } = await engine.run(found, { workers, mode: "resume" });
      expect(items.length).toBe(30);
      expect(summary).toMatchObject({ complete: true, replayed: 30, listed: 30 });
      expect(workers.begun).toEqual([]);
      const again = await engine.run(found, { workers });
      expect(again.summary).toMatchObject({ replayed: 0, read: 30 });
    });
  });
}
