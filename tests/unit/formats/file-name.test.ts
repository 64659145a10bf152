import { describe, expect, it } from "vitest";
import { isForeignWeights, kindByName } from "../../../src/formats/foreign/file-name.ts";

describe("the name of a file", () => {
  it.each([
    ["model.onnx", "onnx"],
    ["MODEL.ONNX", "onnx"],
    ["model.onnx_data_12", "onnxData"],
    ["model.onnx.data", "onnxData"],
    ["a.pt2", "torchExport"],
    ["x.h5", "hdf5"],
    ["x.hdf5", "hdf5"],
    ["model.safetensors.bz2", "bzip2"],
    ["model.safetensors.7z", "sevenZip"],
    ["model.gguf.part1of2", "unfinished"],
    ["model.safetensors.part-ab", "unfinished"],
    ["model.safetensors.aria2", "unfinished"],
    ["model.safetensors.incomplete", "unfinished"],
    ["group1-shard1of2", "tfJs"],
    ["_CHECKPOINT_METADATA", "orbax"],
    ["manifest.ocdbt", "orbax"],
    ["ckpt-3.index", "tfCheckpoint"],
    ["model.ckpt-100.index", "tfCheckpoint"],
    ["m.data-00000-of-00001", "tfCheckpoint"],
    ["layer_00-model_00-model_states.pt", "deepSpeed"],
    ["zero_pp_rank_0_mp_rank_00_model_states.pt", "deepSpeed"],
    ["model_optim_rng.pt", "megatron"],
    ["x.ncnn.param", "ncnn"],
    ["ggml-base.en.bin", "ggml"],
    ["pytorch_model-00001-of-00002.bin", "pytorch"],
    ["adapter_model.bin", "pytorch"],
    ["Model.mlpackage", "coreMl"],
  ])("%s is of kind %s", (name, kind) => {
    expect(kindByName(name)).toBe(kind);
    expect(isForeignWeights(name)).toBe(true);
  });

  it.each(["model.bin", "last.ckpt"])("%s may be weights of several kinds", (name) => {
    expect(kindByName(name)).toBeNull();
    expect(isForeignWeights(name)).toBe(true);
  });

  it.each([
    "",
    ".",
    "onnx",
    "pt",
    "engine",
    "model.onnx.md",
    "a.pt3",
    "x.h6",
    "model.safetensors.bz3",
    "model.safetensors.sha256",
    "x.index",
    "x.data",
    "x.ocdbt",
    "notes.gz",
    "model.tar.gz",
    "table.parquet",
    "graph.pb",
    "training_args.bin",
    "optimizer.pt",
    "rng_state_0.pth",
    "x".repeat(100_000),
  ])("%j says nothing of weights", (name) => {
    expect(isForeignWeights(name)).toBe(false);
  });

  it("is that of an array and no more when it says so", () => {
    expect([kindByName("x.npy"), isForeignWeights("x.npy")]).toEqual(["numpy", false]);
  });
});
