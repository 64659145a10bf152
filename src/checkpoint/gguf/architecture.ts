import { DECODER_NAMES } from "./decoder-names.ts";
import { BERT_NAMES, t5Names } from "./encoder-names.ts";
import { chatglmNames, FUSED_NAMES, falconNames } from "./fused-names.ts";
import type { Architecture, Join } from "./name-table.ts";
import type { Undo } from "./undo.ts";

const ROPE: Readonly<Record<string, Undo>> = { "blk.#.attn_q": "rope q", "blk.#.attn_k": "rope k" };
const PER_HEAD: Readonly<Record<string, Undo>> = { "blk.#.attn_qkv": "per head" };
/** All norms of Gemma. */
const PLUS_ONE: Readonly<Record<string, Undo>> = Object.fromEntries(
  ["output_norm", "attn_norm", "attn_q_norm", "attn_k_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"].map(
    (norm): [string, Undo] => [norm === "output_norm" ? norm : `blk.#.${norm}`, "plus one"],
  ),
);
const QKV = ["blk.#.attn_q", "blk.#.attn_k", "blk.#.attn_v"] as const;
const JOINED_KV: Join = {
  from: ["blk.#.attn_k_b", "blk.#.attn_v_b"],
  to: "model.layers.#.self_attn.kv_b_proj",
  rows: "latent",
};

const { llama, qwen, deepseek } = DECODER_NAMES;
const qwenMoe: Architecture = { names: DECODER_NAMES.qwenMoe, undo: { "blk.#.ffn_gate_inp_shexp": "row" } };
const gemma2: Architecture = { names: DECODER_NAMES.gemma2, undo: PLUS_ONE };

/**
 * Architectures by their names in GGUF (general.architecture), from the classes of llama.cpp's converter, its tensor_mapping.py,
 * and the model classes of transformers.
 */
const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  ["llama", { names: llama, undo: ROPE }],
  ["qwen2", { names: qwen }],
  ["qwen2moe", qwenMoe],
  ["qwen2vl", { names: qwen }],
  ["qwen3", { names: qwen }],
  ["qwen3moe", qwenMoe],
  ["gemma", { names: qwen, undo: PLUS_ONE }],
  ["gemma2", gemma2],
  ["gemma3", { ...gemma2, notes: ["rows of the embedding behind the vocabulary were left out by the converter"] }],
  ["phi2", { names: DECODER_NAMES.phi2 }],
  ["phi3", { names: DECODER_NAMES.phi3 }],
  [
    "gpt2",
    {
      names: FUSED_NAMES.gpt2,
      notes: ["linears lie as [out, in], as the file has them, where Hugging Face has [in, out]"],
    },
  ],
  ["starcoder", { names: FUSED_NAMES.gpt2 }],
  ["gptneox", { names: FUSED_NAMES.gptNeox, undo: PER_HEAD }],
  ["bloom", { names: FUSED_NAMES.bloom, undo: PER_HEAD }],
  ["falcon", { names: falconNames, undo: { "blk.#.attn_qkv": "grouped" } }],
  ["mpt", { names: FUSED_NAMES.mpt }],
  ["baichuan", { names: llama, joins: [{ from: QKV, to: "model.layers.#.self_attn.W_pack", rows: "contiguous" }] }],
  [
    "internlm2",
    { names: DECODER_NAMES.internlm2, joins: [{ from: QKV, to: "model.layers.#.attention.wqkv", rows: "grouped" }] },
  ],
  ["chatglm", { names: chatglmNames }],
  ["glm4", { names: DECODER_NAMES.glm4 }],
  ["bert", { names: BERT_NAMES }],
  ["t5", { names: t5Names }],
  ["t5encoder", { names: t5Names }],
  ["deepseek", { names: deepseek, undo: ROPE }],
  ["deepseek2", { names: deepseek, joins: [JOINED_KV] }],
  ["gpt-oss", { names: DECODER_NAMES.gptOss, notes: ["gate and up of each expert stand apart"] }],
  ["stablelm", { names: DECODER_NAMES.stablelm, notes: ["norms of heads are stacked in one tensor"] }],
  ["starcoder2", { names: DECODER_NAMES.starcoder2 }],
  ["olmo", { names: qwen, undo: ROPE }],
  ["olmo2", { names: DECODER_NAMES.olmo2 }],
  ["olmoe", { names: DECODER_NAMES.olmoe }],
  ["command-r", { names: qwen }],
  ["cohere2", { names: qwen }],
  ["minicpm", { names: llama, undo: ROPE }],
  ["smollm3", { names: qwen, undo: ROPE }],
  ["mistral3", { names: llama, undo: ROPE }],
  ["granite", { names: qwen, undo: ROPE }],
  ["granitemoe", { names: DECODER_NAMES.graniteMoe, undo: ROPE, notes: ["gate and up of each expert stand apart"] }],
]);

/** What is known of an architecture; undefined for one that is not known. */
export function architectureOf(name: string): Architecture | undefined {
  return ARCHITECTURES.get(name);
}
