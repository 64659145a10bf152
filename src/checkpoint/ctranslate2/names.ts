import type { Ct2Model } from "../../formats/ctranslate2/read-ctranslate2.ts";

/** Rows of a variable, under the name that they have in the model that was converted. */
export interface NamedRows {
  readonly name: string;
  /** Parts [from, to) of the rows, null for all. */
  readonly rows: readonly [from: number, to: number] | null;
}

type Rule = readonly [variable: RegExp, name: string];

/** Behind "layer_N/" of encoders and decoders, for the models of fairseq's family: Marian, BART, M2M-100, NLLB, Whisper. */
const SEQUENCE: readonly Rule[] = [
  [/^self_attention\/layer_norm\/(gamma|beta)$/, "self_attn_layer_norm.$1"],
  [/^self_attention\/linear_1\/(weight|bias)$/, "self_attn.out_proj.$1"],
  [/^attention\/layer_norm\/(gamma|beta)$/, "encoder_attn_layer_norm.$1"],
  [/^attention\/linear_0\/(weight|bias)$/, "encoder_attn.q_proj.$1"],
  [/^attention\/linear_2\/(weight|bias)$/, "encoder_attn.out_proj.$1"],
  [/^ffn\/layer_norm\/(gamma|beta)$/, "final_layer_norm.$1"],
  [/^ffn\/linear_0\/(weight|bias)$/, "fc1.$1"],
  [/^ffn\/linear_1\/(weight|bias)$/, "fc2.$1"],
];

/** Before the layers. */
const SEQUENCE_STACK: readonly Rule[] = [
  [/^(encoder|decoder)\/layer_norm\/(gamma|beta)$/, "model.$1.layer_norm.$2"],
  [/^(encoder|decoder)\/layernorm_embedding\/(gamma|beta)$/, "model.$1.layernorm_embedding.$2"],
  [/^(encoder|decoder)\/position_encodings\/encodings$/, "model.$1.embed_positions.weight"],
  [/^(encoder)\/(conv[12])\/(weight|bias)$/, "model.$1.$2.$3"],
  [/^(encoder)\/embeddings_0\/weight$/, "model.$1.embed_tokens.weight"],
  [/^(decoder)\/embeddings\/weight$/, "model.$1.embed_tokens.weight"],
];

/** Behind "layer_N/" of models like Llama: root mean squares, a gate, nothing behind the blocks. */
const DECODER: readonly Rule[] = [
  [/^self_attention\/layer_norm\/(gamma)$/, "input_layernorm.$1"],
  [/^self_attention\/linear_1\/(weight|bias)$/, "self_attn.o_proj.$1"],
  [/^self_attention\/([qk]_norm)\/(gamma)$/, "self_attn.$1.$2"],
  [/^ffn\/layer_norm\/(gamma)$/, "post_attention_layernorm.$1"],
  [/^ffn\/linear_0\/(weight|bias)$/, "mlp.gate_proj.$1"],
  [/^ffn\/linear_0_noact\/(weight|bias)$/, "mlp.up_proj.$1"],
  [/^ffn\/linear_1\/(weight|bias)$/, "mlp.down_proj.$1"],
];

const DECODER_STACK: readonly Rule[] = [
  [/^decoder\/embeddings\/(weight)$/, "model.embed_tokens.$1"],
  [/^decoder\/layer_norm\/(gamma)$/, "model.norm.$1"],
  [/^decoder\/projection\/(weight|bias)$/, "lm_head.$1"],
];

/**
 * How the variables of a model are called in what it was converted from, by its shapes and by what kind of model it
 * says to be; null
 * where that is not known, and the names stay those of the file.
 */
export function namesOf(model: Ct2Model): ((variable: string) => NamedRows[] | null) | null {
  if (model.spec === "WhisperSpec") return sequenceNames(model, "proj_out");
  if (model.spec === "TransformerSpec") return sequenceNames(model, "lm_head");
  return model.spec === "TransformerDecoderSpec" && isLikeLlama(model) ? decoderNames(model) : null;
}

