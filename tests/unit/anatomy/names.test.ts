import { describe, expect, test } from "vitest";
import type { TensorTable } from "../../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { lineOf, tableOf } from "../../support/tensor-table.ts";

/** Architectures whose library writes no fixture here: names and shapes as their published checkpoints have them, scaled down. */
const CASES: readonly (readonly [family: string, tensors: string, matrices: string])[] = [
  [
    "llama-meta",
    `tok_embeddings.weight 40 16
     layers.0.attention.wq.weight 16 16
     layers.0.attention.wk.weight 8 16
     layers.0.attention.wo.weight 16 16
     layers.0.feed_forward.w1.weight 24 16
     layers.0.feed_forward.w2.weight 16 24
     layers.0.feed_forward.w3.weight 24 16
     layers.0.attention_norm.weight 16
     layers.0.ffn_norm.weight 16
     norm.weight 16
     output.weight 40 16`,
    `language -1 embed 40x16 @0,16
     language -1 head 40x16 @0,16 < norm.weight
     language 0 down 16x24 @0,24
     language 0 gate 24x16 @0,16 < layers.0.ffn_norm.weight
     language 0 k 8x16 @0,16 < layers.0.attention_norm.weight
     language 0 o 16x16 @0,16
     language 0 q 16x16 @0,16 < layers.0.attention_norm.weight
     language 0 up 24x16 @0,16 < layers.0.ffn_norm.weight`,
  ],
  [
    "gguf",
    `token_embd.weight 40 16
     blk.0.attn_q.weight 16 16
     blk.0.attn_v.weight 8 16
     blk.0.attn_output.weight 16 16
     blk.0.ffn_gate_exps.weight 2 24 16
     blk.0.ffn_down_exps.weight 2 16 24
     blk.0.ffn_up_shexp.weight 20 16
     blk.0.ffn_gate_inp.weight 2 16
     blk.0.attn_norm.weight 16
     blk.0.ffn_norm.weight 16
     output_norm.weight 16
     output.weight 40 16`,
    `language -1 embed 40x16 @0,16
     language -1 head 40x16 @0,16 < output_norm.weight
     language 0 o 16x16 @0,16
     language 0 q 16x16 @0,16 < blk.0.attn_norm.weight
     language 0 router 2x16 @0,16 < blk.0.ffn_norm.weight
     language 0 v 8x16 @0,16 < blk.0.attn_norm.weight
     language 0 #0 down 16x24 @0,24
     language 0 #0 gate 24x16 @0,16 < blk.0.ffn_norm.weight
     language 0 #1 down 16x24 @384,408
     language 0 #1 gate 24x16 @384,400 < blk.0.ffn_norm.weight
     language 0 #1000000 up 20x16 @0,16 < blk.0.ffn_norm.weight`,
  ],
  [
    "qwen",
    `transformer.h.0.attn.c_attn.weight 48 16
     transformer.h.0.attn.c_proj.weight 16 16
     transformer.h.0.mlp.w1.weight 24 16
     transformer.h.0.mlp.w2.weight 24 16
     transformer.h.0.mlp.c_proj.weight 16 24
     transformer.h.0.ln_1.weight 16
     transformer.h.0.ln_2.weight 16`,
    `language 0 down 16x24 @0,24
     language 0 gate 24x16 @0,16 < transformer.h.0.ln_2.weight
     language 0 k 16x16 @256,272 < transformer.h.0.ln_1.weight
     language 0 o 16x16 @0,16
     language 0 q 16x16 @0,16 < transformer.h.0.ln_1.weight
     language 0 up 24x16 @0,16 < transformer.h.0.ln_2.weight
     language 0 v 16x16 @512,528 < transformer.h.0.ln_1.weight`,
  ],
  [
    "chatglm",
    `transformer.embedding.word_embeddings.weight 40 16
     transformer.encoder.layers.0.self_attention.query_key_value.weight 24 16
     transformer.encoder.layers.0.self_attention.dense.weight 16 16
     transformer.encoder.layers.0.mlp.dense_h_to_4h.weight 48 16
     transformer.encoder.layers.0.mlp.dense_4h_to_h.weight 16 24
     transformer.encoder.layers.0.input_layernorm.weight 16
     transformer.encoder.layers.0.post_attention_layernorm.weight 16
     transformer.encoder.final_layernorm.weight 16
     transformer.output_layer.weight 40 16
     transformer.rotary_pos_emb.inv_freq 4`,
    `language -1 embed 40x16 @0,16
     language -1 head 40x16 @0,16 < transformer.encoder.final_layernorm.weight
     language 0 down 16x24 @0,24
     language 0 gate 24x16 @0,16 < transformer.encoder.layers.0.post_attention_layernorm.weight
     language 0 k 4x16 @256,272 < transformer.encoder.layers.0.input_layernorm.weight
     language 0 o 16x16 @0,16
     language 0 q 16x16 @0,16 < transformer.encoder.layers.0.input_layernorm.weight
     language 0 up 24x16 @384,400 < transformer.encoder.layers.0.post_attention_layernorm.weight
     language 0 v 4x16 @320,336 < transformer.encoder.layers.0.input_layernorm.weight`,
  ],
  [
    "internlm2",
    `model.layers.0.attention.wqkv.weight 32 16
     model.layers.0.attention.wo.weight 16 16
     model.layers.0.attention_norm.weight 16`,
    `language 0 o 16x16 @0,16
     language 0 qkv 32x16 @0,16 < model.layers.0.attention_norm.weight`,
  ],
  [
    "baichuan",
    `model.layers.0.self_attn.W_pack.weight 48 16
     model.layers.0.self_attn.o_proj.weight 16 16
     model.layers.0.input_layernorm.weight 16`,
    `language 0 k 16x16 @256,272 < model.layers.0.input_layernorm.weight
     language 0 o 16x16 @0,16
     language 0 q 16x16 @0,16 < model.layers.0.input_layernorm.weight
     language 0 v 16x16 @512,528 < model.layers.0.input_layernorm.weight`,
  ],
  [
    "open_clip",
    `visual.conv1.weight 16 3 4 4
     visual.proj 16 12
     visual.ln_post.weight 16
     visual.transformer.resblocks.0.attn.in_proj_weight 48 16
     visual.transformer.resblocks.0.attn.out_proj.weight 16 16
     visual.transformer.resblocks.0.mlp.c_fc.weight 64 16
     visual.transformer.resblocks.0.mlp.c_proj.weight 16 64
     visual.transformer.resblocks.0.ln_1.weight 16
     visual.transformer.resblocks.0.ln_2.weight 16
     transformer.resblocks.0.mlp.c_fc.weight 64 16
     transformer.resblocks.0.ln_2.weight 16
     text_projection 16 12
     token_embedding.weight 40 16`,
    `text -1 embed 40x16 @0,16
     text -1 other 12x16 @0,1 /12
     text 0 up 64x16 @0,16 < transformer.resblocks.0.ln_2.weight
     vision -1 other 12x16 @0,1 /12 < visual.ln_post.weight
     vision -1 patch 16x48 @0,48
     vision 0 down 16x64 @0,64
     vision 0 k 16x16 @256,272 < visual.transformer.resblocks.0.ln_1.weight
     vision 0 o 16x16 @0,16
     vision 0 q 16x16 @0,16 < visual.transformer.resblocks.0.ln_1.weight
     vision 0 up 64x16 @0,16 < visual.transformer.resblocks.0.ln_2.weight
     vision 0 v 16x16 @512,528 < visual.transformer.resblocks.0.ln_1.weight`,
  ],
  [
    "timm",
    `patch_embed.proj.weight 16 3 4 4
     cls_token 1 1 16
     pos_embed 1 5 16
     blocks.0.attn.qkv.weight 48 16
     blocks.0.attn.proj.weight 16 16
     blocks.0.norm1.weight 16
     head.weight 10 16`,
    `vision -1 other 10x16 @0,16
     vision -1 patch 16x48 @0,48
     vision -1 position 5x16 @0,16
     vision 0 k 16x16 @256,272 < blocks.0.norm1.weight
     vision 0 o 16x16 @0,16
     vision 0 q 16x16 @0,16 < blocks.0.norm1.weight
     vision 0 v 16x16 @512,528 < blocks.0.norm1.weight`,
  ],
  [
    "deepseek",
    `model.layers.0.self_attn.q_a_proj.weight 6 16
     model.layers.0.self_attn.q_a_layernorm.weight 6
     model.layers.0.self_attn.q_b_proj.weight 32 6
     model.layers.0.self_attn.kv_a_proj_with_mqa.weight 10 16
     model.layers.0.mlp.shared_experts.up_proj.weight 8 16
     model.layers.0.mlp.gate.weight 4 16
     model.layers.0.mlp.gate.e_score_correction_bias 4
     model.layers.0.input_layernorm.weight 16
     model.layers.0.post_attention_layernorm.weight 16`,
    `language 0 other 10x16 @0,16 < model.layers.0.input_layernorm.weight
     language 0 other 6x16 @0,16 < model.layers.0.input_layernorm.weight
     language 0 other 32x6 @0,6 < model.layers.0.self_attn.q_a_layernorm.weight
     language 0 router 4x16 @0,16 < model.layers.0.post_attention_layernorm.weight
     language 0 #1000000 up 8x16 @0,16 < model.layers.0.post_attention_layernorm.weight`,
  ],
];

