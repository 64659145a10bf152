import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { byteBudget } from "../../../src/bytes/byte-budget.ts";
import { MAX_SHARDS } from "../../../src/checkpoint/limits.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { ERRORS, type ErrorCode } from "../../../src/errors.ts";
import { weights } from "../../support/hub-remote.ts";
import { type Files, INDEX, index, model, opened, refused } from "../../support/model-directory.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";
const asRoot = process.getuid?.() === 0;

describe("openCheckpoint on one file", () => {
  it("reads a file by itself, whatever it is called", async () => {
    const directory = model({ "weights.bin": weights("a", "b"), "config.json": {} });
    const path = join(directory, "weights.bin");
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint).toMatchObject({ location: path, container: "safetensors", config: null, notes: [] });
    expect(checkpoint.files).toMatchObject([{ path: "weights.bin", absolutePath: path }]);
    const { begin, end, file } = checkpoint.tensors.get("b")!;
    expect(await checkpoint.files[file]!.source.read(begin, end)).toEqual(Uint8Array.of(1));
    await checkpoint.verifyUnchanged();
    appendFileSync(path, "x");
    await refusal(checkpoint.verifyUnchanged(), "CHANGED_DURING_READ");
    await checkpoint.close();
  });

  it("says what a file is that is no safetensors, by its bytes", async () => {
    const directory = model({ "model.safetensors": "PK\x03\x04 zip", "m.gguf": "GGUF\x03\0\0\0", "x.safetensors": "" });
    expect((await refused(join(directory, "model.safetensors"), "UNSUPPORTED_CONTAINER")).message).toMatch(/zip/);
    await refused(join(directory, "m.gguf"), "GGUF_TRUNCATED");
    await refused(join(directory, "x.safetensors"), "EMPTY_FILE");
    await refused(join(directory, "absent"), "FILE_NOT_FOUND");
  });

  it.runIf(onPosix)("does not wait for a FIFO or read a device", async () => {
    const fifo = join(temporaryDirectory(), "model.safetensors");
    execFileSync("mkfifo", [fifo]);
    await refused(fifo, "NOT_A_REGULAR_FILE");
    await refused(join(fifo, ".."), "NOT_A_REGULAR_FILE");
    await refused("/dev/zero", "NOT_A_REGULAR_FILE");
  });

  it("charges headers to the budget", async () => {
    const directory = model({ "model.safetensors": weights("a") });
    const budget = byteBudget(1000);
    const checkpoint = await openCheckpoint(directory, { budget });
    expect(budget.spent).toBeGreaterThan(0);
    await checkpoint.close();
    await refusal(openCheckpoint(directory, { budget: byteBudget(10) }), "BYTE_BUDGET_EXCEEDED");
  });
});

