import type { Role } from "./anatomy.ts";

/**
 * How a stored tensor becomes matrices: a role as it stands, or one of the fused layouts that `fused.ts` takes apart.
 * - "contiguous": q rows, then k, then v; the output projection tells how many are q
 * - "per-head": rows interleaved head by head; the head count is not in the shapes
 * - "query_key_value": contiguous (multi-query) or per-head, told by siblings
 * - "up or gate_up": twice as many rows as `down` has columns means gate, then up
 */
export type Use = Role | "contiguous" | "per-head" | "query_key_value" | "up or gate_up" | "gate or router";

const TABLE = new Map<string, Use>();

function add(parents: string, leaves: Readonly<Record<string, Use>>): void {
  for (const parent of parents.split(" ")) {
    for (const [leaf, use] of Object.entries(leaves)) TABLE.set(parent === "-" ? leaf : `${parent}.${leaf}`, use);
  }
}

const SEPARATE = { q_proj: "q", k_proj: "k", v_proj: "v", o_proj: "o", out_proj: "o", dense: "o" } as const;

// Llama, Mistral, Yi, Qwen2, Qwen3, Gemma, OPT, CLIP, Phi, GPT-J; GPT-Neo nests one level deeper.
add("self_attn attn attn.attention", SEPARATE);
add("self_attn", { qkv_proj: "contiguous", W_pack: "contiguous", in_proj: "contiguous" });
// DeepSeek's latent attention: low-rank factors, understood but no q, k or v of their own.
add("self_attn", { q_a_proj: "other", q_b_proj: "other", kv_a_proj_with_mqa: "other", kv_b_proj: "other" });
add("encoder_attn", { q_proj: "cross_q", k_proj: "cross_k", v_proj: "cross_v", out_proj: "cross_o" });
// MPT, ModernBERT, timm and OpenCLIP vision, GPT-2 and Qwen1, CodeGen.
add("attn", { Wqkv: "contiguous", qkv: "contiguous", in_proj: "contiguous", c_attn: "contiguous" });
add("attn", { qkv_proj: "per-head", c_proj: "o", proj: "o", Wo: "o" });
// GPT-NeoX and ChatGLM1; BLOOM, Falcon and ChatGLM2.
add("attention self_attention", { query_key_value: "query_key_value", dense: "o" });
// Meta's own Llama names, InternLM2.
add("attention", { wq: "q", wk: "k", wv: "v", wo: "o", wqkv: "per-head" });
// BERT, RoBERTa, ViT, ALBERT, DistilBERT.
const BERT = { query: "q", key: "k", value: "v" } as const;
add("attention.self attention.attention attention albert_layers.*.attention", BERT);
add("attention.output", { dense: "o" });
add("crossattention.self", { query: "cross_q", key: "cross_k", value: "cross_v" });
add("crossattention.output", { dense: "cross_o" });
add("intermediate", { dense: "up" });
add("output", { dense: "down" });
add("albert_layers.*", { "attention.dense": "o", ffn: "up", ffn_output: "down" });
add("attention", { q_lin: "q", k_lin: "k", v_lin: "v", out_lin: "o" });
add("ffn", { lin1: "up", lin2: "down" });
// T5.
add("layer.*.SelfAttention", { q: "q", k: "k", v: "v", o: "o", relative_attention_bias: "position" });
add("layer.*.EncDecAttention", { q: "cross_q", k: "cross_k", v: "cross_v", o: "cross_o" });
add("layer.*.DenseReluDense", { wi: "up", wi_0: "gate", wi_1: "up", wo: "down" });
// Feed-forward networks.
const GATED = { gate_proj: "gate", up_proj: "up", down_proj: "down", gate_up_proj: "up or gate_up" } as const;
const GATED_W = { w1: "gate", w3: "up", w2: "down" } as const;
add("mlp ffn feed_forward", GATED);
add("mlp.experts.* mlp.shared_expert mlp.shared_experts mlp.experts", GATED);
add("feed_forward.experts feed_forward.shared_expert block_sparse_moe.experts", GATED);
add("feed_forward block_sparse_moe.experts.* feed_forward.experts.*", GATED_W);
add("mlp", { gate: "gate or router", router: "router", shared_expert_gate: "other" });
add("block_sparse_moe feed_forward", { gate: "router", router: "router" });
add("mlp", { dense_h_to_4h: "up or gate_up", dense_4h_to_h: "down", Wi: "up or gate_up", Wo: "down" });
add("mlp", { fc1: "up", fc2: "down", fc_in: "up", fc_out: "down", c_fc: "up", c_proj: "down" });
add("-", { fc1: "up", fc2: "down", linear1: "up", linear2: "down" });
// Qwen1 multiplies by w1 what it passes through the activation of w2.
add("mlp", { w1: "up", w2: "gate" });
// GGUF.
add("-", { attn_q: "q", attn_k: "k", attn_v: "v", attn_output: "o", attn_qkv: "contiguous" });
add("-", { ffn_gate: "gate", ffn_up: "up or gate_up", ffn_down: "down", ffn_gate_inp: "router" });
add("-", { ffn_gate_exps: "gate", ffn_up_exps: "up", ffn_down_exps: "down" });
add("-", { ffn_gate_shexp: "gate", ffn_up_shexp: "up", ffn_down_shexp: "down" });

/** The use of a tensor inside a layer, by its path there with numbers starred; undefined when the tables do not know it. */
export function layerUse(pattern: string): Use | undefined {
  return TABLE.get(pattern);
}

const FLATTENED = new Map([...TABLE].map(([pattern, use]) => [pattern.replaceAll(".", "_"), use]));

/** The same by a path whose segments were joined by underscores. */
export function flattenedUse(path: string): Use | undefined {
  return FLATTENED.get(path);
}
