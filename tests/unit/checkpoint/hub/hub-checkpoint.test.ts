import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { byteBudget } from "../../../../src/bytes/byte-budget.ts";
import { canPrefetch } from "../../../../src/bytes/byte-source.ts";
import { type FolderModel, modelsOf } from "../../../../src/checkpoint/folder-models.ts";
import { indexedContent, weightContent } from "../../../../src/checkpoint/hub/content.ts";
import { resolveRepository } from "../../../../src/checkpoint/hub/resolve-repository.ts";
import { listedWeights, listFolder } from "../../../../src/checkpoint/hub/weight-files.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import type { Remote } from "../../../../src/checkpoint/remote.ts";
import { fingerprintCheckpoint } from "../../../../src/fingerprint/extract.ts";
import { serializeFingerprint } from "../../../../src/fingerprint/file.ts";
import type { FilesSource } from "../../../support/hub/hub.mjs";
import { hubOf, remoteOf, weights } from "../../../support/hub-remote.ts";
import { refusal } from "../../../support/refusal.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { modelBytes, tinyModel } from "../../../support/tiny-model.ts";
import { floats, storage, tensor, torchZip } from "../../../support/torch-file.mjs";

const shard = (i: number, n: number, stem = "model") =>
  `${stem}-${String(i).padStart(5, "0")}-of-${String(n).padStart(5, "0")}.safetensors`;
const INDEX = "model.safetensors.index.json";
const index = (map: object) => JSON.stringify({ metadata: { total_size: Object.keys(map).length }, weight_map: map });

async function opened(location: string, remote: Remote) {
  const checkpoint = await openCheckpoint(location, { remote, config: false });
  await checkpoint.close();
  const { files, tensors, notes } = checkpoint;
  return { ...checkpoint, files: files.map(({ path }) => path), tensors: [...tensors.keys()].sort(), notes };
}

/** A hub with one repository. */
async function repository(files: FilesSource, access: { readonly gated?: "auto" } = {}) {
  const hub = await hubOf({ "acme/base": { files, ...access } });
  return { hub, remote: await remoteOf(hub), commit: await hub.commitOf("acme/base") };
}

