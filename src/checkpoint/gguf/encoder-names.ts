import type { Has, NameTable } from "./name-table.ts";

export const BERT_NAMES: NameTable = {
  token_embd: "embeddings.word_embeddings",
  token_types: "embeddings.token_type_embeddings",
  position_embd: "embeddings.position_embeddings",
  token_embd_norm: "embeddings.LayerNorm",
  "blk.#.attn_q": "encoder.layer.#.attention.self.query",
  "blk.#.attn_k": "encoder.layer.#.attention.self.key",
  "blk.#.attn_v": "encoder.layer.#.attention.self.value",
  "blk.#.attn_output": "encoder.layer.#.attention.output.dense",
  "blk.#.attn_output_norm": "encoder.layer.#.attention.output.LayerNorm",
  "blk.#.ffn_up": "encoder.layer.#.intermediate.dense",
  "blk.#.ffn_down": "encoder.layer.#.output.dense",
  "blk.#.layer_output_norm": "encoder.layer.#.output.LayerNorm",
};

/** Feed-forward networks with a gate are named otherwise. */
export function t5Names(has: Has): NameTable {
  const stack = (from: string, to: string, network: number): NameTable => ({
    [`${from}.output_norm`]: `${to}.final_layer_norm`,
    [`${from}.blk.#.attn_norm`]: `${to}.block.#.layer.0.layer_norm`,
    [`${from}.blk.#.attn_q`]: `${to}.block.#.layer.0.SelfAttention.q`,
    [`${from}.blk.#.attn_k`]: `${to}.block.#.layer.0.SelfAttention.k`,
    [`${from}.blk.#.attn_v`]: `${to}.block.#.layer.0.SelfAttention.v`,
    [`${from}.blk.#.attn_o`]: `${to}.block.#.layer.0.SelfAttention.o`,
    [`${from}.blk.#.attn_rel_b`]: `${to}.block.#.layer.0.SelfAttention.relative_attention_bias`,
    [`${from}.blk.#.ffn_norm`]: `${to}.block.#.layer.${network}.layer_norm`,
    [`${from}.blk.#.ffn_gate`]: `${to}.block.#.layer.${network}.DenseReluDense.wi_0`,
    [`${from}.blk.#.ffn_up`]: `${to}.block.#.layer.${network}.DenseReluDense.${has(`${from}.blk.#.ffn_gate`) ? "wi_1" : "wi"}`,
    [`${from}.blk.#.ffn_down`]: `${to}.block.#.layer.${network}.DenseReluDense.wo`,
  });
  return {
    token_embd: "shared",
    output: "lm_head",
    ...stack("enc", "encoder", 1),
    ...stack("dec", "decoder", 2),
    "dec.blk.#.cross_attn_norm": "decoder.block.#.layer.1.layer_norm",
    "dec.blk.#.cross_attn_q": "decoder.block.#.layer.1.EncDecAttention.q",
    "dec.blk.#.cross_attn_k": "decoder.block.#.layer.1.EncDecAttention.k",
    "dec.blk.#.cross_attn_v": "decoder.block.#.layer.1.EncDecAttention.v",
    "dec.blk.#.cross_attn_o": "decoder.block.#.layer.1.EncDecAttention.o",
    "dec.blk.#.cross_attn_rel_b": "decoder.block.#.layer.1.EncDecAttention.relative_attention_bias",
  };
}
