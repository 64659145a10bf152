import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readCtranslate2File } from "../../../src/checkpoint/ctranslate2/ctranslate2-file.ts";
import { model, opened } from "../../support/model-directory.ts";
import { type Ct2Variable, ct2Of } from "../../support/tar-file.mjs";
import { floats } from "../../support/torch-file.mjs";

type Parts = Parameters<typeof ct2Of>[0];

/** What a model is read as: shapes and values by name, and the notes. */
async function read(parts: Parts) {
  const found = await readCtranslate2File(memorySource(ct2Of(parts), "model.bin"));
  const tensors: Record<string, { shape: readonly number[]; values: number[]; scheme?: string | undefined }> = {};
  for (const { name, shape, begin, end, dtype, scheme } of found.tensors) {
    const bytes = await found.source.read(begin, end);
    const values = dtype === "F32" ? [...new Float32Array(bytes.slice().buffer)] : [...bytes];
    tensors[name] = { shape, values, ...(scheme === undefined ? {} : { scheme }) };
  }
  return { tensors, notes: found.notes };
}

const row = (from: number, count: number) => floats(Array.from({ length: count }, (_, i) => from + i));
const matrix = (name: string, rows: number, cols: number, from = 0): Ct2Variable => ({
  name,
  shape: [rows, cols],
  data: row(from, rows * cols),
});
const vector = (name: string, size: number): Ct2Variable => ({ name, shape: [size], data: row(0, size) });
const namesOf = async (spec: string, variables: Ct2Variable[], aliases: [string, string][] = []) => {
  const { tensors, notes } = await read({ spec, variables, aliases });
  return { names: Object.keys(tensors).sort(), tensors, notes };
};

