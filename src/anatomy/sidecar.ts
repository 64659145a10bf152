import { adapterKindOf } from "./adapter.ts";

/** Tensors that stand beside the weights and are none: masks and tables, quantisation sidecars, adapters. */

const BUFFERS = new Set([
  "masked_bias",
  "inv_freq",
  "original_inv_freq",
  "position_ids",
  "token_type_ids",
  "num_batches_tracked",
  "running_mean",
  "running_var",
  "freqs_cis",
  "cos_cached",
  "sin_cached",
  "rope_freqs",
  "causal_mask",
  "attn_mask",
]);

const QUANTISATION = new Set([
  "scales",
  "qzeros",
  "zeros",
  "g_idx",
  "absmax",
  "quant_map",
  "nested_absmax",
  "nested_quant_map",
  "SCB",
  "weight_format",
  "weight_scale",
  "weight_scale_inv",
  "weight_scale_2",
  "weight_zero_point",
  "weight_g_idx",
  "weight_shape",
  "input_scale",
  "input_zero_point",
  "output_scale",
  "k_scale",
  "v_scale",
  "qscales",
  "biases",
]);

const PACKED = new Set(["qweight", "weight_packed", "packed_weight"]);

export type Sidecar = "buffer" | "quantisation" | "packed" | "adapter";

/** What kind of by-standing tensor a name denotes, null for a parameter. `dims` is the tensor's rank. */
export function sidecarOf(name: string, dims: number): Sidecar | null {
  if (name.length > 512) return null;
  const path = name.split(".");
  const last = path.at(-1) as string;
  if (BUFFERS.has(last)) return "buffer";
  // Before what is told by endings: an adapter's `oft_blocks` are no packed weights.
  if (adapterKindOf(name) !== null) return "adapter";
  // GPT-2 and GPT-NeoX keep their causal mask as `attn.bias` / `attention.bias`, [1, 1, n, n]; a bias vector has one dimension.
  if (last === "bias" && dims > 1) return "buffer";
  if (QUANTISATION.has(last) || path.includes("quant_state")) return "quantisation";
  if (last.endsWith("_scales") || last.endsWith("_scale_inv")) return "quantisation";
  return PACKED.has(last) || last.endsWith("_blocks") ? "packed" : null;
}
