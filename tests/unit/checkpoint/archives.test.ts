import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { byteBudget } from "../../../src/bytes/byte-budget.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { tokenizerBeside } from "../../../src/checkpoint/tokenizer-bytes.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { subjectName } from "../../../src/lineage/subject-name.ts";
import { ggufFile } from "../../support/gguf-file.mjs";
import { model, opened, refused } from "../../support/model-directory.ts";
import { external, modelOf, tensor as onnxTensor } from "../../support/onnx-file.mjs";
import { refusal } from "../../support/refusal.ts";
import { tarOf } from "../../support/tar-file.mjs";
import { floats, type Member, npy, storage, tensor, torchZip, zipOf } from "../../support/torch-file.mjs";

const values = floats([1, 2, 3, 4, 5, 6]);
const weights = (name = "w") => serializeSafetensors([{ name, dtype: "F32", shape: [2, 3], data: values }]);
const pytorch = torchZip(new Map([["w", tensor(storage("0", 6), [2, 3])]]), { 0: values });
const config = Buffer.from('{"model_type": "llama"}');
const tokenizer = Buffer.from('{"model": {}}');

type Contents = Readonly<Record<string, Uint8Array>>;

function deflated(name: string, data: Uint8Array): Member {
  const crc = crc32(data);
  const packed = deflateRawSync(data);
  const [size, localPacked] = [data.length, packed.length];
  return { name, data: packed, method: 8, size, localSize: size, localPacked, crc, localCrc: crc };
}

const zip = (files: Contents) => zipOf(Object.entries(files).map(([name, data]) => ({ name, data })));
const packedZip = (files: Contents) => zipOf(Object.entries(files).map(([name, data]) => deflated(name, data)));
const tar = (files: Contents) => tarOf(Object.entries(files).map(([name, data]) => ({ name: `./${name}`, data })));

const ARCHIVES: readonly (readonly [string, (files: Contents) => Uint8Array])[] = [
  ["a.zip", zip],
  ["a.whl", packedZip],
  ["a.tar", tar],
  ["a.tar.gz", (files) => gzipSync(tar(files))],
];

const placed = (name: string, bytes: Uint8Array) => join(model({ [name]: bytes }), name);

/** The values of the only tensor, by both ways of reading. */
async function read(location: string): Promise<number[]> {
  await using checkpoint = await openCheckpoint(location);
  const { file, begin, end } = checkpoint.tensors.get("w")!;
  const { source } = checkpoint.files[file]!;
  await source.verifyUnchanged();
  const later = await source.read(begin, end);
  const now = new Uint8Array(end - begin);
  if ("readIntoSync" in source) (source as { readIntoSync(b: Uint8Array, at: number): void }).readIntoSync(now, begin);
  expect(now).toEqual(later);
  return [...new Float32Array(later.slice().buffer)];
}