describe.each(CASES)("%s", (family, tensors, matrices) => {
  test("roles, views and gains", () => {
    const anatomy = describeAnatomy(tableOf(tensors), null);
    expect(anatomy.matrices.map(lineOf)).toEqual(matrices.split("\n").map((line) => line.trim()));
    expect(anatomy.family).toBe(family);
    expect(anatomy.confidence).toBe(1);
  });

  test("prefixes and wrappers change nothing but tensor names", () => {
    const plain = describeAnatomy(tableOf(tensors), null);
    for (const wrap of [
      (name: string) => `base_model.model.${name}`,
      (name: string) => `module.${name}`,
      (name: string) => `language_model.${name}`,
      (name: string) => `_orig_mod.${name}`,
      (name: string) => name.replace(/\.weight$/, ".base_layer.weight"),
    ]) {
      const wrapped = describeAnatomy(tableOf(tensors.replace(/^\s*(\S+)/gm, (_, name) => wrap(name))), null);
      expect(wrapped.matrices.map((m) => lineOf({ ...m, gain: null })).sort()).toEqual(
        plain.matrices.map((m) => lineOf({ ...m, gain: null })).sort(),
      );
      expect(wrapped.matrices.filter(({ gain }) => gain !== null).length).toBe(
        plain.matrices.filter(({ gain }) => gain !== null).length,
      );
    }
  });
});