describe("openCheckpoint on a directory", () => {
  it("reads model.safetensors and leaves everything else out, with notes", async () => {
    const directory = model({
      "model.safetensors": weights("a"),
      [INDEX]: index({ a: "other.safetensors" }),
      "other.safetensors": weights("a"),
      "pytorch_model.bin": "x",
      "model.q4.gguf": "x",
      "training_args.bin": "x",
    });
    const { names, notes } = await opened(directory);
    expect(names).toEqual(["a@model.safetensors"]);
    expect(notes).toEqual([
      'weights in other containers stand beside and were not read: "model.q4.gguf" (a GGUF model), "pytorch_model.bin" (a PyTorch file)',
      'model.safetensors was read and these were not: "model.safetensors.index.json", "other.safetensors"',
    ]);
  });

  it("reads a single file of any name without a note", async () => {
    const { names, notes } = await opened(model({ "adapter_model.safetensors": weights("a") }));
    expect([names, notes]).toEqual([["a@adapter_model.safetensors"], []]);
  });

  it("takes no fingerprint put beside the weights for a shard of them", async () => {
    const beside = model({ "a.safetensors": weights("a"), "a.fingerprint.safetensors": weights("f") });
    const { names, notes } = await opened(beside);
    expect([names, notes]).toEqual([
      ["a@a.safetensors"],
      ["fingerprint files beside the weights were not read as weights"],
    ]);
    const alone = await opened(model({ "a.fingerprint.safetensors": weights("f") }));
    expect(alone.names).toEqual(["f@a.fingerprint.safetensors"]);
  });

  it("takes numbered shards without an index in their order, with a note", async () => {
    const { files, notes } = await opened(
      model({ "x-2-of-2.safetensors": weights("b"), "x-1-of-2.safetensors": weights("a") }),
    );
    expect(files.map(({ path }) => path)).toEqual(["x-1-of-2.safetensors", "x-2-of-2.safetensors"]);
    expect(notes).toEqual(["no shard index: 2 shards taken by the numbers in their names"]);
  });

  it("takes several files that nothing holds together for several models", async () => {
    const error = await refused(
      model({ "b.safetensors": weights("b"), "a.safetensors": weights("a") }),
      "AMBIGUOUS_CHECKPOINT",
    );
    expect(error.message).toBe('several models here: "a.safetensors", "b.safetensors"');
    expect(error.detail).toMatch(/Name one/);
  });

  it("refuses a tensor in two shards, unless an index says which one is meant", async () => {
    const shards = { "m-1-of-2.safetensors": weights("x", "y"), "m-2-of-2.safetensors": weights("z", "y") };
    const error = await refused(model(shards), "DUPLICATE_TENSOR");
    expect(error).toMatchObject({ tensor: "y", message: "the tensor stands in m-1-of-2.safetensors as well" });
    const map = { x: "m-1-of-2.safetensors", y: "m-2-of-2.safetensors", z: "m-2-of-2.safetensors" };
    const { names, notes } = await opened(model({ ...shards, [INDEX]: index(map) }));
    expect(names).toEqual(["x@m-1-of-2.safetensors", "y@m-2-of-2.safetensors", "z@m-2-of-2.safetensors"]);
    expect(notes).toEqual(["1 tensors stand in several shards; each was read where the index says"]);
    // What the index does not name, nobody decides.
    await refused(model({ ...shards, [INDEX]: index({ x: map.x, z: map.z }, "?") }), "DUPLICATE_TENSOR");
  });

  it.each([
    ["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"],
    ["a-1-of-2.safetensors"],
    ["a.00-of-02.safetensors"],
  ])("refuses %s alone: what is there would pass for a pruned model", async (...names) => {
    const directory = model(Object.fromEntries(names.map((name) => [name, weights(name)])));
    for (const location of [directory, join(directory, names[0]!)]) {
      const error = await refused(location, "SHARD_MISSING");
      expect(error.message).toMatch(/^\d of \d shards are here; "[^"]+" is not$/);
      expect(error.detail).toMatch(/Complete the download/);
    }
  });

  it("reads the whole model when one of its shards is named", async () => {
    const shards = { "m-00001-of-00002.safetensors": weights("x"), "m-00002-of-00002.safetensors": weights("y") };
    const directory = model({ ...shards, "other.safetensors": weights("o") });
    const plain = await opened(join(directory, "m-00002-of-00002.safetensors"));
    expect(plain.names).toEqual(["x@m-00001-of-00002.safetensors", "y@m-00002-of-00002.safetensors"]);
    expect(plain.notes).toEqual(["the shard that was named is one of 2; all were read"]);
    // Its index decides, where there is one that names it.
    const map = { x: "m-00001-of-00002.safetensors", y: "other.safetensors" };
    const indexed = { ...shards, "other.safetensors": weights("y"), "m.safetensors.index.json": index(map) };
    const within = model(indexed);
    expect((await opened(join(within, "m-00001-of-00002.safetensors"))).names).toEqual([
      "x@m-00001-of-00002.safetensors",
      "y@other.safetensors",
    ]);
    expect((await opened(join(within, "m-00002-of-00002.safetensors"))).names).toHaveLength(2);
    expect((await opened(join(within, "other.safetensors"))).names).toEqual(["y@other.safetensors"]);
  });

  it("reads the plainest variant of a component, and says so", async () => {
    for (const [name, ...others] of [
      ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"],
      ["diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.non_ema.safetensors"],
      ["v1-5-pruned.safetensors", "v1-5-pruned-emaonly.safetensors"],
      ["model.safetensors.index.fp16.json", "model.non_ema.safetensors"],
    ]) {
      const file = name!.endsWith(".json") ? index({ a: "model.fp16-00001-of-00001.safetensors" }) : weights("a");
      const shards = name!.endsWith(".json") ? { "model.fp16-00001-of-00001.safetensors": weights("a") } : {};
      const { names, notes } = await opened(
        model({ ...shards, [name!]: file, ...Object.fromEntries(others.map((other) => [other, weights("b")])) }),
      );
      expect(names).toHaveLength(1);
      expect(names[0]).toMatch(/^a@/);
      expect(notes.join()).toContain(others[0]);
    }
  });

  it.each<[string, Files, ErrorCode, RegExp]>([
    ["nothing", {}, "NO_WEIGHTS", /no weights/],
    ["only a PyTorch file", { "pytorch_model.bin": "x" }, "UNSUPPORTED_CONTAINER", /pytorch_model\.bin/],
    [
      "many GGUF files",
      Object.fromEntries([..."1234567"].map((n) => [`${n}.gguf`, "x"])),
      "AMBIGUOUS_CHECKPOINT",
      /"5\.gguf", 2 more/,
    ],
    [
      "two indexes",
      { "a.safetensors.index.json": {}, "b.safetensors.index.json": {} },
      "AMBIGUOUS_CHECKPOINT",
      /a\.safe.*b\.safe/,
    ],
    ["a directory called like weights", { "model.safetensors/x": "" }, "NOT_A_REGULAR_FILE", /directory/],
  ])("refuses a directory with %s", async (_what, files, code, message) => {
    expect((await refused(model(files), code)).message).toMatch(message);
  });

  it("points at the subdirectories of a pipeline", async () => {
    const error = await refused(
      model({ "model_index.json": {}, "unet/model.safetensors": weights("a") }),
      "NO_WEIGHTS",
    );
    expect(error.detail).toMatch(/^Name one of the models below it: .*unet\.$/);
    expect((await refused(model({ "model_index.json": {} }), "NO_WEIGHTS")).detail).toMatch(/subdirectories/);
  });

  it("asks whether the Hub is meant where a path looks like one of its names", async () => {
    for (const [typed, meant] of [
      ["acme/base", "hf:acme/base"],
      ["acme/base@v1.0", "hf:acme/base@v1.0"],
      ["huggingface.co/acme/base", "hf:acme/base"],
      ["hf.co/acme/base/tree/main", "hf:acme/base"],
    ] as const) {
      expect((await refused(typed, "FILE_NOT_FOUND")).detail).toBe(
        `If the repository of the Hub is meant, write ${meant}.`,
      );
    }
    expect((await refused(NOWHERE, "FILE_NOT_FOUND")).detail).toBe(ERRORS.FILE_NOT_FOUND.advice);
  });

  it("takes no more shards than it would open for a model", async () => {
    const count = MAX_SHARDS + 1;
    const names = Array.from({ length: count }, (_, i) => [`m-${i + 1}-of-${count}.safetensors`, ""]);
    await refused(model(Object.fromEntries(names)), "AMBIGUOUS_CHECKPOINT");
  });

  it.runIf(onPosix && !asRoot)("says when it may not read (not as root, who may read everything)", async () => {
    const directory = model({ "model.safetensors": weights("a") });
    chmodSync(join(directory, "model.safetensors"), 0);
    await refused(directory, "FILE_UNREADABLE");
  });

  it.runIf(process.platform === "linux")("closes what it opened when a later shard is refused", async () => {
    const directory = model({ "a-1-of-2.safetensors": weights("a"), "a-2-of-2.safetensors": "" });
    await refused(directory, "EMPTY_FILE");
    expect(openDescriptors(directory)).toEqual([]);
  });
});

/** Where descriptors of this process lead below `directory`. */
function openDescriptors(directory: string): string[] {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(directory));
}
