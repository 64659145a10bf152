import { describe, expect, it } from "vitest";
import { CONTAINERS } from "../../../src/formats/foreign/containers.ts";
import { recogniseForeignFile } from "../../../src/formats/foreign-file.ts";
import { FOREIGN_HEADS } from "../../support/foreign-heads.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("recogniseForeignFile", () => {
  it.each([
    ["version https://git-lfs.github.com/spec/v1\n", "GIT_LFS_POINTER"],
    ["version https://hawser.github.com/spec/v1\n", "GIT_LFS_POINTER"],
    ["# xet version 0\nfilesize = 12\n", "GIT_LFS_POINTER"],
    ["/annex/objects/SHA256E-s5--ab.safetensors\n", "GIT_LFS_POINTER"],
    ["outs:\n- md5: 22e3f61e52c0ba45334d973244efc155\n  size: 5\n", "GIT_LFS_POINTER"],
    ["\n <html lang='en'>", "HTML_PAGE"],
    ["\xef\xbb\xbf<!DOCTYPE HTML>", "HTML_PAGE"],
    ['<?xml version="1.0"?><Error>', "HTML_PAGE"],
    ["Invalid username or password.", "TEXT_FILE"],
    ["\xc3\x89chec de l'authentification", "TEXT_FILE"],
    ["\xff\xfeE\x00r\x00r\x00o\x00r\x00:\x00", "TEXT_FILE"],
    ['{"error": "Repository not found"}', "TEXT_FILE"],
    ["\x1f\x8b\x08", "COMPRESSED_FILE"],
    ["\xfd7zXZ\x00", "COMPRESSED_FILE"],
    ["BZh91AY", "COMPRESSED_FILE"],
    ["\x28\xb5\x2f\xfd", "COMPRESSED_FILE"],
    ["7z\xbc\xaf\x27\x1c", "COMPRESSED_FILE"],
    ["\x04\x22\x4d\x18", "COMPRESSED_FILE"],
    ["Rar!\x1a\x07\x01\x00", "COMPRESSED_FILE"],
    ["PK\x03\x04", "UNSUPPORTED_CONTAINER"],
    ["\x80\x04\x95\x00", "UNSUPPORTED_CONTAINER"],
    ["\x80\x02}q\x00", "UNSUPPORTED_CONTAINER"],
    ["\x00\x00\x00\x00TFL3", "UNSUPPORTED_CONTAINER"],
    ["GGUF\x03\x00\x00\x00", "UNSUPPORTED_CONTAINER"],
  ])("%j is a %s", (head, code) => {
    expect(recogniseForeignFile(latin1(head))).toMatchObject({ code, by: "content" });
  });

  it.each([
    "",
    "short",
    "\x80",
    "\x80\x02",
    "\x80\x06}",
    "\x80\x02\x00",
    "\x08\x00\x00\x00\x00\x00\x00\x00{}",
    "text \x00 with NUL",
    "MZ, which begins a program and much else\x00",
    "\x1f\x8b\x00",
    "\xff\xfe\x00\x01\x00\x02\x00\x03\x00\x04",
  ])("%j is nothing known", (head) => {
    expect(recogniseForeignFile(latin1(head))).toBeNull();
  });

  it.each(FOREIGN_HEADS)("tells $kind from $hex", ({ kind, hex, size }) => {
    const head = Buffer.from(hex, "hex");
    expect(
      recogniseForeignFile(head, { name: "model.safetensors", ...(size === undefined ? {} : { size }) }),
    ).toMatchObject({ kind, by: "content" });
  });

  it.each([
    ["program", "\x7fELF\x02\x01"],
    ["program", `MZ${"\0".repeat(58)}\x40\0\0\0PE\0\0`],
    ["llamafile", "MZqFpD='\n"],
    ["ggml", "lmgg\x01\0\0\0"],
    ["tensorRt", "ftrt\x60\0\0\0"],
    ["rknn", "RKNN\0\0\0\0"],
    ["ncnn", "7767517\n75 83\n"],
    ["execuTorch", "\x1c\0\0\0ET12eh00"],
    ["ort", "\x18\0\0\0ORTM"],
    ["openVino", '<?xml version="1.0"?>\n<net name="Model0" version="11">\n'],
    ["nemo", `./model_config.yaml${"\0".repeat(238)}ustar\x0000`],
    ["tar", `weights/${"\0".repeat(249)}ustar  \0`],
    ["age", "age-encryption.org/v1\n-> X25519 abc\n"],
    ["gpg", "\x8c\x0d\x04\x09\x03\x08"],
    ["openSsl", "Salted__\x01\x02"],
    ["parquet", "PAR1\x15\x04"],
    ["sqlite", "SQLite format 3\0"],
    ["media", "\x89PNG\r\n\x1a\n"],
    ["foreignIndex", '{"metadata": {}, "weight_map": {"a\\"b": "pytorch_model-00001-of-00002.bin"}}'],
    ["misnamedIndex", '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'],
    ["json", '{"model_type": "llama"}'],
  ])("tells %s", (kind, head) => {
    expect(recogniseForeignFile(latin1(head))).toMatchObject({ kind, by: "content" });
  });
});