describe.each(ARCHIVES)("a model inside of %s", (name, made) => {
  const files = {
    "pkg/__init__.py": Buffer.from("x = 1"),
    "pkg/m/model.safetensors": weights(),
    "pkg/m/config.json": config,
    "pkg/m/tokenizer.json": tokenizer,
  };

  it("is taken by itself where it is the only one, with what lies beside it", async () => {
    const path = placed(name, made(files));
    expect(await read(path)).toEqual([1, 2, 3, 4, 5, 6]);
    await using checkpoint = await openCheckpoint(path);
    expect(checkpoint.location).toBe(`${path}!/pkg/m/model.safetensors`);
    expect(checkpoint.config).toMatchObject({ model_type: "llama" });
    expect(checkpoint.notes).toContain('read from inside the archive: "pkg/m/model.safetensors"');
    expect(await tokenizerBeside(checkpoint)).toEqual(new Uint8Array(tokenizer));
    expect(checkpoint.files[0]!.absolutePath).toBeNull();
    expect(subjectName(checkpoint.location)).toBe(`${name}!/pkg/m/model.safetensors`);
  });

  it.each(["pkg/m", "pkg/m/model.safetensors", "./pkg/m/", "pkg", ""])("is found by %j", async (inside) => {
    expect(await read(`${placed(name, made(files))}!/${inside}`)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("has to be named where there are several", async () => {
    const path = placed(
      name,
      made({ "a/x.safetensors": weights(), "b/y.safetensors": weights("v"), "b/config.json": config }),
    );
    const { message, detail } = await refused(path, "AMBIGUOUS_CHECKPOINT");
    expect(message).toBe('several models in this archive: "a/x.safetensors", "b/y.safetensors"');
    expect(detail).toContain("!/a/x.safetensors");
    expect(await read(`${path}!/a`)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await opened(`${path}!/b/y.safetensors`)).config).not.toBeNull();
    expect((await refused(`${path}!/c`, "FILE_NOT_FOUND")).detail).toContain('"a/x.safetensors", "b/y.safetensors"');
  });

  it("is that of the folder that holds all others", async () => {
    const path = placed(name, made({ "model.safetensors": weights(), "2_Dense/model.safetensors": weights("v") }));
    const { notes, names } = await opened(path);
    expect(names).toEqual(["w@model.safetensors"]);
    expect(notes).toContain('other models in folders below it were not read: "2_Dense/model.safetensors"');
  });

  it("may be of any container, and is none where it only sounds like one", async () => {
    const junk = Buffer.from("no weights at all, whatever it is called");
    const gguf = ggufFile({
      metadata: [["general.architecture", "text", "other"]],
      tensors: [{ name: "w", shape: [3, 2], type: "F32", data: values }],
    });
    for (const [file, bytes] of [
      ["m.pt", pytorch],
      ["m.npz", zipOf([{ name: "w.npy", data: npy("<f4", [2, 3], values) }])],
      ["m.gguf", gguf],
    ] as const) {
      expect(await read(placed(name, made({ [`a/${file}`]: bytes, "b/data.bin": junk })))).toEqual([1, 2, 3, 4, 5, 6]);
    }
    const far = external({ location: "weights.bin" });
    const onnx = { "m/model.onnx": modelOf(onnxTensor("w", [3, 2], far)), "m/weights.bin": values };
    expect(await read(placed(name, made(onnx)))).toEqual([1, 2, 3, 4, 5, 6]);
    const none = placed(name, made({ "b/data.bin": junk }));
    await refused(none, "NO_WEIGHTS");
    expect((await refused(`${none}!/x`, "FILE_NOT_FOUND")).detail).toBe("No weights lie in it.");
  });

  it("is read as one file where it was split, and as all of its shards", async () => {
    const whole = Buffer.from(weights());
    const parts = {
      "m/model.part1": whole.subarray(0, 20),
      "m/model.part2": whole.subarray(20),
      "m/config.json": config,
    };
    expect(await read(`${placed(name, made(parts))}!/m`)).toEqual([1, 2, 3, 4, 5, 6]);
    const shards = { "model-00001-of-00002.safetensors": weights(), "model-00002-of-00002.safetensors": weights("v") };
    expect((await opened(placed(name, made(shards)))).names).toHaveLength(2);
  });

  it("never leads out, whatever its name is", async () => {
    const hostile = "../../../../etc/passwd.safetensors";
    const path = placed(name, made({ [hostile]: weights() }));
    expect(await read(path)).toEqual([1, 2, 3, 4, 5, 6]);
    await refused(`${path}!/../other.safetensors`, "FILE_NOT_FOUND");
  });
});

describe("openCheckpoint on archives", () => {
  it("leaves nothing behind of what it unpacks, and counts what it reads for it", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith(".weightmark-"));
    const path = placed("a.whl", packedZip({ "model.safetensors": weights() }));
    await using checkpoint = await openCheckpoint(path);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(".weightmark-"))).toEqual(before);
    expect(checkpoint.tensors.size).toBe(1);
    await refusal(openCheckpoint(path, { budget: byteBudget(10) }), "BYTE_BUDGET_EXCEEDED");
    const gz = placed("a.tar.gz", gzipSync(tar({ "model.safetensors": weights() })));
    await refusal(openCheckpoint(gz, { budget: byteBudget(10) }), "BYTE_BUDGET_EXCEEDED");
  });

  it("reads what gzip compressed alone", async () => {
    expect(await read(placed("model.safetensors.gz", gzipSync(weights())))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read(placed("model.SAFETENSORS.GZ", gzipSync(weights())))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("takes a path that is there for what it is", async () => {
    expect((await opened(model({ "model.safetensors": weights() }, join(model({}), "x!")))).names).toHaveLength(1);
  });

  it("refuses what is no archive where something inside of it is named", async () => {
    for (const [name, bytes] of Object.entries({ "a.safetensors": weights(), "a.pt": pytorch })) {
      await refused(`${placed(name, bytes)}!/x`, "UNSUPPORTED_CONTAINER");
    }
    await refused(`${model({ "model.safetensors": weights() })}!/x`, "UNSUPPORTED_CONTAINER");
  });

  it("looks into archives that hold arrays and more", async () => {
    const array = npy("<f4", [2, 3], values);
    expect(await read(placed("a.zip", zip({ "x.npy": array, "m.safetensors": weights() })))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect((await opened(placed("b.zip", zip({ "x.npy": array })))).container).toBe("numpy");
    expect(await read(placed("c.whl", zip({ "t/data.pkl": array, "m.safetensors": weights() })))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  it.each<[string, Uint8Array, Parameters<typeof refused>[1]]>([
    ["an archive in an archive", zip({ "b.zip": zip({ "m.safetensors": weights() }) }), "NO_WEIGHTS"],
    ["an encrypted member", zipOf([{ name: "m.safetensors", data: weights(), flags: 1 }]), "ZIP_MEMBER_UNSUPPORTED"],
    ["another compression", zipOf([{ name: "m.safetensors", data: weights(), method: 14 }]), "ZIP_MEMBER_UNSUPPORTED"],
    [
      "an encrypted file that could be anything",
      zipOf([{ name: "m.bin", data: weights(), flags: 1 }]),
      "ZIP_MEMBER_UNSUPPORTED",
    ],
    ["a link", tarOf([{ name: "m.safetensors", type: "2" }]), "TAR_UNSUPPORTED"],
    ["a damaged member", zipOf([{ ...deflated("m.safetensors", weights()), crc: 1, localCrc: 1 }]), "ZIP_MALFORMED"],
    [
      "members that overlap",
      zipOf([
        { name: "m.safetensors", data: weights(), packed: 400, size: 400, localSize: 400 },
        { name: "b", data: Buffer.alloc(400) },
      ]),
      "ZIP_OVERLAP",
    ],
    ["a bomb", gzipSync(Buffer.alloc(65 << 20)), "ARCHIVE_LIMIT"],
  ])("refuses %s", async (_what, bytes, code) => {
    await refused(placed("a", bytes), code);
  });

  it("says of names only as much as fits", async () => {
    const names = Array.from({ length: 40 }, (_, i) => [`${"n".repeat(3000)}${i}/m.safetensors`, weights()] as const);
    const { message } = await refused(placed("a.zip", zip(Object.fromEntries(names))), "AMBIGUOUS_CHECKPOINT");
    expect(message.length).toBeLessThan(1200);
    expect(message).toContain("35 more");
  });

  it("notices that the archive was replaced", async () => {
    const path = placed("a.zip", zip({ "m.safetensors": weights() }));
    await using checkpoint = await openCheckpoint(path);
    writeFileSync(path, zip({ "m.safetensors": weights("x") }));
    await refusal(checkpoint.verifyUnchanged(), "CHANGED_DURING_READ");
  });
});

describe("a file that was split", () => {
  const whole = Buffer.from(weights());
  const pieces = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name, i) => [name, whole.subarray(i * 30, i === names.length - 1 ? whole.length : (i + 1) * 30)]),
    );

  it.each<[string, string[]]>([
    ["model.safetensors", ["model.safetensors.part1", "model.safetensors.part2", "model.safetensors.part3"]],
    ["model.safetensors", ["model.safetensors.part-aa", "model.safetensors.part-ab"]],
    ["model.safetensors", ["model.safetensors.000", "model.safetensors.001"]],
    ["model.safetensors", ["model.safetensors.aa", "model.safetensors.ab"]],
    ["model", ["model.part0", "model.part1"]],
    ["model", ["model-part01of02", "model-part02of02"]],
    ["weights.zip", ["weights.zip.001"]],
  ])("is read as %s from %j", async (name, names) => {
    if (names.length === 1) return void (await refused(model(pieces(names)), "NO_WEIGHTS"));
    const directory = model(pieces(names));
    for (const location of [directory, ...names.map((one) => join(directory, one)), join(directory, name)]) {
      expect(await read(location)).toEqual([1, 2, 3, 4, 5, 6]);
    }
    const { notes } = await opened(directory);
    expect(notes.join()).toContain(`${name}: joined from ${names.length} parts, "${names[0]}"`);
  });

  it("may be an archive", async () => {
    const bytes = Buffer.from(zip({ "m.safetensors": weights() }));
    const directory = model({ "a.zip.001": bytes.subarray(0, 50), "a.zip.002": bytes.subarray(50) });
    expect(await read(join(directory, "a.zip.001"))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("needs all of its parts", async () => {
    const directory = model({ "m.safetensors.part1": whole, "m.safetensors.part3": whole });
    expect((await refused(directory, "SHARD_MISSING")).message).toContain('"m.safetensors.part2"');
    const lettered = model({ "m.safetensors.part-ab": whole });
    expect((await refused(lettered, "SHARD_MISSING")).message).toContain('"m.safetensors.part-aa"');
  });

  it("is left alone where the whole is there, where numbers count something else, and where two could be it", async () => {
    expect((await opened(model({ "m.safetensors": weights(), "m.safetensors.part1": whole }))).names).toHaveLength(1);
    await refused(model({ "m.pt.100": pytorch, "m.pt.200": pytorch }), "NO_WEIGHTS");
    await refused(model({ "m.part1": whole, "m-part1": whole }), "NO_WEIGHTS");
  });
});