const falcon = (width: number, rows: number): TensorTable =>
  tableOf(`transformer.h.0.self_attention.query_key_value.weight ${rows} ${width}
           transformer.h.0.self_attention.dense.weight ${width} ${width}
           transformer.h.0.mlp.dense_h_to_4h.weight ${4 * width} ${width}
           transformer.h.0.mlp.dense_4h_to_h.weight ${width} ${4 * width}
           transformer.h.0.input_layernorm.weight ${width}`);

test("Falcon-7B's single key head is split off, Falcon2-11B's groups are not", () => {
  const roles = (table: TensorTable) =>
    describeAnatomy(table, null).matrices.map(({ role, rows }) => `${role} ${rows}`);
  expect(roles(falcon(4544, 4672))).toEqual(["down 4544", "k 64", "o 4544", "q 4544", "up 18176", "v 64"]);
  expect(roles(falcon(4096, 6144))).toEqual(["down 4096", "o 4096", "qkv 6144", "up 16384"]);
});

test("a plain linear named c_fc is not taken for GPT-2's transposed one", () => {
  const table = tableOf(`model.layers.0.self_attn.q_proj.weight 16 16
                         model.layers.0.mlp.c_fc.weight 64 16
                         model.layers.0.mlp.c_proj.weight 16 64
                         model.layers.0.input_layernorm.weight 16`);
  const found = describeAnatomy(table, null).matrices.map(lineOf);
  expect(found[0]).toBe("language 0 down 16x64 @0,64");
  expect(found[2]).toBe("language 0 up 64x16 @0,16 < model.layers.0.input_layernorm.weight");
});

test("stacked experts are told from their shapes to be [E, in, out] or [E, out, in]", () => {
  const stacked = (gateUp: string, down: string) =>
    describeAnatomy(
      tableOf(`model.layers.0.mlp.experts.gate_up_proj ${gateUp}
               model.layers.0.mlp.experts.down_proj ${down}
               model.layers.0.post_attention_layernorm.weight 16`),
      null,
    ).matrices.map((matrix) => lineOf({ ...matrix, gain: null }));
  expect(stacked("2 20 16", "2 16 10").slice(0, 3)).toEqual([
    "language 0 #0 down 16x10 @0,10",
    "language 0 #0 gate 10x16 @0,16",
    "language 0 #0 up 10x16 @160,176",
  ]);
  expect(stacked("2 16 20", "2 10 16").slice(3)).toEqual([
    "language 0 #1 down 16x10 @160,161 /16",
    "language 0 #1 gate 10x16 @320,321 /20",
    "language 0 #1 up 10x16 @330,331 /20",
  ]);
});