describe("the name of a file", () => {
  /** Weights as they lie in files without a header. */
  const RAW = Buffer.from(Float32Array.from({ length: 64 }, (_, i) => (i + 1) / 1024).buffer);
  const ZIP = latin1(`PK\x03\x04${"\0".repeat(22)}\x10\0\0\0archive/data.pkl`);

  it.each([
    ["model.onnx_data", "onnxData"],
    ["model.onnx.data", "onnxData"],
    ["openvino_model.bin", "openVino"],
    ["model.onnx", "onnx"],
    ["model.mnn.weight", "mnn"],
    ["params_shard_12.bin", "mlc"],
    ["group1-shard3of12.bin", "tfJs"],
    ["inference.pdiparams", "paddleInference"],
    ["model.ckpt.data-00000-of-00001", "tfCheckpoint"],
    ["bvlc.caffemodel", "caffe"],
    ["model.safetensors.enc", "encrypted"],
    ["model-00001-of-00002.safetensors.part", "unfinished"],
    ["model.safetensors.aria2", "unfinished"],
  ])("tells where the content cannot: %s", (name, kind) => {
    expect(recogniseForeignFile(RAW, { name })).toMatchObject({ kind, by: "name" });
    expect(recogniseForeignFile(RAW, { name: `dir.onnx/sub\\${name}` })).toMatchObject({ kind, by: "name" });
  });

  it.each(["model.safetensors", "model.bin", "x.ckpt", "weights.data", "model.onnx/model.bin"])(
    "tells nothing when it is %s",
    (name) => {
      expect(recogniseForeignFile(RAW, { name })).toBeNull();
    },
  );

  it.each(["pytorch_model.bin", "model.gguf", "model.keras", "weights.npz", "model.h5"])(
    "is not believed when the content is not what it says: %s",
    (name) => {
      expect(recogniseForeignFile(RAW, { name })).toMatchObject({ by: "name against content" });
    },
  );

  it.each([
    ["__0_0.distcp", "distributed"],
    ["mp_rank_00_model_states.pt", "deepSpeed"],
    ["bf16_zero_pp_rank_3_mp_rank_00_optim_states.pt", "deepSpeed"],
    ["model_optim_rng.pt", "megatron"],
    ["module.ptl", "torchMobile"],
    ["model.pt.part", "unfinished"],
    ["htdemucs.th", "pytorch"],
    ["model.gguf", "pytorch"],
    ["model.safetensors", "pytorch"],
  ])("says what a PyTorch archive is part of, and no more: %s", (name, kind) => {
    expect(recogniseForeignFile(ZIP, { name })).toMatchObject({ kind, by: "content" });
  });

  it("tells with what lies beside", () => {
    const kindOf = (name: string, ...beside: string[]) =>
      recogniseForeignFile(RAW, { name, companions: new Set(beside) })?.kind;
    expect(kindOf("model.bin", "model.xml")).toBe("openVino");
    expect(kindOf("net.bin", "net.param")).toBe("ncnn");
    expect(kindOf("model.bin", "shared_vocabulary.json")).toBe("cTranslate2");
    expect(kindOf("other.bin", "model.xml", "shared_vocabulary.json")).toBeUndefined();
  });
});

describe("no weights are named by chance", () => {
  /** Numbers below 1 in a fixed order (xorshift). */
  function* uniform(): Generator<number> {
    for (let state = 88_172_645; ; ) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      yield (state >>> 0) / 2 ** 32;
    }
  }
  const draws = uniform();
  const next = () => draws.next().value as number;
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());

  it.each([
    ["bytes", () => Uint8Array.from({ length: 256 }, () => next() * 256)],
    ["small integers", () => Uint8Array.from({ length: 256 }, () => normal() * 4)],
    ["F32", () => new Uint8Array(Float32Array.from({ length: 64 }, () => normal() / 40).buffer)],
    ["BF16", () => new Uint8Array(Uint16Array.from({ length: 128 }, () => bf16(normal() / 40)).buffer)],
    ["F64", () => new Uint8Array(Float64Array.from({ length: 32 }, () => normal()).buffer)],
  ])("%s", (_, draw) => {
    for (let i = 0; i < 4000; i++) {
      const head = draw();
      const found = recogniseForeignFile(head, { name: "weights.bin", size: 4_194_304 });
      expect(found, Buffer.from(head).toString("hex")).toBeNull();
    }
  });

  function bf16(value: number): number {
    return new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
  }
});

describe("the kinds of files", () => {
  it.each(Object.entries(CONTAINERS))("%s is a noun phrase with whole sentences of advice", (_, { what, advice }) => {
    expect(what).toMatch(/^(?!.*\. ).*[\w)]$/);
    expect(advice).toMatch(/^[A-Z].*\.$/s);
    expect(advice).not.toMatch(/\n|weightmark/);
  });
});
