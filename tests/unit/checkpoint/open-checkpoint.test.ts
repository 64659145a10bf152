import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { byteBudget } from "../../../src/bytes/byte-budget.ts";
import { MAX_CONFIG_BYTES, MAX_INDEX_BYTES, MAX_SHARDS } from "../../../src/checkpoint/limits.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { ERRORS, type ErrorCode } from "../../../src/errors.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { FOREIGN_HEADS } from "../../support/foreign-heads.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";
const asRoot = process.getuid?.() === 0;

/** A safetensors file of one-byte tensors with these names. */
function weights(...names: string[]): Uint8Array {
  return serializeSafetensors(names.map((name, i) => ({ name, dtype: "U8", shape: [1], data: Uint8Array.of(i) })));
}

type Files = Readonly<Record<string, Uint8Array | string | object>>;

/** A directory with these files; objects are written as JSON. Subdirectories are made. */
function model(files: Files, directory = temporaryDirectory()): string {
  for (const [name, content] of Object.entries(files)) {
    const raw = typeof content === "string" || content instanceof Uint8Array;
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), raw ? content : JSON.stringify(content));
  }
  return directory;
}

const INDEX = "model.safetensors.index.json";
const index = (map: Record<string, string>, totalSize: unknown = Object.keys(map).length) => ({
  metadata: { total_size: totalSize },
  weight_map: map,
});

/** What opening gives, closed again. */
async function opened(location: string) {
  const checkpoint = await openCheckpoint(location);
  await checkpoint.close();
  const tensors = [...checkpoint.tensors.values()].map(({ name, file }) => `${name}@${checkpoint.files[file]!.path}`);
  return { ...checkpoint, names: tensors.sort() };
}

