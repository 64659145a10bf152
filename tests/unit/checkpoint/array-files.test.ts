import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { type Files, model, opened, refused } from "../../support/model-directory.ts";
import { floats, npy, storage, tensor, torchLegacy, torchZip, type Value, zipOf } from "../../support/torch-file.mjs";

const bytes = floats([1, 2, 3, 4, 5, 6]);
const W = tensor(storage("0", 6), [2, 3]);
const weights = (...names: string[]) => torchZip(new Map<Value, Value>(names.map((name) => [name, W])), { 0: bytes });
const index = (map: Record<string, string>) => ({ metadata: { total_size: 24 }, weight_map: map });

/** All values of a model, by name. */
async function values(location: string): Promise<Record<string, number[]>> {
  const checkpoint = await openCheckpoint(location);
  try {
    const found: Record<string, number[]> = {};
    for (const { name, file, begin, end } of checkpoint.tensors.values()) {
      const read = await checkpoint.files[file]!.source.read(begin, end);
      found[name] = [...new Float32Array(read.slice().buffer)];
    }
    return found;
  } finally {
    await checkpoint.close();
  }
}

describe("openCheckpoint on files of PyTorch and NumPy", () => {
  it("reads a file that is named itself, in either form and whatever it is called", async () => {
    const directory = model({
      "a.pt": weights("w"),
      "b.bin": torchLegacy(new Map([["w", W]]), { 0: bytes }),
      c: weights("w"),
    });
    for (const name of ["a.pt", "b.bin", "c"]) {
      const path = join(directory, name);
      expect(await values(path)).toEqual({ w: [1, 2, 3, 4, 5, 6] });
      const checkpoint = await opened(path);
      expect(checkpoint.container).toBe("pytorch");
      expect(checkpoint.files[0]!.absolutePath).not.toBeNull();
    }
    await refused(join(model({ "a.safetensors": weights("w") }), "a.safetensors"), "UNSUPPORTED_CONTAINER");
  });

  it("gives tensors in order that do not lie so, or lie the other way round", async () => {
    const turned = new Map<Value, Value>([
      ["t", tensor(storage("0", 6), [3, 2], { strides: [1, 3] })],
      ["w", W],
      ["e", tensor(storage("0", 6), [0, 2], { strides: [1, 3] })],
      ["i", tensor(storage("1", 2, "Long"), [2, 2], { strides: [1, 0] })],
    ]);
    const location = join(model({ "a.pt": torchZip(turned, { 0: bytes, 1: Buffer.alloc(16) }) }), "a.pt");
    expect(await values(location)).toEqual({ t: [1, 4, 2, 5, 3, 6], w: [1, 2, 3, 4, 5, 6], e: [] });
    const { files, notes } = await opened(location);
    expect(files).toMatchObject([{ absolutePath: null, storedBytes: expect.any(Number) }]);
    expect(notes).toEqual(['a.pt: tensors of whole numbers that do not lie in order were not read: "i"']);
    const big = torchZip(new Map([["w", W]]), { 0: floats([1, 2, 3, 4, 5, 6], true) }, { order: "big" });
    expect(await values(join(model({ "a.pt": big }), "a.pt"))).toEqual({ w: [1, 2, 3, 4, 5, 6] });
    const many = new Map<Value, Value>(
      Array.from({ length: 7 }, (_, i) => [`i${i}`, tensor(storage("1", 2, "Long"), [2, 2], { strides: [1, 0] })]),
    );
    many.set("w", W);
    const noted = await opened(join(model({ "a.pt": torchZip(many, { 0: bytes, 1: Buffer.alloc(16) }) }), "a.pt"));
    expect(noted.notes[0]).toMatch(/2 more$/);
  });

  it("reads arrays of NumPy", async () => {
    const array = npy("<f4", [6], bytes);
    const directory = model({
      "w.npy": array,
      "a.npz": zipOf([
        { name: "w.npy", data: array },
        { name: "v.npy", data: npy("<f4", [2, 3], bytes, { fortran: true }) },
      ]),
    });
    expect(await values(join(directory, "w.npy"))).toEqual({ w: [1, 2, 3, 4, 5, 6] });
    expect(await values(join(directory, "a.npz"))).toEqual({ w: [1, 2, 3, 4, 5, 6], v: [1, 3, 5, 2, 4, 6] });
    expect((await opened(directory)).container).toBe("numpy");
  });

  it.each<[string, Files, string[]]>([
    ["the only one", { "model.pth": weights("w"), "config.json": {}, "optimizer.pt": "x" }, ["w@model.pth"]],
    [
      "what loaders take",
      { "pytorch_model.bin": weights("w"), "other.pt": weights("v"), "training_args.bin": "x" },
      ["w@pytorch_model.bin"],
    ],
    [
      "what an index lists",
      {
        "pytorch_model.bin.index.json": index({ a: "pytorch_model-1.bin", b: "pytorch_model-2.bin" }),
        "pytorch_model-1.bin": weights("a"),
        "pytorch_model-2.bin": weights("b"),
      },
      ["a@pytorch_model-1.bin", "b@pytorch_model-2.bin"],
    ],
    [
      "numbered shards",
      { "m-00001-of-00002.bin": weights("a"), "m-00002-of-00002.bin": weights("b") },
      ["a@m-00001-of-00002.bin", "b@m-00002-of-00002.bin"],
    ],
    ["an old one", { "model.th": torchLegacy(new Map([["w", W]]), { 0: bytes }) }, ["w@model.th"]],
  ])("reads of a directory %s", async (_what, files, names) => {
    const found = await opened(model(files));
    expect(found.names).toEqual(names);
    expect(found.container).toBe("pytorch");
  });

  it("reads safetensors where there are any, and says what stands beside", async () => {
    const header = Buffer.from('{"s":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const safetensors = Buffer.concat([length, header, Buffer.alloc(1)]);
    const { names, notes, container } = await opened(
      model({
        "model.safetensors": safetensors,
        "pytorch_model.bin": weights("w"),
        "pytorch_model.bin.index.json": index({}),
      }),
    );
    expect(names).toEqual(["s@model.safetensors"]);
    expect(container).toBe("safetensors");
    expect(notes).toEqual([
      'weights in other containers stand beside and were not read: "pytorch_model.bin" (a PyTorch file)',
    ]);
  });

  it("takes a shard that is named, and an index, for the whole model", async () => {
    const shards = { "m-00001-of-00002.bin": weights("a"), "m-00002-of-00002.bin": weights("b") };
    const numbered = model(shards);
    expect((await opened(join(numbered, "m-00002-of-00002.bin"))).names).toHaveLength(2);
    const indexed = model({
      ...shards,
      "m.bin.index.json": index({ a: "m-00001-of-00002.bin", b: "m-00002-of-00002.bin" }),
    });
    expect((await opened(join(indexed, "m-00002-of-00002.bin"))).names).toHaveLength(2);
    expect((await opened(join(indexed, "m.bin.index.json"))).names).toHaveLength(2);
    await refused(model({ "m-00001-of-00002.bin": weights("a") }), "SHARD_MISSING");
  });

  it("refuses to choose between models, and what only is called like one", async () => {
    await refused(model({ "a.pt": weights("w"), "b.pt": weights("w") }), "AMBIGUOUS_CHECKPOINT");
    await refused(model({ "a.bin": "no weights" }), "UNSUPPORTED_CONTAINER");
    await refused(model({ "m.bin.index.json": index({ a: "m.safetensors.gz" }) }), "UNSUPPORTED_CONTAINER");
    await refused(model({ "m.bin.index.json": index({ a: "../m.bin" }) }), "SHARD_PATH_REFUSED");
  });
});