describe("readCtranslate2File", () => {
  it("is what a model.bin beside a vocabulary is read by", async () => {
    const bytes = ct2Of({ variables: [matrix("encoder/layer_0/ffn/linear_0/weight", 2, 3)] });
    const checkpoint = await opened(model({ "model.bin": bytes, "shared_vocabulary.json": [], "config.json": {} }));
    expect(checkpoint.container).toBe("ctranslate2");
    expect(checkpoint.names).toEqual(["model.encoder.layers.0.fc1.weight@model.bin"]);
  });

  it("gives int8 out by the scale of each row, and int16 by its own or the old one", async () => {
    const codes = Buffer.from(new Int8Array([127, -127, 64, 10, 0, -20]).buffer);
    const words = Buffer.from(new Int16Array([1000, -500]).buffer);
    const { tensors, notes } = await read({
      spec: "OtherSpec",
      variables: [
        { name: "a/weight", type: 1, shape: [2, 3], data: codes },
        { name: "a/weight_scale", shape: [2], data: floats([127, 10]) },
        { name: "a/bias", shape: [1], data: floats([7]) },
        { name: "b/weight", type: 2, shape: [2], data: words },
        { name: "c/weight", type: 2, shape: [2], data: words },
        { name: "c/weight_scale", data: floats([500]) },
        { name: "e/weight", type: 1, shape: [0, 3] },
        { name: "e/weight_scale", shape: [1], data: floats([1]) },
        { name: "n", type: 2, data: Buffer.from([8, 0]) },
      ],
    });
    expect(tensors["a/weight"]).toEqual({
      shape: [2, 3],
      values: [1, -1, Math.fround(64 / 127), 1, 0, -2],
      scheme: "CTranslate2 int8",
    });
    expect(tensors["b/weight"]).toMatchObject({ values: [1, -0.5], scheme: "CTranslate2 int16" });
    expect(tensors["c/weight"]!.values).toEqual([2, -1]);
    expect(tensors["e/weight"]).toMatchObject({ shape: [0, 3], values: [] });
    expect(Object.keys(tensors)).toHaveLength(5);
    expect(notes.join()).toContain('"OtherSpec" was converted from is not known');
  });

  it("leaves out codes whose scale is not understood, and says so", async () => {
    const code = (name: string): Ct2Variable => ({ name, type: 1, shape: [2, 2] });
    const { tensors, notes } = await read({
      variables: [
        code("a/weight"),
        code("b/weight"),
        { name: "b/weight_scale", type: 4, shape: [2] },
        code("c/weight"),
        { name: "c/weight_scale", shape: [3] },
        code("d/weight"),
        { name: "d/weight_scale", shape: [2] },
        { name: "d/weight_zero", shape: [2] },
        { name: "e/weight", type: 3, shape: [2] },
      ],
    });
    expect(Object.keys(tensors)).toEqual(["d/weight_zero"]);
    expect(notes.join()).toContain('"a/weight", "b/weight", "c/weight", "d/weight", "e/weight"');
  });

  it("names a translator as Hugging Face does, its fused projections apart", async () => {
    const layer = (side: string) => [
      matrix(`${side}/layer_0/self_attention/linear_0/weight`, 6, 2),
      vector(`${side}/layer_0/self_attention/linear_0/bias`, 6),
      matrix(`${side}/layer_0/self_attention/linear_1/weight`, 2, 2),
      vector(`${side}/layer_0/self_attention/layer_norm/gamma`, 2),
      vector(`${side}/layer_0/self_attention/layer_norm/beta`, 2),
      matrix(`${side}/layer_0/ffn/linear_1/weight`, 2, 4),
      vector(`${side}/layer_0/ffn/layer_norm/gamma`, 2),
    ];
    const { names, tensors, notes } = await namesOf(
      "TransformerSpec",
      [
        ...layer("encoder"),
        matrix("decoder/embeddings/weight", 5, 2),
        matrix("decoder/layer_0/attention/linear_0/weight", 2, 2),
        matrix("decoder/layer_0/attention/linear_1/weight", 4, 2),
        matrix("decoder/layer_0/attention/linear_2/weight", 2, 2),
        matrix("encoder/layer_1/self_attention/linear_0/weight", 7, 2),
        matrix("decoder/layer_0/other/weight", 2, 2),
        vector("decoder/projection/bias", 5),
        matrix("encoder/position_encodings/encodings", 3, 2),
        vector("encoder/layer_norm/gamma", 2),
      ],
      [["encoder/embeddings_0/weight", "decoder/embeddings/weight"]],
    );
    expect(names).toEqual(
      [
        ...["q", "k", "v"].flatMap((one) =>
          ["weight", "bias"].map((kind) => `model.encoder.layers.0.self_attn.${one}_proj.${kind}`),
        ),
        "model.encoder.layers.0.self_attn.out_proj.weight",
        "model.encoder.layers.0.self_attn_layer_norm.weight",
        "model.encoder.layers.0.self_attn_layer_norm.bias",
        "model.encoder.layers.0.fc2.weight",
        "model.encoder.layers.0.final_layer_norm.weight",
        "model.shared.weight",
        ...["q", "k", "v", "out"].map((one) => `model.decoder.layers.0.encoder_attn.${one}_proj.weight`),
        // What does not fit keeps its name.
        "encoder/layer_1/self_attention/linear_0/weight",
        "decoder/layer_0/other/weight",
        "final_logits_bias",
        "model.encoder.embed_positions.weight",
        "model.encoder.layer_norm.weight",
      ].sort(),
    );
    expect(tensors["model.encoder.layers.0.self_attn.k_proj.weight"]).toEqual({ shape: [2, 2], values: [4, 5, 6, 7] });
    expect(tensors["model.decoder.layers.0.encoder_attn.v_proj.weight"]!.values).toEqual([4, 5, 6, 7]);
    expect(notes).toEqual([]);
  });

  it("names Whisper", async () => {
    const { names } = await namesOf("WhisperSpec", [
      { name: "encoder/conv1/weight", type: 1, shape: [2, 2, 3] },
      { name: "encoder/conv1/weight_scale", shape: [2], data: floats([1, 1]) },
      matrix("decoder/embeddings/weight", 5, 2),
      matrix("decoder/projection/weight", 5, 2),
    ]);
    expect(names).toEqual(["model.decoder.embed_tokens.weight", "model.encoder.conv1.weight", "proj_out.weight"]);
  });

  it("names models like Llama, heads counted by shapes, and leaves alone what is built otherwise", async () => {
    const own = "decoder/layer_0";
    const llama = [
      matrix(`${own}/self_attention/linear_0/weight`, 8, 2),
      vector(`${own}/self_attention/layer_norm/gamma`, 2),
      vector(`${own}/self_attention/q_norm/gamma`, 2),
      { name: `${own}/self_attention/rotary_base`, data: floats([1e4]) },
      // Of Mistral.
      { name: `${own}/self_attention/sliding_window`, data: floats([4096]) },
      matrix(`${own}/ffn/linear_0/weight`, 6, 2),
      matrix(`${own}/ffn/linear_0_noact/weight`, 6, 2),
      matrix(`${own}/ffn/linear_1/weight`, 2, 6),
      vector(`${own}/ffn/layer_norm/gamma`, 2),
      vector("decoder/layer_norm/gamma", 2),
      matrix("decoder/embeddings/weight", 5, 2),
    ];
    const grouped = [...llama, matrix(`${own}/self_attention/linear_1/weight`, 2, 4)];
    const { names, tensors } = await namesOf("TransformerDecoderSpec", grouped);
    expect(names).toEqual(
      [
        ...["q", "k", "v", "o"].map((one) => `model.layers.0.self_attn.${one}_proj.weight`),
        ...["gate", "up", "down"].map((one) => `model.layers.0.mlp.${one}_proj.weight`),
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.input_layernorm.weight",
        "model.layers.0.post_attention_layernorm.weight",
        "model.norm.weight",
        "model.embed_tokens.weight",
      ].sort(),
    );
    expect(tensors["model.layers.0.self_attn.k_proj.weight"]).toEqual({ shape: [2, 2], values: [8, 9, 10, 11] });
    const odd = await namesOf("TransformerDecoderSpec", llama);
    expect(odd.names).toContain(`${own}/self_attention/linear_0/weight`);
    const gemma = await namesOf("TransformerDecoderSpec", [...grouped, vector(`${own}/input_layer_norm/gamma`, 2)]);
    expect(gemma.names).toContain(`${own}/ffn/linear_0/weight`);
    expect(gemma.notes.join()).toContain("is not known");
  });
});
