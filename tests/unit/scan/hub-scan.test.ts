import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { openRemote } from "../../../src/checkpoint/remote-environment.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import { caveatsOf, type ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { scan } from "../../../src/scan/scan.ts";
import { type FilesSource, type Hub, type RepositorySource, startHub } from "../../support/hub/hub.mjs";
import { refusal } from "../../support/refusal.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { inputsOf, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { changed, modelBytes, type TinyModel, tinyModel } from "../../support/tiny-model.ts";
import { floats, storage, tensor, torchZip, type Value } from "../../support/torch-file.mjs";

const base = tinyModel(1);
const single = (model: TinyModel): FilesSource => ({ "model.safetensors": modelBytes(model), "config.json": "{}" });

/** The same model in three files, as large ones are published. */
function sharded(model: TinyModel): FilesSource {
  const names = [...model.keys()];
  const parts = [0, 1, 2].map(
    (n) => new Map(names.filter((_, i) => i % 3 === n).map((name) => [name, model.get(name)!])),
  );
  const file = (n: number) => `model-0000${n + 1}-of-00003.safetensors`;
  const weightMap = Object.fromEntries(names.map((name, i) => [name, file(i % 3)]));
  return {
    ...Object.fromEntries(parts.map((part, n) => [file(n), modelBytes(part)])),
    "model.safetensors.index.json": Buffer.from(JSON.stringify({ metadata: {}, weight_map: weightMap })),
  };
}

const REPOSITORIES = new Map<string, RepositorySource>([
  ["acme/a", { files: single(base) }],
  ["acme/b-copy", { files: single(base) }],
  ["acme/c-tuned", { files: single(changed(base, 2, 0.05)) }],
  ["acme/d-sharded", { files: sharded(tinyModel(3)) }],
  ["acme/e-empty", { files: { "README.md": "nothing" } }],
  ["acme/f-keras", { files: { "tf_model.h5": Buffer.alloc(100) } }],
  ["acme/g-gated", { files: single(tinyModel(4)), gated: "manual" }],
  ["acme/h-broken", { files: { "model.safetensors": Buffer.from("this is no header at all") } }],
]);

async function hubOf(): Promise<Hub> {
  const hub = await startHub({ repositories: REPOSITORIES });
  onTestFinished(() => hub.close());
  return hub;
}

