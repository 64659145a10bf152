import { createHash } from "node:crypto";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { cachedCommit } from "../../../../src/checkpoint/hub/hub-cache.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { hubOf, remoteOf, weights } from "../../../support/hub-remote.ts";
import { refusal } from "../../../support/refusal.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const COMMIT = "c".repeat(40);

/** Writes a snapshot as the Hub's clients do: links into blobs named by their hash. */
function download(cache: string, id: string, commit: string, files: Readonly<Record<string, string | Uint8Array>>) {
  const root = join(cache, `models--${id.replace("/", "--")}`);
  for (const [path, content] of Object.entries(files)) {
    const blob = join(root, "blobs", sha256(content));
    const link = join(root, "snapshots", commit, path);
    for (const place of [blob, link]) mkdirSync(dirname(place), { recursive: true });
    writeFileSync(blob, content);
    symlinkSync(blob, link);
  }
  mkdirSync(join(root, "refs"), { recursive: true });
  writeFileSync(join(root, "refs", "main"), commit);
  return root;
}

describe.skipIf(process.platform === "win32")("the cache of the Hub", () => {
  it("serves the files that it has, and the Hub the others", async () => {
    const [one, two] = [weights("a"), weights("b")];
    const files = { "model-00001-of-00002.safetensors": one, "model-00002-of-00002.safetensors": two };
    const hub = await hubOf({ "acme/base": { files } });
    const cache = temporaryDirectory();
    const commit = await hub.commitOf("acme/base");
    const root = download(cache, "acme/base", commit, { "model-00001-of-00002.safetensors": one });
    const remote = await remoteOf(hub, { hubCache: cache });
    const checkpoint = await openCheckpoint("hf:acme/base", { remote, config: false });
    expect(checkpoint).toMatchObject({ location: `hf:acme/base@${commit}`, revision: commit });
    expect(checkpoint.files.map(({ absolutePath }) => absolutePath)).toEqual([join(root, "blobs", sha256(one)), null]);
    expect(checkpoint.files[0]!.source.location).toBe(`hf:acme/base@${commit}/model-00001-of-00002.safetensors`);
    expect([...checkpoint.tensors.keys()]).toEqual(["a", "b"]);
    await checkpoint.close();
    expect(hub.counters).toMatchObject({ api: 2, resolve: 1, storage: 1 });
  });

  it("is not believed where size, hash or place of a file are wrong", async () => {
    const right = weights("right");
    const hub = await hubOf({ "acme/base": { files: { "model.safetensors": right } } });
    const commit = await hub.commitOf("acme/base");
    const wrong = weights("wrong");
    expect(wrong.length).toBe(right.length);
    const outside = join(temporaryDirectory(), "model.safetensors");
    writeFileSync(outside, wrong);
    const spoil: ((link: string, root: string) => void)[] = [
      // Another blob of the same size.
      (link, root) => {
        writeFileSync(join(root, "blobs", sha256(wrong)), wrong);
        symlinkSync(join(root, "blobs", sha256(wrong)), link);
      },
      // A download that broke off.
      (link) => writeFileSync(link, right.subarray(0, 20)),
      // A link out of the cache.
      (link) => symlinkSync(outside, link),
      (link) => symlinkSync(link, link),
      (link) => mkdirSync(link),
    ];
    for (const each of spoil) {
      const cache = temporaryDirectory();
      const root = download(cache, "acme/base", commit, { "model.safetensors": right });
      const link = join(root, "snapshots", commit, "model.safetensors");
      rmSync(link);
      each(link, root);
      const remote = await remoteOf(hub, { hubCache: cache });
      const checkpoint = await openCheckpoint("hf:acme/base", { remote, config: false });
      expect([...checkpoint.tensors.keys()]).toEqual(["right"]);
      expect(checkpoint.files[0]!.absolutePath).toBeNull();
      await checkpoint.close();
    }
  });

  it("is asked for the commit of its references alone when offline", async () => {
    const cache = temporaryDirectory();
    const root = download(cache, "acme/base", COMMIT, {
      "model.safetensors": weights("a"),
      "sub/model.safetensors": weights("s"),
      "config.json": '{"hidden_size":1}',
    });
    // Nobody listens there.
    const remote = await remoteOf("http://127.0.0.1:9", { hubCache: cache, offline: true });
    const read = async (location: string) => {
      const checkpoint = await openCheckpoint(location, { remote });
      await checkpoint.close();
      return [checkpoint.location, ...checkpoint.tensors.keys(), checkpoint.config?.hidden_size];
    };
    for (const named of ["hf:acme/base", "hf:acme/base@main", `hf:acme/base@${COMMIT}`]) {
      expect(await read(named)).toEqual([`hf:acme/base@${COMMIT}`, "a", 1]);
    }
    expect(await read("hf:acme/base/sub")).toEqual([`hf:acme/base@${COMMIT}/sub`, "s", undefined]);
    const file = "sub/model.safetensors";
    expect(await read(`hf:acme/base/${file}`)).toEqual([`hf:acme/base@${COMMIT}/${file}`, "s", undefined]);
    mkdirSync(join(root, "refs/refs/pr"), { recursive: true });
    writeFileSync(join(root, "refs/refs/pr/1"), `${COMMIT}\n`);
    expect(await read("hf:acme/base@refs/pr/1")).toContain("a");
    for (const location of ["hf:acme/base@dev", `hf:acme/base@${"d".repeat(40)}`, "hf:acme/other"]) {
      const error = await refusal(openCheckpoint(location, { remote }), "OFFLINE");
      expect(error.file).toBe(location);
    }
    await refusal(openCheckpoint("https://127.0.0.1:9/model.safetensors", { remote }), "OFFLINE");
    const none = await remoteOf("http://127.0.0.1:9", { offline: true });
    await refusal(openCheckpoint("hf:acme/base", { remote: none }), "OFFLINE");
    symlinkSync(temporaryDirectory(), join(root, "snapshots", COMMIT, "away"));
    await refusal(openCheckpoint("hf:acme/base/away", { remote }), "PATH_ESCAPES_ROOT");
  });

  it("does not pass a part of a model for the model", async () => {
    const cache = temporaryDirectory();
    const remote = await remoteOf("http://127.0.0.1:9", { hubCache: cache, offline: true });
    const index = JSON.stringify({ weight_map: { a: "model-00001-of-00002.safetensors", b: "m.safetensors" } });
    const parts = [
      { "config.json": "{}" },
      { "model-00001-of-00002.safetensors": weights("a") },
      { "model-00001-of-00002.safetensors": weights("a"), "model.safetensors.index.json": index },
    ];
    for (const [i, files] of parts.entries()) {
      download(cache, `acme/m${i}`, COMMIT, files);
      const error = await refusal(openCheckpoint(`hf:acme/m${i}`, { remote }), "OFFLINE");
      expect(error.file).toContain(`hf:acme/m${i}@${COMMIT}`);
    }
  });

  it("has references that hold a commit and nothing else", async () => {
    const cache = temporaryDirectory();
    const root = download(cache, "acme/base", COMMIT, { "model.safetensors": weights("a") });
    for (const text of ["../../other", "", "x".repeat(10_000), COMMIT.slice(1)]) {
      writeFileSync(join(root, "refs", "main"), text);
      expect(await cachedCommit(cache, "acme/base", null)).toBeNull();
    }
    // "a/b--c" and "a--b/c" would be one directory.
    expect(await cachedCommit(cache, "acme/ba--se", null)).toBeNull();
  });
});
