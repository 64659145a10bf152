import { describe, expect, it } from "vitest";
import { adapterKindOf, adapterSummary } from "../../../src/anatomy/adapter.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { sidecarOf } from "../../../src/anatomy/sidecar.ts";

/** As PEFT, diffusers, kohya-ss and LyCORIS name them, with shapes of a model of width 64. */
const ADAPTERS: readonly (readonly [string, string, readonly number[]])[] = [
  ["lora", "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [4, 64]],
  ["lora", "base_model.model.model.layers.0.mlp.up_proj.lora_B.default.weight", [96, 4]],
  ["lora", "base_model.model.model.embed_tokens.lora_embedding_A", [4, 320]],
  ["lora", "transformer.blocks.0.attn.to_q.lora_down.weight", [4, 64]],
  ["lora", "transformer.blocks.0.attn.to_q.lora_up.weight", [64, 4]],
  ["lora", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora.down.weight", [4, 64]],
  ["lora", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora.up.weight", [64, 4]],
  ["lora", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", [4, 64]],
  ["lora", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_k_lora.up.weight", [64, 4]],
  ["lora", "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight", [64, 4]],
  ["lora", "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2.lora_down.weight", [4, 256]],
  ["lora", "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", [256, 4]],
  ["lora", "lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha", []],
  ["dora", "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight", [64]],
  ["dora", "lora_unet_mid_block_attentions_0_proj_in.dora_scale", [1, 64]],
  ["loha", "lora_unet_mid_block_attentions_0_proj_in.hada_w1_a", [64, 4]],
  ["loha", "base_model.model.model.layers.0.mlp.down_proj.hada_w2_b", [4, 96]],
  ["lokr", "lora_unet_mid_block_attentions_0_proj_in.lokr_w1", [8, 8]],
  ["lokr", "base_model.model.model.layers.0.mlp.down_proj.lokr_w2_a", [8, 4]],
  ["ia3", "base_model.model.model.layers.0.mlp.down_proj.ia3_l", [1, 96]],
  ["oft", "base_model.model.model.layers.0.mlp.down_proj.oft_r", [8, 8, 8]],
  ["oft", "lycoris_blocks_0_attn_qkv.oft_blocks", [8, 8, 8]],
  ["vera", "base_model.vera_A", [256, 64]],
  ["prompt", "prompt_embeddings", [20, 64]],
  ["prompt", "base_model.model.model.layers.30.self_attn.adaption_prompt", [1, 10, 64]],
  ["other", "base_model.model.lm_head.modules_to_save.weight", [320, 64]],
  ["lora", "blk.0.attn_q.weight.lora_a", [4, 64]],
  ["lora", "layers.0.attn.q_proj.lora_b.weight", [64, 4]],
  ["other", "base_model.model.model.layers.0.mlp.down_proj.miss_block", [8, 64]],
  ["other", "base_model.model.model.layers.0.mlp.down_proj.osf_svd_params.U_low", [64, 32]],
  ["other", "base_model.model.model.layers.0.self_attn.o_proj.shira_weight", [512]],
  ["other", "base_model.vblora_vector_bank", [16, 32]],
  ["other", "base_model.model.model.embed_tokens.trainable_tokens_delta", [3, 64]],
];

/** Parts of published models whose names come close. */
const MODELS = [
  "model.layers.0.self_attn.q_proj.weight",
  "model.layers.0.self_attn.q_a_proj.weight",
  "model.layers.0.attn.w_lora.lora.0.weight",
  "prompt_encoder.point_embeddings.0.weight",
  "model.layers.0.feed_forward.gate_up_proj_adapter_list.0.0.weight",
  "transformer.h.0.attn.flora.down.weight",
  "encoder.loraine.down.weight",
  "soft_prompt",
  "decoder.road_head.weight",
  "poly_proj.weight",
  "base_model.model.model.layers.0.input_layernorm.weight",
  "alpha",
];

describe("tensors of adapters", () => {
  it.each(ADAPTERS)("are known: %s, %s", (kind, name, shape) => {
    expect(adapterKindOf(name)).toBe(kind);
    expect(sidecarOf(name, shape.length)).toBe("adapter");
  });

  it.each(MODELS)("are told from parts of models: %s", (name) => {
    expect(adapterKindOf(name)).toBeNull();
    expect(sidecarOf(name, 2)).toBeNull();
  });

  it("are no matrices of a model", () => {
    const table = new Map(ADAPTERS.map(([, name, shape]) => [name, { name, dtype: "F16" as const, shape }]));
    const anatomy = describeAnatomy(table, null);
    expect(anatomy.matrices).toEqual([]);
    expect(anatomy.others.map(({ tensor }) => tensor)).toEqual([...table.keys()].sort());
  });

  it("are bounded in what a name may cost", () => {
    expect(adapterKindOf(`${"lora.".repeat(200)}down`)).toBeNull();
    expect(adapterKindOf(`${"lora.".repeat(90)}down`)).toBe("lora");
  });
});

describe("the summary of an adapter", () => {
  const lora = ["a.lora_A.weight", "a.lora_B.weight", "a.alpha"];

  it("is none where there is none", () => {
    expect(adapterSummary([])).toBeNull();
    expect(adapterSummary(MODELS)).toBeNull();
    expect(adapterSummary(["a.alpha"])).toBeNull();
  });

  it("counts its tensors among all, scales included", () => {
    expect(adapterSummary(lora)).toEqual({ tensors: 3, kind: "lora", ofTensors: 3 });
    const beside = [...lora, "b.alpha", "a.weight"];
    expect(adapterSummary(new Set(beside))).toEqual({ tensors: 3, kind: "lora", ofTensors: 5 });
  });

  it("names what most of it is, and a LoRA with magnitudes a DoRA", () => {
    expect(adapterSummary([...lora, "a.lora_magnitude_vector"])).toMatchObject({ kind: "dora", tensors: 4 });
    expect(adapterSummary([...lora, "b.ia3_l"])).toMatchObject({ kind: "lora", tensors: 4 });
    const saved = ["x", "y", "z"].map((name) => `${name}.modules_to_save.weight`);
    expect(adapterSummary([...saved, "b.ia3_l"])).toMatchObject({ kind: "ia3" });
    expect(adapterSummary(saved)).toMatchObject({ kind: "other" });
  });
});
