import type { NameTable } from "./name-table.ts";

/** Llama's names, which most decoders have. */
const LLAMA: NameTable = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
  "blk.#.attn_norm": "model.layers.#.input_layernorm",
  "blk.#.attn_q": "model.layers.#.self_attn.q_proj",
  "blk.#.attn_k": "model.layers.#.self_attn.k_proj",
  "blk.#.attn_v": "model.layers.#.self_attn.v_proj",
  "blk.#.attn_output": "model.layers.#.self_attn.o_proj",
  "blk.#.attn_q_norm": "model.layers.#.self_attn.q_norm",
  "blk.#.attn_k_norm": "model.layers.#.self_attn.k_norm",
  "blk.#.ffn_norm": "model.layers.#.post_attention_layernorm",
  "blk.#.ffn_gate": "model.layers.#.mlp.gate_proj",
  "blk.#.ffn_up": "model.layers.#.mlp.up_proj",
  "blk.#.ffn_down": "model.layers.#.mlp.down_proj",
};

/** Experts as Qwen, OLMoE and DeepSeek keep them. */
const EXPERTS: NameTable = {
  "blk.#.ffn_gate_inp": "model.layers.#.mlp.gate",
  "blk.#.ffn_gate_exps": "model.layers.#.mlp.experts.@.gate_proj",
  "blk.#.ffn_up_exps": "model.layers.#.mlp.experts.@.up_proj",
  "blk.#.ffn_down_exps": "model.layers.#.mlp.experts.@.down_proj",
};

const MIXTRAL_EXPERTS: NameTable = {
  "blk.#.ffn_gate_inp": "model.layers.#.block_sparse_moe.gate",
  "blk.#.ffn_gate_exps": "model.layers.#.block_sparse_moe.experts.@.w1",
  "blk.#.ffn_up_exps": "model.layers.#.block_sparse_moe.experts.@.w3",
  "blk.#.ffn_down_exps": "model.layers.#.block_sparse_moe.experts.@.w2",
  // As files from before 2024 keep them, a tensor for each.
  "blk.#.ffn_gate.@": "model.layers.#.block_sparse_moe.experts.@.w1",
  "blk.#.ffn_up.@": "model.layers.#.block_sparse_moe.experts.@.w3",
  "blk.#.ffn_down.@": "model.layers.#.block_sparse_moe.experts.@.w2",
};

/** Norms before and behind each network. */
const SANDWICH: NameTable = {
  "blk.#.post_attention_norm": "model.layers.#.post_attention_layernorm",
  "blk.#.ffn_norm": "model.layers.#.pre_feedforward_layernorm",
  "blk.#.post_ffw_norm": "model.layers.#.post_feedforward_layernorm",
};

function without(names: NameTable, left: string): NameTable {
  return Object.fromEntries(Object.entries(names).filter(([name]) => name !== left));
}

