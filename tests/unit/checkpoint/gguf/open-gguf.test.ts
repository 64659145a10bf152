import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tokenHash, tokenHashes } from "../../../../src/alignment/token-hashes.ts";
import { byteBudget } from "../../../../src/bytes/byte-budget.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { storedBytes } from "../../../../src/checkpoint/stored-bytes.ts";
import { RowReader } from "../../../../src/rows/row-reader.ts";
import { enumerateTargets } from "../../../../src/scan/enumerate.ts";
import { isItem } from "../../../../src/scan/inputs.ts";
import { type GgufParts, ggufFile, llamaGguf, type MetadataParts } from "../../../support/gguf-file.mjs";
import { hubOf, remoteOf, weights } from "../../../support/hub-remote.ts";
import { model, opened, refused } from "../../../support/model-directory.ts";
import { inputsOf } from "../../../support/scan-run.ts";
import { tinyModel } from "../../../support/tiny-model.ts";

const f32 = (name: string, ...values: number[]) => ({
  name,
  type: "F32",
  shape: [values.length],
  data: new Uint8Array(Float32Array.from(values).buffer),
});

const ARCHITECTURE: MetadataParts = ["general.architecture", "text", "qwen2"];

function file(...names: string[]): Uint8Array {
  return ggufFile({ metadata: [ARCHITECTURE], tensors: names.map((name, i) => f32(name, i)) });
}

/** Part `number`, counted from 0, of `count`. */
function part(number: number, count: number, tensors: number, ...names: string[]): Uint8Array {
  const metadata: MetadataParts[] = [
    ["split.no", "u16", number],
    ["split.count", "u16", count],
    ["split.tensors.count", "i32", tensors],
  ];
  if (number === 0) metadata.push(ARCHITECTURE);
  return ggufFile({ metadata, tensors: names.map((name, i) => f32(name, i + 1)) });
}

