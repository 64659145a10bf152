import { DECODER_NAMES } from "./decoder-names.ts";
import type { Has, NameTable } from "./name-table.ts";

/** Names of architectures that fuse q, k and v. */
export const FUSED_NAMES = {
  gpt2: {
    token_embd: "transformer.wte",
    position_embd: "transformer.wpe",
    output_norm: "transformer.ln_f",
    output: "lm_head",
    "blk.#.attn_norm": "transformer.h.#.ln_1",
    "blk.#.attn_qkv": "transformer.h.#.attn.c_attn",
    "blk.#.attn_output": "transformer.h.#.attn.c_proj",
    "blk.#.ffn_norm": "transformer.h.#.ln_2",
    "blk.#.ffn_up": "transformer.h.#.mlp.c_fc",
    "blk.#.ffn_down": "transformer.h.#.mlp.c_proj",
  },
  gptNeox: {
    token_embd: "gpt_neox.embed_in",
    output_norm: "gpt_neox.final_layer_norm",
    output: "embed_out",
    "blk.#.attn_norm": "gpt_neox.layers.#.input_layernorm",
    "blk.#.attn_qkv": "gpt_neox.layers.#.attention.query_key_value",
    "blk.#.attn_output": "gpt_neox.layers.#.attention.dense",
    "blk.#.ffn_norm": "gpt_neox.layers.#.post_attention_layernorm",
    "blk.#.ffn_up": "gpt_neox.layers.#.mlp.dense_h_to_4h",
    "blk.#.ffn_down": "gpt_neox.layers.#.mlp.dense_4h_to_h",
  },
  bloom: {
    token_embd: "transformer.word_embeddings",
    token_embd_norm: "transformer.word_embeddings_layernorm",
    output_norm: "transformer.ln_f",
    output: "lm_head",
    "blk.#.attn_norm": "transformer.h.#.input_layernorm",
    "blk.#.attn_qkv": "transformer.h.#.self_attention.query_key_value",
    "blk.#.attn_output": "transformer.h.#.self_attention.dense",
    "blk.#.ffn_norm": "transformer.h.#.post_attention_layernorm",
    "blk.#.ffn_up": "transformer.h.#.mlp.dense_h_to_4h",
    "blk.#.ffn_down": "transformer.h.#.mlp.dense_4h_to_h",
  },
  mpt: {
    token_embd: "transformer.wte",
    position_embd: "transformer.wpe",
    output_norm: "transformer.norm_f",
    output: "lm_head",
    "blk.#.attn_norm": "transformer.blocks.#.norm_1",
    "blk.#.attn_qkv": "transformer.blocks.#.attn.Wqkv",
    "blk.#.attn_q_norm": "transformer.blocks.#.attn.q_ln",
    "blk.#.attn_k_norm": "transformer.blocks.#.attn.k_ln",
    "blk.#.attn_output": "transformer.blocks.#.attn.out_proj",
    "blk.#.ffn_norm": "transformer.blocks.#.norm_2",
    "blk.#.ffn_up": "transformer.blocks.#.ffn.up_proj",
    "blk.#.ffn_down": "transformer.blocks.#.ffn.down_proj",
  },
  chatglm: {
    token_embd: "transformer.embedding.word_embeddings",
    output_norm: "transformer.encoder.final_layernorm",
    output: "transformer.output_layer",
    "blk.#.attn_norm": "transformer.encoder.layers.#.input_layernorm",
    "blk.#.attn_qkv": "transformer.encoder.layers.#.self_attention.query_key_value",
    "blk.#.attn_output": "transformer.encoder.layers.#.self_attention.dense",
    "blk.#.ffn_norm": "transformer.encoder.layers.#.post_attention_layernorm",
    "blk.#.ffn_up": "transformer.encoder.layers.#.mlp.dense_h_to_4h",
    "blk.#.ffn_down": "transformer.encoder.layers.#.mlp.dense_4h_to_h",
  },
} as const satisfies Readonly<Record<string, NameTable>>;

/** GLM is stored under the same name as its forerunners. */
export function chatglmNames(has: Has): NameTable {
  return has("blk.#.attn_q") ? DECODER_NAMES.glm4 : FUSED_NAMES.chatglm;
}

/** The larger Falcons have a norm for each network. */
export function falconNames(has: Has): NameTable {
  const { "blk.#.ffn_norm": _, ...names } = FUSED_NAMES.bloom as NameTable;
  if (!has("blk.#.attn_norm_2")) return names;
  return {
    ...names,
    "blk.#.attn_norm": "transformer.h.#.ln_mlp",
    "blk.#.attn_norm_2": "transformer.h.#.ln_attn",
  };
}