async function scanHub(hub: Hub, directory: string, name: string, mode: "begin" | "resume" = "begin") {
  const settings = { endpoint: hub.endpoint, token: null, hubCache: null, offline: false };
  const setup = setupOf({ remote: settings, cacheDirectory: join(directory, "cache") });
  const remote = await openRemote(settings);
  const store = await openJournal(join(directory, name), parametersOf(), { mode });
  const items: ScanItem[] = [];
  try {
    const inputs = { ...inputsOf(), organisations: ["acme"] };
    const onItem = (item: ScanItem) => void items.push(item);
    const summary = await scan(inputs, { store, setup, remote, threads: 0, onItem });
    return { summary, items: items.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  } finally {
    await store.close();
    await remote.client.close();
  }
}

const bytes = modelBytes(base);

/** The same tensors as torch.save writes them. */
function torchBytes(model: TinyModel): Uint8Array {
  const dict = new Map<Value, Value>();
  const storages: Record<string, Uint8Array> = {};
  for (const [name, { shape, values }] of model) {
    dict.set(name, tensor(storage(name, values.length), shape));
    storages[name] = floats([...values]);
  }
  return torchZip(dict, storages);
}

/** Repositories with models below their roots, as pipelines and training runs are published. */
const TREES = new Map<string, RepositorySource>([
  [
    "acme/pipeline",
    {
      files: {
        "model_index.json": "{}",
        "unet/diffusion_pytorch_model.safetensors": bytes,
        "unet/diffusion_pytorch_model.fp16.safetensors": modelBytes(tinyModel(7)),
        "text_encoder/model.safetensors": modelBytes(tinyModel(8)),
        "onnx/model.ort": "x",
      },
    },
  ],
  ["acme/run", { files: { "checkpoint-10/model.safetensors": bytes, "checkpoint-10/optimizer.pt": "x" } }],
  ["acme/styles", { files: { "b.safetensors": modelBytes(tinyModel(9)), "a.safetensors": modelBytes(tinyModel(10)) } }],
  ["acme/tf", { files: { "a/tf_model.h5": "x", "b/tf_model.h5": "x" } }],
  ["acme/torch", { files: { "pytorch_model.bin": torchBytes(base), "optimizer.pt": "x" } }],
]);

describe("what lies below the root of a repository", () => {
  it("is scanned as it is in a copy of it, and asked for once", async () => {
    const hub = await startHub({ repositories: TREES });
    onTestFinished(() => hub.close());
    const directory = temporaryDirectory();
    const { items, summary } = await scanHub(hub, directory, "journal");
    expect(items.map(({ name, status, failure }) => `${name} ${failure?.code ?? status}`)).toEqual([
      "acme/pipeline/onnx UNSUPPORTED_CONTAINER",
      "acme/pipeline/text_encoder done",
      "acme/pipeline/unet done",
      expect.stringMatching(/^acme\/run\/checkpoint-10 (?:done|duplicate)$/),
      "acme/styles/a.safetensors done",
      "acme/styles/b.safetensors done",
      "acme/tf/a UNSUPPORTED_CONTAINER",
      "acme/tf/b UNSUPPORTED_CONTAINER",
      "acme/torch done",
    ]);
    const unet = items.find(({ name }) => name === "acme/pipeline/unet")!;
    expect(unet.id).toBe(`hf:acme/pipeline@${await hub.commitOf("acme/pipeline")}/unet`);
    expect(caveatsOf(unet)[0]).toMatch(/variants of it were not: "diffusion_pytorch_model\.fp16\.safetensors"/);
    expect(summary).toMatchObject({ read: 5, duplicates: 1, skipped: 3 });
    // The organisation and a tree of each repository with weights; nobody asks for them again.
    expect(hub.counters.api).toBe(1 + 4);
    const again = await scanHub(hub, directory, "journal", "resume");
    expect(again.items).toHaveLength(9);
    expect(hub.counters.api).toBe(1 + 4);
  });

  it("is named where nothing lies at the root", async () => {
    const hub = await startHub({ repositories: TREES });
    onTestFinished(() => hub.close());
    const remote = await openRemote({ endpoint: hub.endpoint, token: null, hubCache: null, offline: false });
    onTestFinished(() => remote.client.close());
    const error = await refusal(openCheckpoint("hf:acme/pipeline", { remote }), "NO_WEIGHTS");
    const pinned = `hf:acme/pipeline@${await hub.commitOf("acme/pipeline")}`;
    expect(error.detail).toBe(`Name one of the models below it: ${pinned}/text_encoder, ${pinned}/unet.`);
    const several = await refusal(openCheckpoint("hf:acme/styles", { remote }), "AMBIGUOUS_CHECKPOINT");
    expect(several.message).toContain('"a.safetensors", "b.safetensors"');
  });

  it("is found in the Hub's cache as well", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const hubCache = temporaryDirectory();
    const snapshot = join(hubCache, "models--acme--pipeline", "snapshots", commit);
    for (const folder of ["unet", "vae"]) {
      mkdirSync(join(snapshot, folder), { recursive: true });
      writeFileSync(join(snapshot, folder, "model.safetensors"), bytes);
    }
    const remote = await openRemote({ endpoint: "http://127.0.0.1:9", token: null, hubCache, offline: true });
    onTestFinished(() => remote.client.close());
    const found: string[] = [];
    for (const named of [`hf:acme/pipeline@${commit}`, `hf:acme/pipeline@${commit}/vae`, "hf:acme/other"]) {
      for await (const { id } of enumerateTargets(inputsOf(named), { include: [], exclude: [], remote }))
        found.push(id);
    }
    const pinned = `hf:acme/pipeline@${commit}`;
    expect(found).toEqual([`${pinned}/unet`, `${pinned}/vae`, `${pinned}/vae`, "hf:acme/other"]);
    const checkpoint = await openCheckpoint(found[0]!, { remote });
    await checkpoint.close();
    expect(checkpoint.location).toBe(found[0]);
  });
});

