import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { weights } from "../../support/hub-remote.ts";
import { INDEX, index, model, opened, refused } from "../../support/model-directory.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

describe.skipIf(process.platform === "win32")("links", () => {
  it("may lead to files of the same directory", async () => {
    const directory = model({ "blob/x": weights("a") });
    symlinkSync("blob/x", join(directory, "model.safetensors"));
    const { files } = await opened(directory);
    expect(files).toMatchObject([{ path: "model.safetensors", absolutePath: join(directory, "blob", "x") }]);
  });

  it("may be how the directory itself is reached", async () => {
    const parent = temporaryDirectory();
    symlinkSync(model({ "model.safetensors": weights("a") }), join(parent, "link"));
    expect((await opened(join(parent, "link"))).names).toHaveLength(1);
  });

  it("may not lead out of it: weights, shard, index", async () => {
    const outside = model({ w: weights("a"), i: index({ a: "w" }) });
    for (const [name, target] of [
      ["model.safetensors", "w"],
      [INDEX, "i"],
    ] as const) {
      const directory = temporaryDirectory();
      symlinkSync(join(outside, target), join(directory, name));
      await refused(directory, "PATH_ESCAPES_ROOT");
    }
    const sharded = model({ [INDEX]: index({ a: "sub/a.safetensors" }) });
    symlinkSync(outside, join(sharded, "sub"));
    writeFileSync(join(outside, "a.safetensors"), weights("a"));
    await refused(sharded, "PATH_ESCAPES_ROOT");
  });

  it("does not take a directory whose name only begins alike for the same", async () => {
    const parent = temporaryDirectory();
    model({ "model-other/w": weights("a") }, parent);
    mkdirSync(join(parent, "model"));
    symlinkSync("../model-other/w", join(parent, "model", "model.safetensors"));
    await refused(join(parent, "model"), "PATH_ESCAPES_ROOT");
  });

  it("ignores a config outside, and says so", async () => {
    const outside = model({ "config.json": { hidden_size: 1 } });
    const directory = model({ "model.safetensors": weights("a") });
    symlinkSync(join(outside, "config.json"), join(directory, "config.json"));
    const { config, notes } = await opened(directory);
    expect(config).toBeNull();
    expect(notes).toEqual(["config.json ignored: a symbolic link leads out of the model's directory"]);
  });

  it("that form a circle are refused", async () => {
    const directory = temporaryDirectory();
    symlinkSync("model.safetensors", join(directory, "model.safetensors"));
    await refused(directory, "FILE_UNREADABLE");
    symlinkSync("self", join(directory, "self"));
    await refused(join(directory, "self"), "FILE_UNREADABLE");
  });

  describe("of a Hugging Face cache", () => {
    /** A cached snapshot whose model.safetensors links to `target`. */
    function cache(target: string): { snapshot: string; repository: string } {
      const repository = join(temporaryDirectory(), "models--org--name");
      const snapshot = join(repository, "snapshots", "0123abc");
      mkdirSync(snapshot, { recursive: true });
      model({ "blobs/sha": weights("a"), "refs/main": "0123abc", "other/sha": weights("a") }, repository);
      symlinkSync(target, join(snapshot, "model.safetensors"));
      return { snapshot, repository };
    }

    it("may lead to its blobs", async () => {
      const { snapshot, repository } = cache("../../blobs/sha");
      const { files } = await opened(snapshot);
      expect(files).toMatchObject([{ path: "model.safetensors", absolutePath: join(repository, "blobs", "sha") }]);
    });

    it("may lead to its blobs from a subdirectory of the snapshot", async () => {
      const { snapshot } = cache("../../blobs/sha");
      mkdirSync(join(snapshot, "unet"));
      symlinkSync("../../../blobs/sha", join(snapshot, "unet", "model.safetensors"));
      expect((await opened(join(snapshot, "unet"))).names).toHaveLength(1);
    });

    it("may lead nowhere else in the cache", async () => {
      await refused(cache("../../other/sha").snapshot, "PATH_ESCAPES_ROOT");
    });

    it("may not use a directory called blobs that is a link itself", async () => {
      const { snapshot, repository } = cache("../../blobs/sha");
      rmSync(join(repository, "blobs"), { recursive: true });
      symlinkSync("other", join(repository, "blobs"));
      await refused(snapshot, "PATH_ESCAPES_ROOT");
    });
  });
});
