import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { compareQuality } from "../../../src/quality/compare-quality.ts";
import { openModel } from "../../../src/quality/model.ts";
import { forwardFixture, hashedCheckpoint, hashedModel, withConfig } from "../../support/hashed-model.ts";
import type { ModelTensor } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { fileOf } from "../../support/stored-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

type Change = Readonly<Record<string, unknown>>;

const CONFIGS: readonly (readonly [string, Change, RegExp])[] = [
  ["llama", { model_type: "mamba" }, /models of type mamba/],
  ["llama", { model_type: "constructor" }, /models of type constructor/],
  ["llama", { model_type: 7 }, /model_type is no string/],
  ["llama", { quantization_config: { bits: 4 } }, /quantised/],
  ["llama", { rope_scaling: { rope_type: "yarn", factor: 4 } }, /type yarn/],
  ["llama", { rope_parameters: { rope_type: "dynamic", factor: 2, rope_theta: 1e4 } }, /type dynamic/],
  ["llama", { rope_scaling: { type: "default", mrope_section: [16, 24, 24] } }, /mrope/],
  ["llama", { hidden_act: "quick_gelu" }, /activation quick_gelu/],
  ["llama", { hidden_size: "32" }, /hidden_size is no whole number/],
  ["llama", { num_hidden_layers: 2 ** 23 }, /8388608 layers/],
  ["llama", { num_hidden_layers: 3 }, /tensor that is not there/],
  ["llama", { num_hidden_layers: 1 }, /no such tensor/],
  ["llama", { num_attention_heads: 8 }, /shape is/],
  ["llama", { num_key_value_heads: 3 }, /4 heads over 3/],
  ["llama", { head_dim: 7 }, /turn 7 elements/],
  ["llama", { attention_bias: true }, /not there/],
  ["llama-tied-biased", { attention_bias: false }, /no such tensor/],
  ["llama", { rms_norm_eps: 0 }, /rms_norm_eps is no number above 0/],
  ["qwen2-windows", { layer_types: ["full_attention"] }, /1 layer_types for 2/],
  ["qwen2-windows", { layer_types: ["full_attention", "linear_attention"] }, /linear_attention/],
  ["gemma", { hidden_activation: null, hidden_act: "gelu" }, /read differently/],
  ["gemma3", { attn_logit_softcapping: 50 }, /capped attention/],
  ["gemma3", { use_bidirectional_attention: true }, /use_bidirectional_attention/],
  ["gpt2", { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx/],
  ["gpt2", { n_head: 5 }, /5 heads/],
];

it.each(CONFIGS)("%s with %j is refused", async (name, change, message) => {
  const fixture = forwardFixture(name);
  const checkpoint = await withConfig(hashedModel(fixture), { ...fixture.config, ...change });
  const error = await refusal((async () => openModel(checkpoint))(), "FORWARD_UNSUPPORTED");
  expect(error.message).toMatch(message);
});

const extra: ModelTensor = { shape: [32], values: new Float32Array(32), dtype: "F32" };

it("a tensor that the architecture does not read is refused by name", async () => {
  const checkpoint = await hashedCheckpoint("llama", (model) =>
    model.set("model.layers.0.self_attn.q_norm.weight", extra),
  );
  const error = await refusal((async () => openModel(checkpoint))(), "FORWARD_UNSUPPORTED");
  expect(error.tensor).toBe("model.layers.0.self_attn.q_norm.weight");
});

it("buffers of old releases are no weights", async () => {
  const checkpoint = await hashedCheckpoint("llama", (model) =>
    model.set("model.layers.0.self_attn.rotary_emb.inv_freq", extra),
  );
  expect(openModel(checkpoint).architecture.layers).toHaveLength(2);
});

it("a model without config.json is refused, and it is said why it has none", async () => {
  const directory = temporaryDirectory();
  const fixture = forwardFixture("llama");
  writeFileSync(join(directory, "model.safetensors"), fileOf(hashedModel(fixture)));
  const message = async (location: string): Promise<string> => {
    const checkpoint = await openCheckpoint(location);
    const error = await refusal((async () => openModel(checkpoint))(), "FORWARD_UNSUPPORTED");
    await checkpoint.close();
    expect(error.file).toBe(location);
    return error.message;
  };
  expect(await message(directory)).toMatch(/config.json, and there is none$/);
  writeFileSync(join(directory, "config.json"), `${JSON.stringify(fixture.config)} // a comment`);
  expect(await message(directory)).toMatch(/config.json is there but cannot be used: it holds a comment/);
  writeFileSync(join(directory, "config.json"), JSON.stringify(fixture.config).replace("{", '{"a": NaN,'));
  expect(await message(join(directory, "model.safetensors"))).toMatch(/name its directory$/);
  const checkpoint = await openCheckpoint(directory);
  expect(openModel(checkpoint).architecture.layers).toHaveLength(2);
  await checkpoint.close();
});

it("a stored head beside a tied embedding must be its equal", async () => {
  const tokens = { sequences: [[1, 2, 3, 4]], prefix: [] };
  const tied = await hashedCheckpoint("llama-tied-biased");
  const copied = await hashedCheckpoint("llama-tied-biased", (model) =>
    model.set("lm_head.weight", model.get("model.embed_tokens.weight")!),
  );
  expect((await compareQuality(tied, copied, tokens)).logits.bitEqual).toBe(true);
  const other = await hashedCheckpoint("llama-tied-biased", (model) => {
    const { shape, values, dtype } = model.get("model.embed_tokens.weight")!;
    model.set("lm_head.weight", { shape, dtype, values: values.with(5, 1) });
  });
  const error = await refusal(compareQuality(tied, other, tokens), "FORWARD_UNSUPPORTED");
  expect(error.tensor).toBe("lm_head.weight");
});

it("an engine that is not there is refused", async () => {
  const checkpoint = await hashedCheckpoint("llama");
  const tokens = { sequences: [[1, 2]], prefix: [] };
  const error = await refusal(
    compareQuality(checkpoint, checkpoint, tokens, { engine: "none" as "wasm" }),
    "ENGINE_UNAVAILABLE",
  );
  expect(error.message).toContain("none");
});
