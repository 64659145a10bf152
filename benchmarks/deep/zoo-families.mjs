/**
 * What the axes of a model's tensors are, family by family, for moves that leave what it computes alone: for each tensor
 * one label per axis ("stream", "neurons N", "experts N" or null), the norm that scales what it reads, and of a vector
 * whether it is that norm's own. Sources: the modelling code of transformers.
 */

const LAYER = /^(?:model\.layers|transformer\.h|gpt_neox\.layers)\.(\d+)\.(.*)$/;

const QWEN2 = {
  centred: false,
  head: "lm_head.weight",
  embedding: "model.embed_tokens.weight",
  outside: {
    "model.embed_tokens.weight": { axes: [null, "stream"] },
    "lm_head.weight": { axes: [null, "stream"], norm: "model.norm" },
    "model.norm.weight": { axes: ["stream"], isGain: true },
  },
  inside: (n) => {
    const reader = (rows, norm) => ({ axes: [rows, "stream"], norm: `model.layers.${n}.${norm}` });
    return {
      "self_attn.q_proj.weight": reader(null, "input_layernorm"),
      "self_attn.k_proj.weight": reader(null, "input_layernorm"),
      "self_attn.v_proj.weight": reader(null, "input_layernorm"),
      "self_attn.o_proj.weight": { axes: ["stream", null] },
      "mlp.gate_proj.weight": reader(`neurons ${n}`, "post_attention_layernorm"),
      "mlp.up_proj.weight": reader(`neurons ${n}`, "post_attention_layernorm"),
      "mlp.down_proj.weight": { axes: ["stream", `neurons ${n}`] },
      "input_layernorm.weight": { axes: ["stream"], isGain: true },
      "post_attention_layernorm.weight": { axes: ["stream"], isGain: true },
    };
  },
};

const MIXTRAL = {
  ...QWEN2,
  inside: (n) => {
    const norm = `model.layers.${n}.post_attention_layernorm`;
    const experts = Object.fromEntries(
      Array.from({ length: 4 }, (_, e) => [
        [`block_sparse_moe.experts.${e}.w1.weight`, { axes: [`neurons ${n} ${e}`, "stream"], norm }],
        [`block_sparse_moe.experts.${e}.w3.weight`, { axes: [`neurons ${n} ${e}`, "stream"], norm }],
        [`block_sparse_moe.experts.${e}.w2.weight`, { axes: ["stream", `neurons ${n} ${e}`] }],
      ]).flat(),
    );
    return {
      ...QWEN2.inside(n),
      "block_sparse_moe.gate.weight": { axes: [`experts ${n}`, "stream"], norm },
      ...experts,
    };
  },
};

const GPT2 = {
  centred: true,
  head: "lm_head.weight",
  embedding: "transformer.wte.weight",
  outside: {
    "transformer.wte.weight": { axes: [null, "stream"] },
    "transformer.wpe.weight": { axes: [null, "stream"] },
    "lm_head.weight": { axes: [null, "stream"], norm: "transformer.ln_f" },
    "transformer.ln_f.weight": { axes: ["stream"], isGain: true },
    "transformer.ln_f.bias": { axes: ["stream"], norm: "transformer.ln_f", isShift: true },
  },
  inside: (n) => ({
    "attn.c_attn.weight": { axes: ["stream", null], norm: `transformer.h.${n}.ln_1` },
    "attn.c_proj.weight": { axes: [null, "stream"] },
    "attn.c_proj.bias": { axes: ["stream"] },
    "mlp.c_fc.weight": { axes: ["stream", `neurons ${n}`], norm: `transformer.h.${n}.ln_2` },
    "mlp.c_fc.bias": { axes: [`neurons ${n}`] },
    "mlp.c_proj.weight": { axes: [`neurons ${n}`, "stream"] },
    "mlp.c_proj.bias": { axes: ["stream"] },
    ...shifted(`transformer.h.${n}`, ["ln_1", "ln_2"]),
  }),
};

const NEOX = {
  centred: true,
  head: "embed_out.weight",
  embedding: "gpt_neox.embed_in.weight",
  outside: {
    "gpt_neox.embed_in.weight": { axes: [null, "stream"] },
    "embed_out.weight": { axes: [null, "stream"], norm: "gpt_neox.final_layer_norm" },
    "gpt_neox.final_layer_norm.weight": { axes: ["stream"], isGain: true },
    "gpt_neox.final_layer_norm.bias": { axes: ["stream"], norm: "gpt_neox.final_layer_norm", isShift: true },
  },
  inside: (n) => ({
    "attention.query_key_value.weight": { axes: [null, "stream"], norm: `gpt_neox.layers.${n}.input_layernorm` },
    "attention.dense.weight": { axes: ["stream", null] },
    "attention.dense.bias": { axes: ["stream"] },
    "mlp.dense_h_to_4h.weight": {
      axes: [`neurons ${n}`, "stream"],
      norm: `gpt_neox.layers.${n}.post_attention_layernorm`,
    },
    "mlp.dense_h_to_4h.bias": { axes: [`neurons ${n}`] },
    "mlp.dense_4h_to_h.weight": { axes: ["stream", `neurons ${n}`] },
    "mlp.dense_4h_to_h.bias": { axes: ["stream"] },
    ...shifted(`gpt_neox.layers.${n}`, ["input_layernorm", "post_attention_layernorm"]),
  }),
};

export const FAMILIES = { llama: QWEN2, qwen2: QWEN2, mixtral: MIXTRAL, gpt2: GPT2, neox: NEOX };

/** `{ axes, norm?, isGain?, isShift? }` of a tensor, or null where no move touches it. */
export function axesOf(family, name) {
  const layer = LAYER.exec(name);
  const found = layer === null ? family.outside[name] : family.inside(Number(layer[1]))[layer[2]];
  return found ?? null;
}

function shifted(layer, norms) {
  return Object.fromEntries(
    norms.flatMap((norm) => [
      [`${norm}.weight`, { axes: ["stream"], isGain: true }],
      [`${norm}.bias`, { axes: ["stream"], norm: `${layer}.${norm}`, isShift: true }],
    ]),
  );
}