export const DECODER_NAMES = {
  llama: { ...LLAMA, ...MIXTRAL_EXPERTS },
  qwen: LLAMA,
  qwenMoe: {
    ...LLAMA,
    ...EXPERTS,
    "blk.#.ffn_gate_shexp": "model.layers.#.mlp.shared_expert.gate_proj",
    "blk.#.ffn_up_shexp": "model.layers.#.mlp.shared_expert.up_proj",
    "blk.#.ffn_down_shexp": "model.layers.#.mlp.shared_expert.down_proj",
    "blk.#.ffn_gate_inp_shexp": "model.layers.#.mlp.shared_expert_gate",
  },
  gemma2: { ...LLAMA, ...SANDWICH },
  olmo2: {
    ...without(LLAMA, "blk.#.ffn_norm"),
    "blk.#.post_attention_norm": "model.layers.#.post_attention_layernorm",
    "blk.#.post_ffw_norm": "model.layers.#.post_feedforward_layernorm",
  },
  olmoe: { ...LLAMA, ...EXPERTS },
  phi2: {
    ...LLAMA,
    output_norm: "model.final_layernorm",
    "blk.#.attn_qkv": "model.layers.#.self_attn.qkv_proj",
    "blk.#.attn_output": "model.layers.#.self_attn.dense",
    "blk.#.ffn_up": "model.layers.#.mlp.fc1",
    "blk.#.ffn_down": "model.layers.#.mlp.fc2",
  },
  phi3: {
    ...LLAMA,
    "blk.#.attn_qkv": "model.layers.#.self_attn.qkv_proj",
    "blk.#.ffn_up": "model.layers.#.mlp.gate_up_proj",
  },
  glm4: {
    ...LLAMA,
    "blk.#.post_attention_norm": "model.layers.#.post_self_attn_layernorm",
    "blk.#.post_ffw_norm": "model.layers.#.post_mlp_layernorm",
    "blk.#.ffn_up": "model.layers.#.mlp.gate_up_proj",
  },
  stablelm: {
    ...LLAMA,
    "blk.#.attn_q_norm": "model.layers.#.self_attn.q_layernorm",
    "blk.#.attn_k_norm": "model.layers.#.self_attn.k_layernorm",
  },
  starcoder2: {
    ...LLAMA,
    "blk.#.ffn_up": "model.layers.#.mlp.c_fc",
    "blk.#.ffn_down": "model.layers.#.mlp.c_proj",
  },
  graniteMoe: {
    ...LLAMA,
    ...MIXTRAL_EXPERTS,
    "blk.#.ffn_gate_inp": "model.layers.#.block_sparse_moe.router.layer",
    "blk.#.ffn_gate_shexp": "model.layers.#.shared_mlp.gate_proj",
    "blk.#.ffn_up_shexp": "model.layers.#.shared_mlp.up_proj",
    "blk.#.ffn_down_shexp": "model.layers.#.shared_mlp.output_linear",
  },
  gptOss: {
    ...without(LLAMA, "blk.#.ffn_norm"),
    ...EXPERTS,
    "blk.#.post_attention_norm": "model.layers.#.post_attention_layernorm",
    "blk.#.ffn_gate_inp": "model.layers.#.mlp.router",
    "blk.#.attn_sinks": "model.layers.#.self_attn.sinks!",
  },
  deepseek: {
    ...LLAMA,
    ...EXPERTS,
    "blk.#.attn_q_a": "model.layers.#.self_attn.q_a_proj",
    "blk.#.attn_q_a_norm": "model.layers.#.self_attn.q_a_layernorm",
    "blk.#.attn_q_b": "model.layers.#.self_attn.q_b_proj",
    "blk.#.attn_kv_a_mqa": "model.layers.#.self_attn.kv_a_proj_with_mqa",
    "blk.#.attn_kv_a_norm": "model.layers.#.self_attn.kv_a_layernorm",
    "blk.#.attn_kv_b": "model.layers.#.self_attn.kv_b_proj",
    "blk.#.exp_probs_b": "model.layers.#.mlp.gate.e_score_correction_bias!",
    "blk.#.ffn_gate_shexp": "model.layers.#.mlp.shared_experts.gate_proj",
    "blk.#.ffn_up_shexp": "model.layers.#.mlp.shared_experts.up_proj",
    "blk.#.ffn_down_shexp": "model.layers.#.mlp.shared_experts.down_proj",
  },
  internlm2: {
    token_embd: "model.tok_embeddings",
    output_norm: "model.norm",
    output: "output",
    "blk.#.attn_norm": "model.layers.#.attention_norm",
    "blk.#.attn_output": "model.layers.#.attention.wo",
    "blk.#.ffn_norm": "model.layers.#.ffn_norm",
    "blk.#.ffn_gate": "model.layers.#.feed_forward.w1",
    "blk.#.ffn_up": "model.layers.#.feed_forward.w3",
    "blk.#.ffn_down": "model.layers.#.feed_forward.w2",
  },
} as const satisfies Readonly<Record<string, NameTable>>;