const refused = (directory: string, code: ErrorCode) => refusal(openCheckpoint(directory), code);

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
    expect((await refused(join(directory, "m.gguf"), "UNSUPPORTED_CONTAINER")).message).toMatch(/GGUF/);
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
      "UNSUPPORTED_CONTAINER",
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

  it("names what a directory holds in place of safetensors, by content before name", async () => {
    const content = (kind: string) => Buffer.from(FOREIGN_HEADS.find((head) => head.kind === kind)!.hex, "hex");
    const cases: [Files, RegExp, RegExp][] = [
      [
        { "model.bin": content("cTranslate2"), "config.json": {} },
        /"model\.bin" \(a CTranslate2 model\)$/,
        /^Name the model/,
      ],
      [{ "model.onnx": content("onnx") }, /"model\.onnx" \(an ONNX model\)$/, /onnx\.numpy_helper/],
      [
        { "model.th": content("oldPytorch") },
        /\(a PyTorch file in the form from before PyTorch 1\.6\)$/,
        /torch\.load/,
      ],
      [
        { "__0_0.distcp": content("pytorch"), ".metadata": "x" },
        /\(part of a torch\.distributed checkpoint\)$/,
        /dcp_to_torch/,
      ],
      [{ "mp_rank_00_model_states.pt": content("pytorch") }, /\(part of a DeepSpeed checkpoint\)$/, /zero_to_fp32\.py/],
      [{ "saved_model.pb": "x" }, /only "saved_model\.pb"$/, /^Convert the weights to safetensors/],
      [{ "variables.data-00000-of-00001": "x" }, /\(part of a TensorFlow checkpoint\)$/, /tf\.train\.load_checkpoint/],
      [
        { "openvino_model.xml": "<net>", "openvino_model.bin": "\0\0\0\0" },
        /bin" \(an OpenVINO model\).*xml"/,
        /^Name/,
      ],
      [{ "net.param": "7767517", "net.bin": "\0\0\0\0" }, /"net\.bin" \(an ncnn model\)$/, /^Name the model/],
      [{ "model.safetensors.zst": "\x28\xb5" }, /only "model\.safetensors\.zst"/, /^Convert/],
      [{ "model.safetensors.part": "" }, /\(an unfinished download\)$/, /^Finish the download/],
      [{ "model.bin": weights("a") }, /\(safetensors under another name\)$/, /^Name that file itself/],
      [{ "blob.bin": "\x01\x02\x03\x04\x05\x06\x07\x08\x09" }, /only "blob\.bin"$/, /^Convert the weights/],
    ];
    for (const [files, message, detail] of cases) {
      const error = await refused(model(files), "UNSUPPORTED_CONTAINER");
      expect(error.message).toMatch(message);
      expect(error.detail).toMatch(detail);
    }
  });

  it("names what it cannot open by its name", async () => {
    const directory = model({ "model.onnx/inner.txt": "", "a.gguf": "GGUF" });
    expect((await refused(directory, "UNSUPPORTED_CONTAINER")).message).toMatch(
      /"a\.gguf" \(a GGUF model\), "model\.onnx" \(an ONNX model\)$/,
    );
  });

  it("takes no directory of arrays, tables or archives for a model", async () => {
    const other = { "x.npy": "x", "table.parquet": "x", "notes.zip": "x", "data.json": {}, "optimizer.pt": "x" };
    await refused(model(other), "NO_WEIGHTS");
  });

  it("names the kind of shards that an index lists", async () => {
    const error = await refused(
      model({ [INDEX]: index({ a: "pytorch_model-00001-of-00002.bin" }) }),
      "UNSUPPORTED_CONTAINER",
    );
    expect(error.message).toMatch(/is no \.safetensors file but by its name a PyTorch file$/);
    expect(error.detail).toContain("save_pretrained");
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

describe("shard indexes", () => {
  const shards = { "a.safetensors": weights("x"), "b.safetensors": weights("y") };
  const map = { x: "a.safetensors", y: "b.safetensors" };

  it("opens every shard, from the directory or from the index itself", async () => {
    const directory = model({ ...shards, [INDEX]: index(map) });
    for (const location of [directory, join(directory, INDEX)]) {
      const { names, notes } = await opened(location);
      expect([names, notes]).toEqual([["x@a.safetensors", "y@b.safetensors"], []]);
    }
  });

  it("takes another index when there is only one, and prefers the standard name", async () => {
    const other = "diffusion_pytorch_model.safetensors.index.json";
    expect((await opened(model({ ...shards, [other]: index(map) }))).names).toHaveLength(2);
    const both = await opened(model({ ...shards, [other]: index({}), [INDEX]: index(map) }));
    expect(both.notes).toEqual([`${INDEX} was read and these were not: "${other}"`]);
  });

  it("reads shards in subdirectories", async () => {
    const directory = model({ "parts/a.safetensors": weights("x"), [INDEX]: index({ x: "parts/a.safetensors" }) });
    expect((await opened(directory)).names).toEqual(["x@parts/a.safetensors"]);
  });

  it.each<[string, Files, RegExp]>([
    ["an unlisted shard", { "c.safetensors": weights("z") }, /does not name were not read: "c\.safetensors"/],
    ["a total_size that lies", { [INDEX]: index(map, 999) }, /says total_size 999, the tensors have 2 bytes/],
    ["an unlisted tensor", { "b.safetensors": weights("y", "z") }, /hold 1 tensors that the index does not name/],
    ["a contradicting config", { "config.json": { hidden_size: 77, vocab_size: 1, d_model: "x" } }, /hidden_size 77/],
  ])("notes %s and reads on", async (_what, more, note) => {
    const { names, notes } = await opened(
      model({ ...shards, [INDEX]: index(map, _what === "an unlisted tensor" ? 3 : 2), ...more }),
    );
    expect(names.slice(0, 2)).toEqual(["x@a.safetensors", "y@b.safetensors"]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(note);
  });

  it("ignores a total_size that is no exact integer", async () => {
    for (const size of [2.5, "2", null, 1e300, [2], { a: 2 }]) {
      expect((await opened(model({ ...shards, [INDEX]: index(map, size) }))).notes).toEqual([]);
    }
  });

  it.each<[string, Files, ErrorCode]>([
    ["an absent shard", { [INDEX]: index({ ...map, z: "c.safetensors" }) }, "SHARD_MISSING"],
    ["a tensor in no shard", { [INDEX]: index({ ...map, z: "a.safetensors" }) }, "INDEX_TENSOR_MISSING"],
    [
      "a tensor in another shard than it says",
      { [INDEX]: index({ x: "b.safetensors", y: "a.safetensors" }) },
      "INDEX_TENSOR_MISSING",
    ],
    ["a truncated shard", { "b.safetensors": weights("y").subarray(0, -1) }, "ST_DATA_TRUNCATED"],
    ["a path out of the directory", { [INDEX]: index({ x: "../a.safetensors" }) }, "SHARD_PATH_REFUSED"],
    ["an index that is no JSON", { [INDEX]: "{" }, "INDEX_INVALID"],
  ])("refuses %s", async (_what, more, code) => {
    await refused(model({ ...shards, [INDEX]: index(map), ...more }), code);
  });

  it("refuses an index too large, unread", async () => {
    const directory = model({ [INDEX]: "" });
    truncateSync(join(directory, INDEX), MAX_INDEX_BYTES + 1);
    await refused(directory, "INDEX_TOO_LARGE");
  });

  it("bounds the number of shards and of keys", async () => {
    const many = Array.from({ length: MAX_SHARDS + 1 }, (_, i) => [String(i), `${i}.safetensors`]);
    await refused(model({ [INDEX]: index(Object.fromEntries(many)) }), "INDEX_TOO_LARGE");
    await refused(model({ [INDEX]: Object.fromEntries(many) }), "INDEX_TOO_LARGE");
    const metadata = { metadata: Object.fromEntries(many), weight_map: map };
    await refused(model({ [INDEX]: metadata }), "INDEX_TOO_LARGE");
  });

  it("reads an index of half a million tensors", async () => {
    const entries = Array.from(
      { length: 500_000 },
      (_, i) => `"model.layers.${i}.mlp.experts.gate_up_proj.weight":"a.safetensors"`,
    );
    const directory = model({ "a.safetensors": weights("x"), [INDEX]: `{"weight_map":{${entries.join(",")}}}` });
    const error = await refused(directory, "INDEX_TENSOR_MISSING");
    expect(error.tensor).toBe("model.layers.0.mlp.experts.gate_up_proj.weight");
  });
});

describe.runIf(onPosix)("links", () => {
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

describe("config.json", () => {
  const withConfig = (content: string | object) =>
    opened(model({ "model.safetensors": weights("a"), "config.json": content }));

  it("is handed on as it is, without a prototype", async () => {
    const { config, notes } = await withConfig('{"model_type":"llama","hidden_size":1,"__proto__":{"polluted":true}}');
    expect(notes).toEqual([]);
    expect(config).toMatchObject({ model_type: "llama", hidden_size: 1 });
    expect([Object.getPrototypeOf(config), config!.toString, ({} as Record<string, unknown>).polluted]).toEqual([
      null,
      undefined,
      undefined,
    ]);
  });

  it("may be absent", async () => {
    const { config, notes } = await opened(model({ "model.safetensors": weights("a") }));
    expect([config, notes]).toEqual([null, []]);
  });

  it.each<[string, string | object, string]>([
    ["broken", "{", "it is not valid JSON"],
    ["empty", "", "it is not valid JSON"],
    ["with a comment", '{"a": 1 // one\n}', "it holds a comment, which JSON does not have"],
    ["a list", [], "it is no JSON object"],
    ["null", "null", "it is no JSON object"],
    ["too long", " ".repeat(MAX_CONFIG_BYTES + 1), `${MAX_CONFIG_BYTES + 1} bytes`],
  ])("is ignored with a note when %s", async (_what, content, reason) => {
    const { config, notes } = await withConfig(content);
    expect([config, notes]).toEqual([null, [`config.json ignored: ${reason}`]]);
  });

  it("is ignored with a note when it is a directory", async () => {
    const { notes } = await opened(model({ "model.safetensors": weights("a"), "config.json/x": "" }));
    expect(notes).toEqual(["config.json ignored: a directory stands where a file is needed"]);
  });

  it("is ignored when its bytes are not UTF-8", async () => {
    const { notes } = await withConfig(Uint8Array.of(0x22, 0xff, 0x22));
    expect(notes).toEqual(["config.json ignored: it is not UTF-8"]);
  });

  it("may hold the numbers that Python writes", async () => {
    const { config, notes } = await withConfig('\ufeff{"a": NaN, "b": [0.0, Infinity], "vocab_size": -Infinity}');
    expect(config).toEqual({ a: Number.NaN, b: [0, Number.POSITIVE_INFINITY], vocab_size: Number.NEGATIVE_INFINITY });
    expect(notes).toEqual(["config.json says vocab_size -Infinity, but no tensor has a dimension of that size"]);
  });

  it("is said to be there where it cannot be used, for whoever needs it", async () => {
    const directory = model({ "model.safetensors": weights("a"), "config.json": "{" });
    const file = join(directory, "model.safetensors");
    const problems = new Map<string, unknown>();
    for (const location of [directory, file, model({ "model.safetensors": weights("a") })]) {
      const checkpoint = await openCheckpoint(location);
      problems.set(location, checkpoint.configProblem);
      await checkpoint.close();
    }
    expect([...problems.values()]).toEqual([
      "config.json is there but cannot be used: it is not valid JSON",
      "a file that is named itself is read without config.json: name its directory",
      null,
    ]);
  });
});
