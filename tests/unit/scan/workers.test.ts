import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import type { WeightmarkError } from "../../../src/errors.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import type { ScanInputs } from "../../../src/scan/inputs.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { OfferedScans } from "../../../src/scan/operations/offered-scans.ts";
import { differingFields, parseParameters } from "../../../src/scan/parameters.ts";
import { prepareScan } from "../../../src/scan/prepare.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { scan } from "../../../src/scan/scan.ts";
import type { ScanTarget } from "../../../src/scan/target.ts";
import { openWorkers } from "../../../src/scan/workers.ts";
import { generateKeyFile } from "../../../src/watermark/key/key-file.ts";
import { refusal } from "../../support/refusal.ts";
import { targetOf } from "../../support/scan-items.ts";
import { inputsOf, SETTINGS, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { changed, tinyModel, writeModel } from "../../support/tiny-model.ts";

const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof Worker };

/** Every thread that is made while the test runs. */
function watchThreads(): Worker[] {
  const made: Worker[] = [];
  const Original = threads.Worker;
  threads.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      made.push(this);
    }
  };
  onTestFinished(() => {
    threads.Worker = Original;
  });
  return made;
}

async function registryOf(directory: string): Promise<string> {
  const checkpoint = await openCheckpoint(writeModel(join(directory, "base"), tinyModel(1)));
  const registry = await openRegistry(join(directory, "registry"), { create: true });
  await registry.add(await fingerprintCheckpoint(checkpoint), { name: "base", root: true });
  await checkpoint.close();
  return join(directory, "registry");
}

describe("worker threads", () => {
  it("give the same results as this thread does, for any number of them", async () => {
    const directory = temporaryDirectory();
    const registry = await registryOf(directory);
    const root = join(directory, "models");
    for (let i = 0; i < 4; i++) writeModel(join(root, `tuned-${i}`), changed(tinyModel(1), 10 + i, 0.1));
    writeModel(join(root, "other"), tinyModel(9));
    const inputs = inputsOf(root);
    const { parameters, setup } = await prepareScan(inputs, { ...SETTINGS, registry });
    const results = [];
    for (const count of [0, 1, 2]) {
      const store = await openJournal(join(directory, `journal-${count}`), parameters);
      await scan(inputs, { store, setup, threads: count });
      const items = [];
      for await (const item of store.items()) items.push(item);
      await store.close();
      results.push(items);
    }
    expect(results[0]!.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["other", "no-evidence"],
      ...[0, 1, 2, 3].map((i) => [`tuned-${i}`, "derived"]),
    ]);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("that die say so of their targets, and others go on", async () => {
    const made = watchThreads();
    const root = temporaryDirectory();
    writeModel(join(root, "m"), tinyModel(1));
    const workers = await openWorkers(setupOf(), { threads: 1, tasksPerThread: 2 });
    try {
      const { signal } = new AbortController();
      const target = targetOf(join(root, "m"));
      expect(await workers.process(target, signal)).toMatchObject({ status: "done" });
      const running = workers.process(target, signal);
      await made[0]!.terminate();
      expect(await running).toMatchObject({ status: "failed", failure: { code: "WORKER_LOST", passing: true } });
      expect(await workers.process(target, signal)).toMatchObject({ status: "done" });
      expect(made.length).toBe(2);
      const stop = new AbortController();
      const stopped = workers.process(target, stop.signal);
      stop.abort();
      await expect(stopped).rejects.toThrow(/abort/);
    } finally {
      await workers.close();
    }
  });

  it("end with what concerns all targets, before and while they work", async () => {
    const directory = temporaryDirectory();
    const registry = await registryOf(directory);
    const setup = setupOf({ registry, registryDigest: "0".repeat(64) });
    await refusal(openWorkers(setup, { threads: 1, tasksPerThread: 1 }), "SCAN_DIFFERS");
    await refusal(prepareScan(inputsOf("x"), { ...SETTINGS, registry: join(directory, "none") }), "REGISTRY_NOT_FOUND");
  });
});

describe("weights that were replaced since they were listed", () => {
  it("give no verdict, and are tried again another time", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "m");
    writeModel(path, tinyModel(1));
    const inputs = inputsOf(path);
    const { setup } = await prepareScan(inputs, SETTINGS);
    const { value } = await enumerateTargets(inputs, { include: [], exclude: [], remote: null }).next();
    const listed = value as ScanTarget;
    const workers = await openWorkers(setup, { threads: 0, tasksPerThread: 1 });
    const { signal } = new AbortController();
    expect(await workers.process(listed, signal)).toMatchObject({ status: "done" });
    rmSync(path, { recursive: true });
    writeModel(path, tinyModel(9));
    const changedSince = { status: "failed", verdict: null, failure: { code: "CHANGED_DURING_READ", passing: true } };
    expect(await workers.process(listed, signal)).toMatchObject(changedSince);
    await workers.close();
    // On another machine inodes say nothing, sizes do.
    const elsewhere = await openWorkers(setupOf(), { threads: 0, tasksPerThread: 1 });
    expect(await elsewhere.process(listed, signal)).toMatchObject({ status: "done" });
    expect(await elsewhere.process({ ...listed, bytes: listed.bytes! + 1 }, signal)).toMatchObject(changedSince);
    await elsewhere.close();
  });
});

