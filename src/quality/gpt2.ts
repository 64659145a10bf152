import type { Architecture, LayerPlan, Linear } from "./architecture.ts";
import { type ConfigReader, unsupported } from "./config-reader.ts";
import { activationOf, headOf, layerCount, type Names, norm, prefixOf, requireFalse } from "./family-parts.ts";

/** GPT-2: learned positions, layer norms, linears stored [in, out]. Throws FORWARD_UNSUPPORTED. */
export function gpt2(config: ConfigReader, names: Names): Architecture {
  requireFalse(config, ["scale_attn_by_inverse_layer_idx", "add_cross_attention"]);
  const width = config.integer("n_embd", 768);
  const heads = config.integer("n_head", 12);
  if (width % heads !== 0) throw unsupported(`${heads} heads in a width of ${width}`);
  const hidden = config.optionalInteger("n_inner") ?? 4 * width;
  const prefix = prefixOf(names, ["transformer.", ""], "wte.weight");
  const embedding = `${prefix}wte.weight`;
  const layer = (at: string): LayerPlan => ({
    attentionNorm: norm(`${at}.ln_1`, width, true),
    attention: { layout: "thirds", qkv: conv1d(`${at}.attn.c_attn`, 3 * width, width) },
    output: conv1d(`${at}.attn.c_proj`, width, width),
    headNorms: null,
    afterAttention: null,
    feedForwardNorm: norm(`${at}.ln_2`, width, true),
    gate: null,
    up: conv1d(`${at}.mlp.c_fc`, hidden, width),
    down: conv1d(`${at}.mlp.c_proj`, width, hidden),
    afterFeedForward: null,
    rotary: null,
    window: null,
  });
  return {
    modelType: "gpt2",
    width,
    heads,
    keyValueHeads: heads,
    headSize: width / heads,
    hidden,
    vocabulary: config.integer("vocab_size", 50_257),
    positions: config.integer("n_positions", 1024),
    norm: { kind: "layer", epsilon: config.positive("layer_norm_epsilon", 1e-5), plusOne: false },
    embedding,
    embeddingScale: 1,
    positionEmbedding: `${prefix}wpe.weight`,
    attentionScale: config.flag("scale_attn_weights", true) ? 1 / Math.sqrt(width / heads) : 1,
    attentionSoftcap: null,
    finalSoftcap: null,
    activation: activationOf(config.text("activation_function", "gelu_new")),
    parallelResidual: false,
    layers: Array.from({ length: layerCount(config, "n_layer", 12) }, (_, i) => layer(`${prefix}h.${i}`)),
    finalNorm: norm(`${prefix}ln_f`, width, true),
    head: headOf(names, config.flag("tie_word_embeddings", true), embedding, ["lm_head.weight"]),
  };
}

function conv1d(stem: string, rows: number, columns: number): Linear {
  return { weight: `${stem}.weight`, bias: `${stem}.bias`, rows, columns, stored: "in-out" };
}