describe("openCheckpoint on GGUF", () => {
  it("reads a file that is named itself, whatever it is called, and what it says of the model", async () => {
    const parts: GgufParts = {
      metadata: [
        ARCHITECTURE,
        ["qwen2.embedding_length", "u32", 64],
        ["qwen2.attention.head_count", "u32", 4],
        ["qwen2.block_count", "u32", -1 >>> 0],
        ["qwen2.context_length", "f32", 0.5],
      ],
      tensors: [f32("output_norm.weight", 1, 2), { name: "mask", type: "I32", shape: [1], data: new Uint8Array(4) }],
    };
    const directory = model({ "renamed.safetensors": ggufFile(parts), "config.json": { hidden_size: 7 } });
    const found = await opened(join(directory, "renamed.safetensors"));
    expect(found).toMatchObject({ container: "gguf", metadata: null, revision: null });
    expect(found.names).toEqual(["mask@renamed.safetensors", "model.norm.weight@renamed.safetensors"]);
    expect({ ...found.config }).toEqual({
      model_type: "qwen2",
      hidden_size: 64,
      num_attention_heads: 4,
      num_hidden_layers: 4_294_967_295,
    });
    expect(found.tensors.get("mask")).toMatchObject({ dtype: "I32", shape: [1] });
    expect(storedBytes(found)).toBe(ggufFile(parts).length);
    expect(found.notes).toEqual(['1 tensors keep their names of GGUF: "mask"']);
    await using without = await openCheckpoint(join(directory, "renamed.safetensors"), { config: false });
    expect(without.config).toBeNull();
  });

  it("reads the only GGUF model of a directory without safetensors, and says so", async () => {
    const files = { "a.Q8_0.gguf": file("output_norm.weight"), "mmproj-a.gguf": file("v.blk.0.x"), "a.onnx": "x" };
    const found = await opened(model(files));
    expect(found.names).toEqual(["model.norm.weight@a.Q8_0.gguf"]);
    expect(found.notes).toEqual([
      'no .safetensors file here: the GGUF model "a.Q8_0.gguf" was read',
      'these were not read: "a.onnx" (an ONNX model), "mmproj-a.gguf" (a GGUF model)',
    ]);
    expect((await opened(model({ ...files, "model.safetensors": weights("w") }))).container).toBe("safetensors");
    await refused(model({ ...files, "b.gguf": "x" }), "AMBIGUOUS_CHECKPOINT");
    expect((await opened(model({ "mmproj-a.gguf": file("x") }))).names).toEqual(["x@mmproj-a.gguf"]);
  });

  it("joins the parts of a split model, and takes them whole or not at all", async () => {
    const [a, b] = [part(0, 2, 2, "token_embd.weight"), part(1, 2, 2, "output_norm.weight")];
    const directory = model({ "m-00001-of-00002.gguf": a, "m-00002-of-00002.gguf": b });
    for (const location of [directory, join(directory, "m-00002-of-00002.gguf")]) {
      const found = await opened(location);
      expect([...found.tensors.keys()]).toEqual(["model.embed_tokens.weight", "model.norm.weight"]);
      expect(found.files.map(({ path }) => path)).toEqual(["m-00001-of-00002.gguf"]);
      expect(storedBytes(found)).toBe(a.length + b.length);
    }
    const half = model({ "m-00002-of-00002.gguf": b });
    await refused(half, "SHARD_MISSING");
    await refused(join(half, "m-00002-of-00002.gguf"), "SHARD_MISSING");
    const named = (first: Uint8Array, second: Uint8Array) =>
      model({ "m-00001-of-00002.gguf": first, "m-00002-of-00002.gguf": second });
    for (const files of [
      named(b, a),
      named(part(0, 3, 2, "x"), part(1, 3, 2, "y")),
      named(part(0, 2, 3, "x"), part(1, 2, 3, "y")),
      named(a, file("y")),
      model({ "m.gguf": a }),
    ]) {
      await refused(files, "GGUF_SPLIT_INVALID");
    }
    await refused(named(part(0, 2, 2, "x"), part(1, 2, 2, "x")), "DUPLICATE_TENSOR");
  });

  it("reads a model whose parts were merged again, of which llama.cpp counts none", async () => {
    const found = await opened(model({ "merged.gguf": part(0, 0, 1, "token_embd.weight") }));
    expect([...found.tensors.keys()]).toEqual(["model.embed_tokens.weight"]);
  });

  it("leaves out NVFP4 whose second scale stands in a tensor of its own", async () => {
    const codes = { name: "blk.0.attn_v.weight", type: 40, shape: [64], data: new Uint8Array(36) };
    const tensors = [codes, f32("blk.0.attn_v.scale", 1), f32("output_norm.weight", 1)];
    const found = await opened(model({ "m.gguf": ggufFile({ metadata: [ARCHITECTURE], tensors }) }));
    expect([...found.tensors.keys()]).not.toContain("model.layers.0.self_attn.v_proj.weight");
    expect(found.notes.join()).toContain("NVFP4 with scales in a tensor of their own");
    const alone = await opened(
      model({ "m.gguf": ggufFile({ metadata: [ARCHITECTURE], tensors: [codes, tensors[2]!] }) }),
    );
    expect([...alone.tensors.keys()]).toContain("model.layers.0.self_attn.v_proj.weight");
  });

  it("leaves out types that it does not know, and refuses what holds nothing else", async () => {
    const odd = { name: "blk.0.attn_v.weight", type: 99, shape: [64], data: new Uint8Array(32) };
    const found = await opened(
      model({ "m.gguf": ggufFile({ metadata: [ARCHITECTURE], tensors: [odd, f32("output_norm.weight", 1)] }) }),
    );
    expect([...found.tensors.keys()]).toEqual(["model.norm.weight"]);
    expect(found.notes.at(-1)).toBe("1 tensors of the type number 99, which is not read, were left out");
    const error = await refused(model({ "m.gguf": ggufFile({ tensors: [odd] }) }), "GGUF_TYPE_UNKNOWN");
    expect(error.message).toBe('types "number 99" are not read');
    const q8 = { name: "a", type: 9, shape: [32], data: new Uint8Array(36) };
    await refused(model({ "m.gguf": ggufFile({ tensors: [q8] }) }), "GGUF_TYPE_UNKNOWN");
    const stack = { ...odd, name: "blk.0.ffn_up_exps.weight", shape: [2, 32] };
    await refused(model({ "m.gguf": ggufFile({ metadata: [ARCHITECTURE], tensors: [stack] }) }), "GGUF_TYPE_UNKNOWN");
  });

  it("refuses two tensors that would have one name", async () => {
    const twice = { metadata: [ARCHITECTURE], tensors: [f32("output_norm.weight", 1), f32("model.norm.weight", 2)] };
    await refused(model({ "m.gguf": ggufFile(twice) }), "GGUF_DUPLICATE_KEY");
  });

  it("says what files are that are only called GGUF", async () => {
    await refused(
      model({ "m.gguf": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n" }),
      "GIT_LFS_POINTER",
    );
    expect((await refused(model({ "m.gguf": weights("w") }), "UNSUPPORTED_CONTAINER")).message).toMatch(/safetensors/);
    const error = await refused(model({ "model.safetensors": file("x") }), "UNSUPPORTED_CONTAINER");
    expect(error.detail).toMatch(/^Name that file itself/);
  });

  it("has the tokens of the file itself", async () => {
    const tokens = ["<s>", "▁a", "b", "b"];
    const named = (kind: string, items: readonly string[]): MetadataParts[] => [
      ["tokenizer.ggml.model", "text", kind],
      ["tokenizer.ggml.tokens", "array", { of: "text", items }],
    ];
    const at = (metadata: readonly MetadataParts[], littleEndian = true) =>
      join(model({ "m.gguf": ggufFile({ metadata, littleEndian, tensors: [f32("x", 1)] }) }), "m.gguf");
    for (const littleEndian of [true, false]) {
      await using checkpoint = await openCheckpoint(at(named("gpt2", tokens), littleEndian));
      expect([...(await tokenHashes(checkpoint))!]).toEqual(tokens.map((token, id) => [id, tokenHash(token)]));
    }
    for (const metadata of [
      named("bert", tokens),
      [],
      [named("x", [])[0]!],
      [["tokenizer.ggml.tokens", "text", "x"] as const],
    ]) {
      await using checkpoint = await openCheckpoint(at(metadata));
      expect(await tokenHashes(checkpoint)).toBeNull();
    }
  });

  it("counts what is stored, not what it is decoded to", async () => {
    const bytes = llamaGguf(tinyModel(1), { heads: 4, kvHeads: 4, typeOf: () => "Q8_0" });
    const budget = byteBudget();
    await using checkpoint = await openCheckpoint(join(model({ "m.gguf": bytes }), "m.gguf"), { budget });
    const before = budget.spent;
    await new RowReader(checkpoint).elements("model.layers.1.mlp.up_proj.weight", 0, 160 * 64);
    expect(budget.spent - before).toBe((160 * 64 * 34) / 32);
  });
});

describe("GGUF far away and in scans", () => {
  const bytes = llamaGguf(tinyModel(2), { heads: 4, kvHeads: 4, typeOf: () => "Q4_0" });
  const parts = [part(0, 2, 2, "token_embd.weight"), part(1, 2, 2, "output_norm.weight")] as const;

  it("is read by ranges, from the Hub and from other servers, as it is on this machine", async () => {
    const hub = await hubOf({
      "acme/one": { files: { "m.gguf": bytes } },
      "acme/two": {
        files: {
          "q/m-00001-of-00002.gguf": parts[0],
          "q/m-00002-of-00002.gguf": parts[1],
        },
      },
    });
    const remote = await remoteOf(hub);
    await using near = await openCheckpoint(join(model({ "m.gguf": bytes }), "m.gguf"));
    const name = "model.layers.0.self_attn.q_proj.weight";
    const wanted = await new RowReader(near).elements(name, 64, 640);
    for (const location of ["hf:acme/one", "hf:acme/one/m.gguf", `${hub.endpoint}/acme/one/resolve/main/m.gguf`]) {
      await using far = await openCheckpoint(location, { remote });
      expect([...far.tensors.keys()]).toEqual([...near.tensors.keys()]);
      expect(await new RowReader(far).elements(name, 64, 640)).toEqual(wanted);
    }
    const second = `${hub.endpoint}/acme/two/resolve/main/q/m-00002-of-00002.gguf`;
    for (const location of ["hf:acme/two/q", second]) {
      await using far = await openCheckpoint(location, { remote });
      expect(far.tensors.size).toBe(2);
    }
  });

  it("misses parts that a server does not have", async () => {
    const hub = await hubOf({ "acme/half": { files: { "m-00002-of-00002.gguf": parts[1] } } });
    const remote = await remoteOf(hub);
    const location = `${hub.endpoint}/acme/half/resolve/main/m-00002-of-00002.gguf`;
    await expect(openCheckpoint(location, { remote })).rejects.toMatchObject({ code: "SHARD_MISSING" });
    await expect(openCheckpoint("hf:acme/half", { remote })).rejects.toMatchObject({ code: "SHARD_MISSING" });
  });

  it("is a target for each model of a folder, of parts the first, and none beside safetensors", async () => {
    const files = {
      "one/m.gguf": bytes,
      "many/a.gguf": bytes,
      "many/b.gguf": bytes,
      "many/c-00001-of-00002.gguf": parts[0],
      "many/c-00002-of-00002.gguf": parts[1],
      "many/mmproj-a.gguf": bytes,
      "both/model.safetensors": weights("w"),
      "both/m.gguf": bytes,
    };
    const wanted = ["both", "many/a.gguf", "many/b.gguf", "many/c-00001-of-00002.gguf", "one"];
    const root = model(files);
    const hub = await hubOf({ "acme/all": { files } });
    const remote = await remoteOf(hub);
    for (const [location, prefix] of [
      [root, ""],
      ["hf:acme/all", "acme/all/"],
    ] as const) {
      const names: string[] = [];
      for await (const found of enumerateTargets(inputsOf(location), { remote, include: [], exclude: [] })) {
        expect(isItem(found)).toBe(false);
        names.push(found.name.slice(prefix.length));
        if (!isItem(found)) expect(found.bytes).not.toBeNull();
      }
      expect(names.sort()).toEqual(wanted);
    }
  });
});
