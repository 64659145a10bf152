import type { Architecture, LayerPlan, Rotary } from "./architecture.ts";
import type { ConfigReader } from "./config-reader.ts";
import {
  activationOf,
  headOf,
  headSizes,
  layerCount,
  layerWindows,
  linear,
  type Names,
  norm,
  prefixOf,
} from "./family-parts.ts";
import { rotaryParameters } from "./rotary-parameters.ts";

/** What the Llama-shaped families differ in; everything else is theirs in common. */
export interface LlamaVariant {
  readonly keyValueHeads: number | null;
  /** Head size where config.json names none; null: width over heads. */
  readonly headSize: number | null;
  readonly headNorms: boolean;
  /** Shifts of q, k and v; of the attention's output; of the feed-forward. */
  readonly biases: readonly [boolean, boolean, boolean];
  readonly windows: (layers: number) => (number | null)[];
  readonly tied: boolean;
  readonly activation: string;
  readonly plusOne: boolean;
  /** Norms around both blocks, four a layer (Gemma 2, 3). */
  readonly sandwich: boolean;
  readonly rotary: (headSize: number, windowed: boolean) => Rotary;
  readonly positions: number;
}

export function llama(config: ConfigReader, names: Names): Architecture {
  const attention = config.flag("attention_bias", false);
  return llamaShaped("llama", config, names, {
    ...plain(config),
    biases: [attention, attention, config.flag("mlp_bias", false)],
  });
}

export function mistral(config: ConfigReader, names: Names): Architecture {
  const window = config.optionalInteger("sliding_window", 4096);
  return llamaShaped("mistral", config, names, {
    ...plain(config),
    keyValueHeads: 8,
    positions: 131_072,
    windows: (layers) => layerWindows(config, layers, window, () => window !== null),
  });
}

export function qwen2(config: ConfigReader, names: Names): Architecture {
  return llamaShaped("qwen2", config, names, { ...plain(config), ...qwen(config), biases: [true, false, false] });
}

export function qwen3(config: ConfigReader, names: Names): Architecture {
  const attention = config.flag("attention_bias", false);
  const biases = [attention, attention, false] as const;
  return llamaShaped("qwen3", config, names, {
    ...plain(config),
    ...qwen(config),
    headSize: 128,
    headNorms: true,
    biases,
  });
}

function qwen(config: ConfigReader): Pick<LlamaVariant, "windows" | "positions"> {
  const window = config.flag("use_sliding_window", false) ? config.optionalInteger("sliding_window", 4096) : null;
  const first = window === null ? Number.POSITIVE_INFINITY : config.integer("max_window_layers", 28);
  return { positions: 32_768, windows: (layers) => layerWindows(config, layers, window, (layer) => layer >= first) };
}

function plain(config: ConfigReader): LlamaVariant {
  return {
    keyValueHeads: null,
    headSize: null,
    headNorms: false,
    biases: [false, false, false],
    windows: (layers) => Array.from({ length: layers }, () => null),
    tied: false,
    activation: config.text("hidden_act", "silu"),
    plusOne: false,
    sandwich: false,
    rotary: (headSize) => rotaryParameters(config, { headSize, theta: 10_000, part: 1 }),
    positions: 2048,
  };
}

/** The decoder that Llama, Mistral, Qwen and Gemma share. Throws FORWARD_UNSUPPORTED. */
export function llamaShaped(
  modelType: string,
  config: ConfigReader,
  names: Names,
  variant: LlamaVariant,
): Architecture {
  const heads = config.integer("num_attention_heads");
  const keyValueHeads = config.integer("num_key_value_heads", variant.keyValueHeads ?? heads);
  const sizes = headSizes(config, heads, keyValueHeads, config.optionalInteger("head_dim", variant.headSize));
  const hidden = config.integer("intermediate_size");
  const prefix = prefixOf(names, ["model.", ""], "embed_tokens.weight");
  const windows = variant.windows(layerCount(config, "num_hidden_layers"));
  const embedding = `${prefix}embed_tokens.weight`;
  return {
    modelType,
    ...sizes,
    hidden,
    vocabulary: config.integer("vocab_size"),
    positions: config.integer("max_position_embeddings", variant.positions),
    norm: { kind: "rms", epsilon: config.positive("rms_norm_eps", 1e-6), plusOne: variant.plusOne },
    embedding,
    embeddingScale: 1,
    positionEmbedding: null,
    attentionScale: 1 / Math.sqrt(sizes.headSize),
    attentionSoftcap: null,
    finalSoftcap: null,
    activation: activationOf(variant.activation),
    parallelResidual: false,
    layers: windows.map((window, i) => layerPlan(`${prefix}layers.${i}`, { ...sizes, hidden }, window, variant)),
    finalNorm: norm(`${prefix}norm`, sizes.width, false),
    head: headOf(names, config.flag("tie_word_embeddings", variant.tied), embedding, ["lm_head.weight"]),
  };
}

type Sizes = Pick<Architecture, "width" | "heads" | "keyValueHeads" | "headSize" | "hidden">;

function layerPlan(at: string, sizes: Sizes, window: number | null, variant: LlamaVariant): LayerPlan {
  const { width, headSize, hidden } = sizes;
  const [inward, outward, feedForward] = variant.biases;
  const rows = sizes.heads * headSize;
  const narrow = sizes.keyValueHeads * headSize;
  return {
    attentionNorm: norm(`${at}.input_layernorm`, width, false),
    attention: {
      layout: "separate",
      q: linear(`${at}.self_attn.q_proj`, rows, width, inward),
      k: linear(`${at}.self_attn.k_proj`, narrow, width, inward),
      v: linear(`${at}.self_attn.v_proj`, narrow, width, inward),
    },
    output: linear(`${at}.self_attn.o_proj`, width, rows, outward),
    headNorms: variant.headNorms
      ? { q: norm(`${at}.self_attn.q_norm`, headSize, false), k: norm(`${at}.self_attn.k_norm`, headSize, false) }
      : null,
    afterAttention: variant.sandwich ? norm(`${at}.post_attention_layernorm`, width, false) : null,
    feedForwardNorm: norm(
      `${at}.${variant.sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm"}`,
      width,
      false,
    ),
    gate: linear(`${at}.mlp.gate_proj`, hidden, width, feedForward),
    up: linear(`${at}.mlp.up_proj`, hidden, width, feedForward),
    down: linear(`${at}.mlp.down_proj`, width, hidden, feedForward),
    afterFeedForward: variant.sandwich ? norm(`${at}.post_feedforward_layernorm`, width, false) : null,
    rotary: variant.rotary(headSize, window !== null),
    window,
  };
}