describe("the Hub that names mean", () => {
  it("is a part of what a scan was asked, and a worker of another Hub leaves it to others", async () => {
    const of = async (inputs: ScanInputs, endpoint: string) => {
      const remote = { ...SETTINGS.remote, endpoint };
      return (await prepareScan(inputs, { ...SETTINGS, remote })).parameters;
    };
    const mirror = await of(inputsOf("hf:acme/m"), "https://mirror");
    expect(differingFields(mirror, await of(inputsOf("hf:acme/m"), "https://hub"))).toEqual(["hub"]);
    expect(parseParameters(JSON.parse(JSON.stringify(mirror)))).toEqual(mirror);
    const organisation = { ...inputsOf(), organisations: ["acme"] };
    expect((await of(organisation, "https://hub")).hub).toBe("https://hub");
    expect((await of(inputsOf("/models"), "https://hub")).hub).toBeUndefined();
    const store = { parameters: mirror, complete: false } as ResultStore;
    const worker = (endpoint: string) =>
      new OfferedScans(
        async () => store,
        { ...setupOf(), registry: "", remote: { ...SETTINGS.remote, endpoint }, threads: 0, tasksPerThread: 1 },
        () => {},
      );
    expect(await worker("https://hub").get("s")).toMatchObject({ gone: false, error: { code: "SCAN_DIFFERS" } });
    const gone = await new OfferedScans(
      async () => null,
      { ...setupOf(), threads: 0 } as never,
      () => {},
    ).get("s");
    expect(gone).toMatchObject({
      gone: true,
      error: { detail: expect.stringMatching(/^Nothing is left to do for it/) },
    });
    const same = worker("https://mirror");
    expect(await same.get("s")).toMatchObject({ store });
    await same.close();
  });
});

describe("watermark keys", () => {
  it("are held against every model, by their ids alone", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "keys"));
    for (const name of ["one", "two"]) await generateKeyFile(join(directory, "keys", name), { passphrase: null });
    writeModel(join(directory, "m"), tinyModel(1));
    const inputs = inputsOf(join(directory, "m"));
    const keys = { directory: join(directory, "keys"), passphrase: null };
    const { parameters, setup } = await prepareScan(inputs, { ...SETTINGS, keys });
    expect(parameters.keys.length).toBe(2);
    const store = await openJournal(join(directory, "journal"), parameters);
    const told: WeightmarkError[] = [];
    const summary = await scan(inputs, { store, setup, threads: 0, onTrouble: (error) => void told.push(error) });
    const item = await store.get(join(directory, "m"));
    await store.close();
    expect(told).toEqual([]);
    expect(item!.failure).toBeNull();
    expect(item!.marks.map(({ keyId, present, level }) => [keyId, present, level])).toEqual(
      parameters.keys.map((id) => [id, false, "none"]),
    );
    expect(summary).toMatchObject({ marked: 0, read: 1 });
    mkdirSync(join(directory, "empty"));
    const none = { directory: join(directory, "empty"), passphrase: null };
    const error = await refusal(prepareScan(inputs, { ...SETTINGS, keys: none }), "FILE_NOT_FOUND");
    expect(error.detail).toContain("`generateKeyFile`");
  });

  it.runIf(process.platform !== "win32")(
    "that others may read are told of when they are sealed, else refused",
    async () => {
      const directory = temporaryDirectory();
      mkdirSync(join(directory, "keys"));
      const cost = { n: 1 << 14, r: 8, p: 1 };
      const [sealed, bare] = ["sealed", "bare"].map((name) => join(directory, "keys", name)) as [string, string];
      await generateKeyFile(sealed, { passphrase: "x", cost });
      const keys = { directory: join(directory, "keys"), passphrase: "x" };
      const inputs = inputsOf("hf:acme/m");
      expect((await prepareScan(inputs, { ...SETTINGS, keys })).warnings).toEqual([]);
      chmodSync(sealed, 0o444);
      const { parameters, setup, warnings } = await prepareScan(inputs, { ...SETTINGS, keys });
      const told = expect.objectContaining({ code: "KEY_FILE_PERMISSIONS", file: sealed });
      expect(warnings).toEqual([told]);
      const troubles: WeightmarkError[] = [];
      const worker = new OfferedScans(
        async () => ({ parameters, complete: false }) as ResultStore,
        { ...setup, registry: "", threads: 0, tasksPerThread: 1 },
        (trouble) => void troubles.push(trouble),
      );
      await worker.get("s");
      await worker.close();
      expect(troubles).toEqual([told]);
      await generateKeyFile(bare, { passphrase: null });
      chmodSync(bare, 0o444);
      await refusal(prepareScan(inputs, { ...SETTINGS, keys }), "KEY_FILE_PERMISSIONS");
    },
  );
});