describe("a scan of an organisation", () => {
  it("reads each content once, says why it could not read, and stays within its requests", async () => {
    const hub = await hubOf();
    const directory = temporaryDirectory();
    const { summary, items } = await scanHub(hub, directory, "journal");
    expect(items.map(({ name, status, failure }) => [name, status, failure?.code ?? null])).toEqual([
      ["acme/a", "done", null],
      ["acme/b-copy", "duplicate", null],
      ["acme/c-tuned", "done", null],
      ["acme/d-sharded", "done", null],
      ["acme/e-empty", "skipped", "NO_WEIGHTS"],
      ["acme/f-keras", "skipped", "UNSUPPORTED_CONTAINER"],
      ["acme/g-gated", "failed", "HUB_GATED"],
      ["acme/h-broken", "failed", expect.stringMatching(/^(?:ST_|TEXT_FILE)/)],
    ]);
    expect(items[5]!.failure).toMatchObject({
      message: 'no .safetensors file here, only "tf_model.h5" (an HDF5 file, as Keras writes)',
      detail: expect.stringContaining("h5py"),
    });
    for (const { failure } of items) if (failure !== null) expect(failure.detail).toMatch(/^[A-Z].*\.$/);
    const [a, copy, , d] = items;
    expect(copy!.duplicateOf).toBe(a!.id);
    expect(a).toMatchObject({ id: `hf:acme/a@${await hub.commitOf("acme/a")}`, sampledRoot: copy!.sampledRoot });
    // The tree was listed before, for all of them; of each file one request counts, all others go to the storage.
    expect(a!.requests).toMatchObject({ api: 0, resolve: 1 });
    // Its index takes two: where it is, and itself.
    expect(d!.requests).toMatchObject({ api: 0, resolve: 3 + 2 });
    expect(summary).toMatchObject({ read: 3, duplicates: 1, skipped: 2, failed: 2, complete: true });
    // One listing of the organisation, and a tree of every repository that shows weights.
    expect(hub.counters.api).toBe(1 + 6);
    expect(hub.counters.leakedTokens).toBe(0);
  });

  it("reads nothing again that the cache knows, refusals of the same bytes included", async () => {
    const hub = await hubOf();
    const directory = temporaryDirectory();
    const first = await scanHub(hub, directory, "one");
    const before = { ...hub.counters };
    const second = await scanHub(hub, directory, "two");
    expect(second.summary).toMatchObject({ read: 0, cached: 3, duplicates: 1, bytesRead: 0 });
    expect(hub.counters.storage).toBe(before.storage);
    const told = ({ cached: _c, bytesRead: _b, requests: _r, ...rest }: ScanItem) => rest;
    expect(second.items.map(told)).toEqual(first.items.map(told));
    expect(second.items.find(({ name }) => name === "acme/h-broken")).toMatchObject({ cached: true });
  });

  it("goes on after servers that failed, and asks nothing about models that have their result", async () => {
    const hub = await hubOf();
    const directory = temporaryDirectory();
    hub.faults.add({ kind: "status", status: 404, path: "c-tuned", on: "resolve", times: 1000 });
    hub.faults.add({ kind: "change", path: /d-sharded.*tree|tree.*d-sharded/, change: () => "nonsense", times: 1000 });
    const first = await scanHub(hub, directory, "journal");
    expect(first.items.filter(({ status }) => status === "failed").length).toBeGreaterThanOrEqual(3);
    hub.faults.clear();
    const before = hub.counters.api;
    const again = await scanHub(hub, directory, "journal", "resume");
    expect(again.items.length).toBe(8);
    // Whatever did not pass stays as it was: no request is made for it.
    expect(hub.counters.api - before).toBeLessThanOrEqual(2);
  });

  it("tells of a model that failed by its own files, from the cache too, whoever else published the same bytes", async () => {
    const bytes = Buffer.from("this is no header at all");
    const repositories = new Map<string, RepositorySource>([
      ["acme/one", { files: { "first.safetensors": bytes } }],
      ["acme/three", { files: { "model.safetensors": bytes } }],
      ["acme/two", { files: { "second.safetensors": bytes } }],
    ]);
    const hub = await startHub({ repositories });
    onTestFinished(() => hub.close());
    const directory = temporaryDirectory();
    for (const journal of ["cold", "warm"]) {
      const { items } = await scanHub(hub, directory, journal);
      expect(items.map(({ name, failure }) => [name, failure?.message.split(":")[0]])).toEqual([
        ["acme/one", "first.safetensors"],
        ["acme/three", "model.safetensors"],
        ["acme/two", "second.safetensors"],
      ]);
      expect(items.every(({ cached }) => cached === (journal === "warm"))).toBe(true);
    }
  });

  it("tries again what storage refused, whose refusal says nothing of the repository", async () => {
    const hub = await hubOf();
    const directory = temporaryDirectory();
    hub.faults.add({ kind: "status", status: 403, on: "storage", times: 1000 });
    const first = await scanHub(hub, directory, "journal");
    const refused = first.items.filter(({ failure }) => failure?.code === "HTTP_STORAGE_REFUSED");
    expect(refused.map(({ name }) => name)).toEqual(expect.arrayContaining(["acme/a", "acme/b-copy", "acme/c-tuned"]));
    expect(refused.every(({ failure }) => failure!.passing)).toBe(true);
    expect(first.summary.complete).toBe(false);
    hub.faults.clear();
    const again = await scanHub(hub, directory, "journal", "resume");
    expect(again.summary).toMatchObject({ complete: true, read: 3, duplicates: 1 });
  });
});