test("buffers, sidecars, packed and adapter tensors are no matrices", () => {
  const table = tableOf(`transformer.h.0.attn.bias 1 1 8 8
                         gpt_neox.layers.0.attention.masked_bias 1
                         model.layers.0.self_attn.rotary_emb.inv_freq 8
                         model.layers.0.self_attn.q_proj.qweight I32 2 16
                         model.layers.0.self_attn.q_proj.qzeros I32 2 2
                         model.layers.0.self_attn.q_proj.scales F16 2 16
                         model.layers.0.self_attn.q_proj.g_idx I32 16
                         model.layers.0.mlp.up_proj.weight U8 192 1
                         model.layers.0.mlp.up_proj.weight.absmax F32 6 2
                         model.layers.0.mlp.up_proj.weight.quant_state.bitsandbytes__nf4 U8 90
                         model.layers.0.mlp.down_proj.weight_scale_inv F32 2 2
                         model.layers.0.mlp.experts.gate_up_proj_blocks U8 2 8 4 16
                         model.layers.0.mlp.experts.gate_up_proj_scales U8 2 8 4
                         base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight 4 16
                         base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight 16 4`);
  const anatomy = describeAnatomy(table, null);
  expect(anatomy.matrices).toEqual([]);
  expect(anatomy.others.map(({ tensor }) => tensor)).toEqual([...table.keys()].sort());
  expect(anatomy.confidence).toBe(0);
});

test("a config that contradicts the tensors is reported", () => {
  const table = tableOf(`model.embed_tokens.weight 40 16
                         model.layers.0.self_attn.q_proj.weight 16 16`);
  expect(describeAnatomy(table, { hidden_size: 32, vocab_size: 40, num_hidden_layers: 2 }).notes).toEqual([
    "config.json says num_hidden_layers = 2, the tensors say 1",
    "config.json says hidden_size = 32, the tensors say 16",
  ]);
});

test("Gemma 1's gains act as 1 + w; a Llama with as large a vocabulary keeps w", () => {
  const gainsOf = (vocabulary: number, h: number, head: string) =>
    describeAnatomy(
      tableOf(`model.embed_tokens.weight ${vocabulary} 2048
               ${head}
               model.layers.0.self_attn.q_proj.weight 2048 2048
               model.layers.0.mlp.gate_proj.weight ${h} 2048
               model.layers.0.input_layernorm.weight 2048
               model.layers.0.post_attention_layernorm.weight 2048`),
      null,
    ).matrices.flatMap(({ layer, gain }) => (layer < 0 ? [] : [gain?.plusOne]));
  expect(gainsOf(256_000, 16_384, "model.norm.weight 2048")).toEqual([true, true]);
  expect(gainsOf(256_000, 5_632, "model.norm.weight 2048")).toEqual([false, false]);
  expect(gainsOf(256_000, 16_384, "lm_head.weight 256000 2048")).toEqual([false, false]);
  expect(gainsOf(32_000, 16_384, "model.norm.weight 2048")).toEqual([false, false]);
});

const rolesByTensor = (lines: string) =>
  Object.fromEntries(describeAnatomy(tableOf(lines), null).matrices.map(({ tensor, role }) => [tensor, role]));

test("equal shapes do not swap gate and up", () => {
  expect(
    rolesByTensor(`transformer.h.0.mlp.w1.weight 24 16
                   transformer.h.0.mlp.w2.weight 24 16
                   layers.0.feed_forward.w1.weight 24 16
                   layers.0.feed_forward.w3.weight 24 16`),
  ).toEqual({
    "transformer.h.0.mlp.w1.weight": "up",
    "transformer.h.0.mlp.w2.weight": "gate",
    "layers.0.feed_forward.w1.weight": "gate",
    "layers.0.feed_forward.w3.weight": "up",
  });
});

test("a mask named bias is no bias", () => {
  const { others } = describeAnatomy(
    tableOf(`h.0.attn.bias 1 1 8 8
             h.0.attn.c_proj.bias 16`),
    null,
  );
  expect(others.map(({ role }) => role)).toEqual(["other", "bias"]);
});

test("a norm of another length is nobody's gain", () => {
  const table = tableOf(`model.layers.0.self_attn.q_proj.weight 16 16
                         model.layers.0.input_layernorm.weight 15`);
  expect(describeAnatomy(table, null).matrices.map(({ gain }) => gain)).toEqual([null]);
});

test("where a projection stands between the last norm and the head, it is the projection that reads the norm", () => {
  const table = tableOf(`model.decoder.embed_tokens.weight 40 16
                         model.decoder.project_out.weight 16 16
                         model.decoder.final_layer_norm.weight 16
                         lm_head.weight 40 16`);
  expect(describeAnatomy(table, null).matrices.map(lineOf)).toEqual([
    "language -1 embed 40x16 @0,16",
    "language -1 head 40x16 @0,16",
    "language -1 other 16x16 @0,16 < model.decoder.final_layer_norm.weight",
  ]);
});