function local(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

describe("a model on the Hub", () => {
  it("of one file takes three requests, and is named by its commit", async () => {
    const { hub, remote, commit } = await repository({ "model.safetensors": weights("a", "b") });
    const location = `hf:acme/base@${commit}`;
    for (const named of ["hf:acme/base", "hf:acme/base@main", "hf:acme/base@refs%2Fheads%2Fmain"]) {
      const before = { ...hub.counters };
      expect(await opened(named, remote)).toMatchObject({ location, revision: commit, tensors: ["a", "b"], notes: [] });
      expect(hub.counters.api - before.api).toBe(2);
      expect(hub.counters.resolve - before.resolve).toBe(1);
      expect(hub.counters.storage - before.storage).toBe(1);
    }
    const before = hub.counters.api;
    await opened(location, remote);
    expect(hub.counters.api - before).toBe(1);
  });

  it("of numbered shards takes two requests, one for each shard, and those for its index", async () => {
    const files = {
      [shard(1, 2)]: weights("b"),
      [shard(2, 2)]: weights("a"),
      [INDEX]: index({ a: shard(2, 2), b: shard(1, 2) }),
      "consolidated.safetensors": weights("c"),
      "pytorch_model.bin": "x",
    };
    const { hub, remote } = await repository(files);
    const found = await opened("hf:acme/base", remote);
    expect(found).toMatchObject({ files: [shard(2, 2), shard(1, 2)], tensors: ["a", "b"] });
    expect(hub.counters).toMatchObject({ api: 2, resolve: 3, resolveCache: 1, storage: 2 });
    // What is said of it is what is said of the same directory.
    const checkpoint = await openCheckpoint(local(files));
    expect(found.notes).toEqual(checkpoint.notes);
    await checkpoint.close();
  });

  it("may be of PyTorch, where there are no safetensors", async () => {
    const bytes = torchZip(new Map([["a", tensor(storage("0", 2), [2])]]), { 0: floats([1, 2]) });
    const { remote } = await repository({ "pytorch_model.bin": bytes, "training_args.bin": "x" });
    expect(await opened("hf:acme/base", remote)).toMatchObject({ files: ["pytorch_model.bin"], tensors: ["a"] });
    const sharded = await repository({
      "pytorch_model-00001-of-00001.bin": bytes,
      "pytorch_model.bin.index.json": index({ a: "pytorch_model-00001-of-00001.bin" }),
    });
    expect(await opened("hf:acme/base", sharded.remote)).toMatchObject({ tensors: ["a"] });
  });

  it("is what its index says, whatever complete set of shards lies beside", async () => {
    const decoy = { [shard(1, 1)]: weights("decoy") };
    const files = {
      ...decoy,
      [shard(1, 2)]: weights("a", "b"),
      [shard(2, 2)]: weights("c"),
      "overlay.safetensors": weights("b"),
      [INDEX]: index({ a: shard(1, 2), b: "overlay.safetensors", c: shard(2, 2) }),
    };
    const { remote } = await repository(files);
    for (const location of ["hf:acme/base", `hf:acme/base/${INDEX}`, `hf:acme/base/${shard(2, 2)}`]) {
      const checkpoint = await openCheckpoint(location, { remote, config: false });
      const placed = [...checkpoint.tensors.values()].map(
        ({ name, file }) => `${name}@${checkpoint.files[file]!.path}`,
      );
      await checkpoint.close();
      expect(placed.sort()).toEqual([`a@${shard(1, 2)}`, "b@overlay.safetensors", `c@${shard(2, 2)}`]);
    }
    expect(await opened(`hf:acme/base/${shard(1, 1)}`, remote)).toMatchObject({ tensors: ["decoy"] });
  });

  it("is read by its index where names do not tell", async () => {
    const map = { a: "x/one.safetensors", b: "two.safetensors" };
    const files = { "x/one.safetensors": weights("a"), "two.safetensors": weights("b"), [INDEX]: index(map) };
    const { remote } = await repository(files);
    expect(await opened("hf:acme/base", remote)).toMatchObject({ files: Object.values(map), tensors: ["a", "b"] });
    const lacking = await repository({
      [shard(1, 2)]: weights("a"),
      [INDEX]: index({ a: shard(1, 2), b: shard(2, 2) }),
    });
    const error = await refusal(openCheckpoint("hf:acme/base", { remote: lacking.remote }), "SHARD_MISSING");
    expect(error.file).toBe(`hf:acme/base@${lacking.commit}/${INDEX}`);
    const outside = await repository({ [INDEX]: index({ a: "../other/model.safetensors" }) });
    await refusal(openCheckpoint("hf:acme/base", { remote: outside.remote }), "SHARD_PATH_REFUSED");
  });

  it("may lie in a folder, or be one file", async () => {
    const { remote, commit } = await repository({
      "unet/model.safetensors": weights("u"),
      "vae/model.safetensors": weights("v"),
      "vae/other.safetensors": weights("o"),
      "model_index.json": "{}",
    });
    const pinned = `hf:acme/base@${commit}`;
    expect(await opened("hf:acme/base/unet", remote)).toMatchObject({ location: `${pinned}/unet`, tensors: ["u"] });
    expect(await opened("hf:acme/base@main/vae/other.safetensors", remote)).toMatchObject({
      location: `${pinned}/vae/other.safetensors`,
      files: ["other.safetensors"],
      tensors: ["o"],
    });
    await refusal(openCheckpoint("hf:acme/base", { remote }), "NO_WEIGHTS");
    const error = await refusal(openCheckpoint("hf:acme/base/te", { remote }), "FILE_NOT_FOUND");
    expect(error.file).toBe(`${pinned}/te`);
  });

  it("that is gated is called so when its files are asked for", async () => {
    const { remote, commit } = await repository({ "model.safetensors": weights("a") }, { gated: "auto" });
    const error = await refusal(openCheckpoint("hf:acme/base", { remote }), "HUB_GATED");
    expect(error).toMatchObject({ file: `hf:acme/base@${commit}/model.safetensors` });
  });

  it("whose storage refuses is not called gated, and is asked for again", async () => {
    const { hub, remote } = await repository({ "model.safetensors": weights("a") });
    hub.faults.add({ on: "storage", kind: "status", status: 403 });
    expect(await opened("hf:acme/base", remote)).toMatchObject({ tensors: ["a"] });
    hub.faults.add({ on: "storage", kind: "status", status: 403, times: 1000 });
    const error = await refusal(openCheckpoint("hf:acme/base", { remote }), "HTTP_STORAGE_REFUSED");
    expect(error).toMatchObject({ kind: "passing" });
    expect(`${error.message} ${error.detail}`).not.toMatch(/gated|HF_TOKEN/);
  });

  it("whose config cannot be reached today is not the model without a config", async () => {
    const { hub, remote } = await repository({ "model.safetensors": weights("a"), "config.json": '{"hidden_size":7}' });
    const checkpoint = await openCheckpoint("hf:acme/base", { remote });
    expect(checkpoint.config).toMatchObject({ hidden_size: 7 });
    await checkpoint.close();
    hub.faults.add({ path: "config.json", kind: "status", status: 500 });
    await refusal(openCheckpoint("hf:acme/base", { remote }), "HTTP_SERVER_FAILED");
  });

  it("whose listing lies about a size is refused", async () => {
    const { hub, remote } = await repository({ "model.safetensors": weights("a") });
    const change = (entries: { size: number; lfs: { size: number } }[]) =>
      entries.map((entry) => ({ ...entry, size: 9999, lfs: { ...entry.lfs, size: 9999 } }));
    hub.faults.add({ on: "api", path: "/tree/", kind: "change", change });
    await expect(openCheckpoint("hf:acme/base", { remote })).rejects.toMatchObject({ code: /^(HTTP_|CHANGED)/ });
  });

  it("needs no requests for what somebody has resolved already", async () => {
    const { hub, remote } = await repository({ "model.safetensors": weights("a") });
    const known = await resolveRepository("acme/base", null, remote);
    const checkpoint = await openCheckpoint("hf:acme/base", { remote, repository: known, config: false });
    await checkpoint.close();
    expect(hub.counters).toMatchObject({ api: 2, resolve: 1 });
    // Unless it is another commit than the one that is named.
    const stale = { ...known, commit: "d".repeat(40), files: [] };
    const pinned = await openCheckpoint(`hf:acme/base@${known.commit}`, { remote, repository: stale, config: false });
    await pinned.close();
    expect(pinned).toMatchObject({ revision: known.commit });
  });

  it("is given up when its signal says so", async () => {
    const { hub, remote } = await repository({ "model.safetensors": weights("a") });
    hub.faults.add({ on: "resolve", kind: "delay", ms: 60_000 });
    const controller = new AbortController();
    const opening = openCheckpoint("hf:acme/base", { remote, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(opening).rejects.toThrow("enough");
  });
});

describe("what is read of a model on the Hub", () => {
  it.each(["sampled", "full"] as const)("is what is read of the same files here, to the bit (%s)", async (depth) => {
    const files = { "model.safetensors": modelBytes(tinyModel(1)), "config.json": '{"hidden_size":5}' };
    const { remote } = await repository(files);
    const prints: Uint8Array[] = [];
    for (const [location, readAhead] of [
      ["hf:acme/base", false],
      ["hf:acme/base", true],
      [local(files), false],
    ] as const) {
      const checkpoint = await openCheckpoint(location, { remote, readAhead });
      prints.push(serializeFingerprint(await fingerprintCheckpoint(checkpoint, { depth, threads: 0 })));
      await checkpoint.verifyUnchanged();
      await checkpoint.close();
    }
    for (const print of prints) expect(Buffer.compare(print, prints[0]!)).toBe(0);
  });

  it("is bounded by the budget before it is fetched", async () => {
    const { hub, remote } = await repository({ "model.safetensors": modelBytes(tinyModel(1)) });
    const budget = byteBudget(300_000);
    const checkpoint = await openCheckpoint("hf:acme/base", { remote, budget });
    const { source } = checkpoint.files[0]!;
    if (!canPrefetch(source)) throw new Error("it cannot prefetch");
    const { spent } = budget;
    const range = { start: source.size - 150_000, end: source.size };
    await source.prefetch([range, { start: range.start, end: range.end - 10 }]);
    expect(budget.spent - spent).toBe(150_000);
    // Paid for when it was fetched.
    await source.read(range.start + 5, range.end);
    expect(budget.spent - spent).toBe(150_000);
    const fetched = hub.counters.storage;
    await refusal(source.prefetch([{ start: 0, end: source.size }]), "BYTE_BUDGET_EXCEEDED");
    await refusal(source.read(0, source.size), "BYTE_BUDGET_EXCEEDED");
    expect(hub.counters.storage).toBe(fetched);
    await checkpoint.close();
  });
});

describe("the content of a repository", () => {
  const content = async (files: FilesSource) => {
    const { hub, remote } = await repository(files);
    const listed = await resolveRepository("acme/base", null, remote);
    const [{ set }] = modelsOf(await listFolder(listed, "")) as [FolderModel];
    const { content, bytes } = listedWeights(listed, "", set, null);
    expect(hub.counters.resolve).toBe(0);
    expect(bytes === null).toBe(set.kind === "indexed");
    return content;
  };

  it("is that of its weight files, whatever they are called and whatever lies beside", async () => {
    const digest = await content({ "model.safetensors": weights("a"), "README.md": "one" });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await content({ "other.safetensors": weights("a"), "README.md": "two" })).toBe(digest);
    expect(await content({ "model.safetensors": weights("b") })).not.toBe(digest);
    const sharded = { [shard(1, 2)]: weights("a"), [shard(2, 2)]: weights("b") };
    expect(await content(sharded)).toBe(
      await content({ [shard(1, 2, "x")]: weights("b"), [shard(2, 2, "x")]: weights("a") }),
    );
  });

  it("is that of the index as well, where there is one, and of every file that it may name", async () => {
    const files = {
      [shard(1, 1)]: weights("a"),
      [INDEX]: index({ a: shard(1, 1) }),
      "deep/x.safetensors": weights("a"),
    };
    const digest = await content(files);
    expect(await content({ ...files, "README.md": "two" })).toBe(digest);
    expect(await content({ ...files, [INDEX]: index({ a: "deep/x.safetensors" }) })).not.toBe(digest);
    expect(await content({ ...files, "deep/x.safetensors": weights("b") })).not.toBe(digest);
    expect(await content({ [shard(1, 1)]: weights("a") })).not.toBe(digest);
  });

  it("is open where a hash is missing", () => {
    expect(weightContent([{ size: 1, sha256: null }])).toBeNull();
    expect(weightContent([])).toBeNull();
    expect(indexedContent(null, [{ path: "x", size: 1, sha256: "a".repeat(64) }])).toBeNull();
    expect(indexedContent("a", [{ path: "x", size: 1, sha256: null }])).toBeNull();
  });

  const a = { size: 1, sha256: "a".repeat(64) };
  const b = { size: 2, sha256: "b".repeat(64) };
  test("does not depend on order, and does on sizes and repetition", () => {
    expect(weightContent([a, b])).toBe(weightContent([b, a]));
    expect(weightContent([a, a])).not.toBe(weightContent([a]));
    expect(weightContent([{ ...a, size: 3 }])).not.toBe(weightContent([a]));
  });
});
