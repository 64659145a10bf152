import type { CanonicalTensor, Role } from "./anatomy.ts";
import type { Layer, Parameter } from "./layer.ts";
import type { Reach } from "./reach.ts";

/** [family, a path inside a layer that only it and its later rivals have]: the first hit wins, so special precedes general. */
const SIGNATURES: readonly (readonly [family: string, ...stems: string[]])[] = [
  ["gpt_oss", "self_attn.sinks"],
  ["deepseek", "self_attn.kv_a_proj_with_mqa"],
  ["mixtral", "block_sparse_moe.gate"],
  ["phi3", "self_attn.qkv_proj"],
  ["baichuan", "self_attn.W_pack"],
  ["internlm2", "attention.wqkv"],
  ["modernbert", "attn.Wqkv", "mlp.Wi"],
  ["mpt", "attn.Wqkv"],
  ["gguf", "attn_output"],
  ["llama-meta", "attention.wq"],
  ["t5", "layer.0.SelfAttention.q"],
  ["qwen", "attn.c_attn", "mlp.w2"],
  ["gpt2", "attn.c_attn"],
  ["albert", "albert_layers.0.attention.query"],
  ["bert", "attention.self.query"],
  ["distilbert", "attention.q_lin"],
  ["vit", "attention.attention.query"],
  ["timm", "attn.qkv"],
  ["open_clip", "attn.in_proj", "ln_1"],
  ["clip", "self_attn.q_proj", "layer_norm1"],
  ["opt", "self_attn.q_proj", "fc1"],
  ["phi", "self_attn.q_proj", "self_attn.dense"],
  ["starcoder2", "self_attn.q_proj", "mlp.c_fc"],
  ["glm4", "self_attn.q_proj", "post_self_attn_layernorm"],
  ["gpt_neox", "attention.query_key_value"],
  ["falcon", "self_attention.query_key_value", "ln_attn"],
];

const TRANSFORMER: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "qkv", "embed", "head"]);

/** A label for people; nothing is decided by it. */
export function familyOf(layers: readonly Layer[], parameters: readonly Parameter[], plusOne: boolean): string {
  const stems = new Set<string>();
  const biased = new Set<string>();
  // A multimodal model is called by its language model, whose stack comes with the most parameters.
  for (const { name } of mainStack(layers)) (name.suffix === "bias" ? biased : stems).add(name.stem);
  for (const [family, ...needed] of SIGNATURES) if (needed.every((stem) => stems.has(stem))) return family;
  if (stems.has("self_attention.query_key_value")) {
    if (parameters.some(({ name }) => name.stem.endsWith("word_embeddings_layernorm"))) return "bloom";
    return parameters.some(({ name }) => name.stem.endsWith("embedding.word_embeddings")) ? "chatglm" : "falcon";
  }
  if (!stems.has("self_attn.q_proj")) return "unknown";
  if (stems.has("pre_feedforward_layernorm")) return stems.has("self_attn.q_norm") ? "gemma3" : "gemma2";
  if (plusOne) return "gemma";
  const experts = [...stems].some((stem) => stem.startsWith("mlp.experts."));
  if (!stems.has("input_layernorm")) return stems.has("post_feedforward_layernorm") ? "olmo2" : "unknown";
  if (!stems.has("post_attention_layernorm")) return "cohere";
  if (stems.has("self_attn.q_norm")) return experts ? "qwen3_moe" : "qwen3";
  if (biased.has("self_attn.q_proj")) return experts ? "qwen2_moe" : "qwen2";
  return stems.has("mlp.gate_proj") ? "llama" : "unknown";
}

/** What else a network is that no transformer's names describe, null when shapes do not say. */
export function plainFamily(matrices: readonly CanonicalTensor[], reaches: ReadonlyMap<string, Reach>): string | null {
  let [kernels, cells, attention, linears] = [0, 0, 0, 0];
  for (const { role, tensor, candidates, twin } of matrices) {
    if (twin === true) continue;
    if (role === "conv") kernels += 1;
    else if (reaches.has(tensor)) cells += 1;
    else if (TRANSFORMER.has(role) || candidates !== undefined) attention += 1;
    else linears += 1;
  }
  if (attention > 0) return null;
  if (cells > 0 && cells >= kernels) return "recurrent";
  if (kernels > 0) return kernels >= linears ? "convolutional" : null;
  return linears > 1 ? "mlp" : null;
}

function mainStack(layers: readonly Layer[]): readonly Parameter[] {
  const stacks = new Map<string, Parameter[]>();
  for (const { stack, parameters } of layers) {
    const known = stacks.get(stack);
    if (known === undefined) stacks.set(stack, [...parameters]);
    else for (const parameter of parameters) known.push(parameter);
  }
  let main: readonly Parameter[] = [];
  for (const parameters of stacks.values()) if (parameters.length > main.length) main = parameters;
  return main;
}