/** Others that have no encoder norm their layers elsewhere, add to their norms, or turn other pairs of columns by position. */
function isLikeLlama({ variables, aliases }: Ct2Model): boolean {
  const names = [...variables.keys(), ...aliases.keys()];
  const own = names
    .filter((name) => /^decoder\/layer_\d+\//.test(name))
    .map((name) => name.split("/").slice(2).join("/"));
  const isKnown = (name: string) =>
    DECODER.some(([rule]) => rule.test(name)) ||
    /^self_attention\/(?:linear_0\/(?:weight|bias)|rotary_\w+|num_heads_kv|head_dim|sliding_window|\w+_position_embeddings|queries_scale)$/.test(
      name,
    ) ||
    /_scale$|^self_attention\/\w+\/layer_norm_use_residual$/.test(name);
  return own.includes("ffn/linear_0_noact/weight") && own.every(isKnown);
}

function sequenceNames({ variables, aliases }: Ct2Model, head: string): (variable: string) => NamedRows[] | null {
  const stored = (name: string) => aliases.get(name) ?? name;
  // Where both sides share a table it is the model's own.
  const isShared = stored("encoder/embeddings_0/weight") === stored("decoder/embeddings/weight");
  return (variable) => {
    if (isShared && variable === stored("decoder/embeddings/weight")) return [whole("model.shared.weight")];
    const projection = /^decoder\/projection\/(weight|bias)$/.exec(variable)?.[1];
    if (projection === "bias") return [whole("final_logits_bias")];
    if (projection === "weight") return [whole(`${head}.weight`)];
    const [, side, layer, rest] = /^(encoder|decoder)\/layer_(\d+)\/(.+)$/.exec(variable) ?? [];
    if (rest === undefined) return ruled(SEQUENCE_STACK, variable, "");
    const before = `model.${side}.layers.${Number(layer)}.`;
    const rows = variables.get(variable)?.shape[0] ?? 0;
    const fused = /^(self_attention\/linear_0|attention\/linear_1)\/(weight|bias)$/.exec(rest);
    if (fused === null) return ruled(SEQUENCE, rest, before);
    const kinds =
      fused[1] === "attention/linear_1"
        ? ["encoder_attn.k", "encoder_attn.v"]
        : ["self_attn.q", "self_attn.k", "self_attn.v"];
    const size = rows / kinds.length;
    if (!Number.isInteger(size)) return null;
    return kinds.map((kind, i) => ({ name: `${before}${kind}_proj.${fused[2]}`, rows: [i * size, (i + 1) * size] }));
  };
}

function decoderNames({ variables }: Ct2Model): (variable: string) => NamedRows[] | null {
  return (variable) => {
    const [, layer, rest] = /^decoder\/layer_(\d+)\/(.+)$/.exec(variable) ?? [];
    if (rest === undefined) return ruled(DECODER_STACK, variable, "");
    const before = `model.layers.${Number(layer)}.`;
    const [, kind] = /^self_attention\/linear_0\/(weight|bias)$/.exec(rest) ?? [];
    if (kind === undefined) return ruled(DECODER, rest, before);
    const rows = variables.get(variable)?.shape[0] ?? 0;
    // What goes out of attention comes from the queries' heads; the rest is shared by keys and values.
    const q = variables.get(`decoder/layer_${layer}/self_attention/linear_1/weight`)?.shape[1] ?? rows / 3;
    const k = (rows - q) / 2;
    if (!(Number.isInteger(k) && k > 0)) return null;
    const ends = [0, q, q + k, rows];
    return ["q", "k", "v"].map((one, i) => ({
      name: `${before}self_attn.${one}_proj.${kind}`,
      rows: [ends[i]!, ends[i + 1]!] as const,
    }));
  };
}

function whole(name: string): NamedRows {
  return { name, rows: null };
}

function ruled(rules: readonly Rule[], variable: string, before: string): NamedRows[] | null {
  for (const [pattern, name] of rules) {
    if (!pattern.test(variable)) continue;
    const found = before + variable.replace(pattern, name);
    return [whole(found.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias"))];
  }
  return null;
}
