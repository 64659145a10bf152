import type { Gain, Role } from "./anatomy.ts";
import type { Layer } from "./layer.ts";
import { normSlotFromWords } from "./words.ts";

/** What a component says about its norms beyond what a layer shows. */
export interface NormFacts {
  /** The norm after the last layer, null when there is none. */
  readonly finalNorm: string | null;
  /** Gains are stored as w and act as 1 + w. */
  readonly plusOne: boolean;
}

const BEFORE_ATTENTION = [
  "input_layernorm",
  "ln_1",
  "ln_attn",
  "self_attn_layer_norm",
  "attention_norm",
  "attn_norm",
  "norm1",
  "norm_1",
  "layer_norm1",
  "layernorm_before",
  "pre_self_attn_layernorm",
];

const BEFORE_FEED_FORWARD = [
  "ln_2",
  "ln_mlp",
  "ffn_norm",
  "mlp_norm",
  "norm2",
  "norm_2",
  "layer_norm2",
  "layernorm_after",
  "final_layer_norm",
  "post_attention_layernorm",
];

/** Linears that read a norm of their own: DeepSeek's low-rank factors, BitNet's sub-norms. */
const OWN_NORM = new Map([
  ["self_attn.q_b_proj", "self_attn.q_a_layernorm"],
  ["self_attn.kv_b_proj", "self_attn.kv_a_layernorm"],
  ["self_attn.o_proj", "self_attn.attn_sub_norm"],
  ["mlp.down_proj", "mlp.ffn_sub_norm"],
]);

/** Norms known to stand behind a sublayer: where they are, nothing is guessed about the others. */
const AFTER =
  /(?:^|\.)(?:attention\.output\.LayerNorm|output\.LayerNorm|attention\.LayerNorm|full_layer_layer_norm|output_layer_norm|post_attention_layernorm|post_feedforward_layernorm|post_attention_norm|post_ffw_norm)$/;

const SUBLAYER = /^layer\.[0-9]+\./;

/** Norms with unknown names, by the sublayer that their words name; a sublayer with several gets none. */
function guessedNorms({ weights }: Layer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const { name, shape, tensor } of weights.values()) {
    if (shape.length !== 1 || /(?:^|[._])[qk]_norm$/.test(name.stem)) continue;
    const slot = normSlotFromWords(name.stem);
    if (slot === undefined) continue;
    if (found.has(slot)) twice.add(slot);
    found.set(slot, tensor);
  }
  for (const slot of twice) found.delete(slot);
  return found;
}

/** Gains as functions of the place: which stored vector scales the columns of which matrix of this layer. */
export interface LayerNorms {
  readonly gainOf: (role: Role, stem: string) => Gain | null;
}

export function layerNorms(layer: Layer, facts: NormFacts): LayerNorms {
  const { weights } = layer;
  const named = (stem: string | undefined): string | null => {
    const norm = stem === undefined ? undefined : weights.get(stem);
    return norm?.shape.length === 1 ? norm.tensor : null;
  };
  const first = (stems: readonly string[]): string | null => named(stems.find((stem) => named(stem) !== null));
  const toGain = (tensor: string | null): Gain | null => (tensor === null ? null : { tensor, plusOne: facts.plusOne });

  // OPT-350m and BART keep the pre-norm names for norms that stand after the sublayer; such stacks end without a norm.
  const postNorm =
    (weights.has("self_attn_layer_norm") && facts.finalNorm === null) ||
    weights.has("linear1") ||
    weights.has("sa_layer_norm");
  const guess = postNorm || [...weights.keys()].some((stem) => AFTER.test(stem)) ? null : guessedNorms(layer);
  const attention = postNorm ? null : (first(BEFORE_ATTENTION) ?? guess?.get("attention") ?? null);
  const feedForward = postNorm ? null : feedForwardNorm();
  const cross = postNorm ? null : named("encoder_attn_layer_norm");

  function feedForwardNorm(): string | null {
    // With norms on both sides `post_attention_layernorm` scales the attention's output, not the network's input.
    if (weights.has("pre_feedforward_layernorm") || weights.has("post_feedforward_layernorm")) {
      return named("pre_feedforward_layernorm");
    }
    // One norm for two sublayers: they read it in parallel (Falcon-7B, GPT-J, Phi-2).
    return first(BEFORE_FEED_FORWARD) ?? guess?.get("feed-forward") ?? attention;
  }

  return {
    gainOf: (role, stem) => {
      const own = OWN_NORM.get(stem);
      if (own !== undefined) return toGain(named(own));
      switch (role) {
        case "q":
        case "k":
        case "v":
        case "qkv":
          return toGain(sublayerNorm(stem) ?? attention);
        case "gate":
        case "up":
        case "router":
          return toGain(sublayerNorm(stem) ?? feedForward);
        case "cross_q":
          return toGain(sublayerNorm(stem) ?? cross);
        case "other":
          return toGain(
            stem === "self_attn.q_a_proj" || stem === "self_attn.kv_a_proj_with_mqa"
              ? attention
              : stem === "mlp.shared_expert_gate"
                ? feedForward
                : null,
          );
        default:
          return null;
      }
    },
  };

  /** T5 keeps each sublayer's norm beside it. */
  function sublayerNorm(stem: string): string | null {
    const match = SUBLAYER.exec(stem);
    return match === null ? null : named(`${match[0]}layer_norm`);
  }
}
