import { describe, expect, it } from "vitest";
import { FOREIGN_HEADS } from "../../support/foreign-heads.ts";
import { weights } from "../../support/hub-remote.ts";
import { type Files, INDEX, index, model, refused } from "../../support/model-directory.ts";

describe("openCheckpoint on a directory", () => {
  it("names what a directory holds in place of safetensors, by content before name", async () => {
    const content = (kind: string) => Buffer.from(FOREIGN_HEADS.find((head) => head.kind === kind)!.hex, "hex");
    const cases: [Files, RegExp, RegExp][] = [
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
    const directory = model({ "model.ort/inner.txt": "", "a.ckpt": "x" });
    expect((await refused(directory, "UNSUPPORTED_CONTAINER")).message).toMatch(
      /only "a\.ckpt", "model\.ort" \(an ONNX Runtime model\)$/,
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
});
