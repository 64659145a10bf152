import type { Architecture, LayerPlan } from "./architecture.ts";
import type { ConfigReader } from "./config-reader.ts";
import { activationOf, headOf, headSizes, layerCount, linear, type Names, norm, prefixOf } from "./family-parts.ts";
import { rotaryParameters } from "./rotary-parameters.ts";

/** GPT-NeoX and Pythia: fused q, k, v head by head, layer norms, both blocks on one residual. Throws FORWARD_UNSUPPORTED. */
export function gptNeox(config: ConfigReader, names: Names): Architecture {
  const heads = config.integer("num_attention_heads");
  const sizes = headSizes(config, heads, heads, null);
  const { width, headSize } = sizes;
  const hidden = config.integer("intermediate_size", 24_576);
  const prefix = prefixOf(names, ["gpt_neox.", ""], "embed_in.weight");
  const biased = config.flag("attention_bias", true);
  const embedding = `${prefix}embed_in.weight`;
  const rotary = rotaryParameters(config, {
    headSize,
    theta: config.positive("rotary_emb_base", 10_000),
    part: config.positive("rotary_pct", 0.25),
  });
  const layer = (at: string): LayerPlan => ({
    attentionNorm: norm(`${at}.input_layernorm`, width, true),
    attention: { layout: "per-head", qkv: linear(`${at}.attention.query_key_value`, 3 * width, width, biased) },
    output: linear(`${at}.attention.dense`, width, width, biased),
    headNorms: null,
    afterAttention: null,
    feedForwardNorm: norm(`${at}.post_attention_layernorm`, width, true),
    gate: null,
    up: linear(`${at}.mlp.dense_h_to_4h`, hidden, width, true),
    down: linear(`${at}.mlp.dense_4h_to_h`, width, hidden, true),
    afterFeedForward: null,
    rotary,
    window: null,
  });
  return {
    modelType: "gpt_neox",
    ...sizes,
    hidden,
    vocabulary: config.integer("vocab_size"),
    positions: config.integer("max_position_embeddings", 2048),
    norm: { kind: "layer", epsilon: config.positive("layer_norm_eps", 1e-5), plusOne: false },
    embedding,
    embeddingScale: 1,
    positionEmbedding: null,
    attentionScale: 1 / Math.sqrt(headSize),
    attentionSoftcap: null,
    finalSoftcap: null,
    activation: activationOf(config.text("hidden_act", "gelu")),
    parallelResidual: config.flag("use_parallel_residual", true),
    layers: Array.from({ length: layerCount(config, "num_hidden_layers") }, (_, i) => layer(`${prefix}layers.${i}`)),
    finalNorm: norm(`${prefix}final_layer_norm`, width, true),
    head: headOf(names, config.flag("tie_word_embeddings", false), embedding, ["embed_out.weight", "lm_head.weight"]),
  };
}
