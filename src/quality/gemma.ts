import type { Architecture } from "./architecture.ts";
import { type ConfigReader, unsupported } from "./config-reader.ts";
import { layerWindows, type Names, requireFalse } from "./family-parts.ts";
import { type LlamaVariant, llamaShaped } from "./llama.ts";
import { rotaryParameters, scalingOf } from "./rotary-parameters.ts";

/** Gemma 1: norms scale by 1 + weight, embeddings by the root of the width. */
export function gemma(config: ConfigReader, names: Names): Architecture {
  const activation = config.optionalText("hidden_activation") ?? config.text("hidden_act", "gelu_pytorch_tanh");
  // Releases of the reference library disagree on which function this name means here.
  if (activation === "gelu") throw unsupported("Gemma with activation gelu, which libraries read differently");
  const variant = { ...shared(config), keyValueHeads: 16, activation };
  return scaled(llamaShaped("gemma", config, names, variant));
}

/** Gemma 2: four norms a layer, capped scores and logits, every other layer sees a window. */
export function gemma2(config: ConfigReader, names: Names): Architecture {
  const window = config.integer("sliding_window", 4096);
  const variant: LlamaVariant = {
    ...shared(config),
    sandwich: true,
    windows: (layers) => layerWindows(config, layers, window, (layer) => layer % 2 === 0),
  };
  return {
    ...scaled(llamaShaped("gemma2", config, names, variant)),
    attentionScale: 1 / Math.sqrt(config.positive("query_pre_attn_scalar", 256)),
    attentionSoftcap: config.optionalPositive("attn_logit_softcapping", 50),
    finalSoftcap: config.optionalPositive("final_logit_softcapping", 30),
  };
}

/** Gemma 3, text only: norms on q and k, windows in five of six layers with rotary positions of their own. */
export function gemma3(config: ConfigReader, names: Names): Architecture {
  if (config.has("attn_logit_softcapping")) throw unsupported("Gemma 3 with capped attention scores");
  const window = config.integer("sliding_window", 4096);
  const pattern = config.integer("sliding_window_pattern", 6);
  const variant: LlamaVariant = {
    ...shared(config),
    positions: 131_072,
    sandwich: true,
    headNorms: true,
    windows: (layers) => layerWindows(config, layers, window, (layer) => (layer + 1) % pattern !== 0),
    rotary: (headSize, windowed) => localOrGlobal(config, headSize, windowed),
  };
  return {
    ...scaled(llamaShaped("gemma3_text", config, names, variant)),
    attentionScale: 1 / Math.sqrt(config.positive("query_pre_attn_scalar", 256)),
    finalSoftcap: config.optionalPositive("final_logit_softcapping", null),
  };
}

function localOrGlobal(config: ConfigReader, headSize: number, windowed: boolean) {
  const kind = windowed ? "sliding_attention" : "full_attention";
  const own = config.object("rope_parameters")?.object(kind);
  if (own) {
    const theta = own.positive("rope_theta", windowed ? 10_000 : 1_000_000);
    return { dims: headSize, theta, scaling: scalingOf(own) };
  }
  // Before transformers 5 the scaling was that of the global layers only.
  if (windowed) {
    const theta = config.positive("rope_local_base_freq", 10_000);
    return { dims: headSize, theta, scaling: { kind: "none" } as const };
  }
  return rotaryParameters(config, { headSize, theta: 1_000_000, part: 1 });
}

function shared(config: ConfigReader): LlamaVariant {
  requireFalse(config, ["use_bidirectional_attention"]);
  const attention = config.flag("attention_bias", false);
  return {
    keyValueHeads: 4,
    headSize: 256,
    headNorms: false,
    biases: [attention, attention, false],
    windows: (layers) => Array.from({ length: layers }, () => null),
    tied: true,
    activation: config.text("hidden_activation", "gelu_pytorch_tanh"),
    plusOne: true,
    sandwich: false,
    rotary: (headSize) => rotaryParameters(config, { headSize, theta: 10_000, part: 1 }),
    positions: 8192,
  };
}

function scaled(architecture: Architecture): Architecture {
  return { ...architecture, embeddingScale: Math.fround(Math.sqrt(architecture.width)) };
}
