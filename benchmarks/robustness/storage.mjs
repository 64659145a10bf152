/** Other ways to store or cut the same model: layouts, padding, missing layers. */

import { fillGaussian, xorshift } from "../support/random.mjs";
import { permuteRows } from "./matrix-moves.mjs";
import { headsOf, mapTensors, nameOf, roleOf, withTensors } from "./model-view.mjs";

/** The rows of Q and K in the order in which llama.cpp keeps them: the two rows of a rotary plane side by side. */
export const ggufOrder = () => (view) => {
  const { size } = headsOf(view);
  return mapTensors(view, ({ shape }, role) => {
    if (role === null || !["q", "k"].includes(role.role)) return null;
    const order = Array.from({ length: shape[0] }, (_, i) => {
      const within = i % size;
      return i - within + (within % 2) * (size / 2) + (within >> 1);
    });
    return (x) => permuteRows(x, shape[1], order);
  });
};

/** One tensor for q, k and v, and one for gate and up, under the names of Phi-3. */
export const fused = () => (view) => {
  const tensors = [];
  for (const tensor of view.tensors.values()) {
    const at = roleOf(tensor.name);
    if (at?.role === "q")
      tensors.push(joined(view, `model.layers.${at.layer}.self_attn.qkv_proj.weight`, ["q", "k", "v"], at.layer));
    else if (at?.role === "gate")
      tensors.push(joined(view, `model.layers.${at.layer}.mlp.gate_up_proj.weight`, ["gate", "up"], at.layer));
    else if (!["k", "v", "up"].includes(at?.role)) tensors.push(tensor);
  }
  return withTensors(view, tensors, { model_type: "phi3", architectures: ["Phi3ForCausalLM"] });
};

/** Takes out layers and numbers the others anew. */
export const dropLayers = (share) => (view) => {
  const layers = view.config.num_hidden_layers;
  const dropped = Math.max(1, Math.round(share * layers));
  // From the middle, where a model misses them least.
  const first = Math.floor((layers - dropped) / 2);
  const tensors = [...view.tensors.values()].flatMap((tensor) => {
    const layer = Number(/^model\.layers\.(\d+)\./.exec(tensor.name)?.[1] ?? -1);
    if (layer >= first && layer < first + dropped) return [];
    const moved = layer < first ? layer : layer - dropped;
    return [{ ...tensor, name: tensor.name.replace(/^model\.layers\.\d+\./, `model.layers.${moved}.`) }];
  });
  return withTensors(view, tensors, { num_hidden_layers: layers - dropped });
};

/** Rows for new tokens behind the others, in the embedding and in an untied head. */
export const padVocabulary = (added, seed) => (view) => {
  const tensors = [...view.tensors.values()].map((tensor) => {
    if (!["embedding", "head"].includes(roleOf(tensor.name)?.role)) return tensor;
    const [rows, cols] = tensor.shape;
    const read = () => {
      const out = new Float32Array((rows + added) * cols);
      out.set(tensor.read());
      fillGaussian(out.subarray(rows * cols), xorshift(seed), 0.02);
      return out;
    };
    return { ...tensor, shape: [rows + added, cols], raw: undefined, read };
  });
  return withTensors(view, tensors, { vocab_size: view.config.vocab_size + added });
};

function joined(view, name, roles, layer) {
  const parts = roles.map((role) => view.tensors.get(nameOf(role, layer)));
  const cols = parts[0].shape[1];
  const rows = parts.reduce((n, part) => n + part.shape[0], 0);
  const read = () => {
    const out = new Float32Array(rows * cols);
    let at = 0;
    for (const part of parts) {
      out.set(part.read(), at);
      at += part.shape[0] * cols;
    }
    return out;
  };
  return { name, shape: [rows, cols], dtype: parts[0].dtype, read };
}
