import type { CanonicalTensor } from "./anatomy.ts";
import { splitContiguous } from "./fused.ts";
import type { Layer } from "./layer.ts";
import { layerUse, type Use } from "./layer-table.ts";

/** No published model has larger heads; above it Falcon's multi-query width is a group width. */
const LARGEST_HEAD = 256;

/**
 * q, k and v of a fused attention tensor when the shapes of its siblings determine the split, else the tensor itself
 * with role `qkv`. `view` is [fused rows, d]; `queryRows` is what the output projection reads, null when it is absent.
 */
export function attentionMatrices(
  view: CanonicalTensor,
  use: Use,
  layer: Layer,
  queryRows: number | null,
): readonly CanonicalTensor[] {
  const unsplit = [view];
  if (use === "per-head") return unsplit;
  const queries = queryRows ?? (view.rows === 3 * view.cols ? view.cols : null);
  if (queries === null) return unsplit;
  if (use === "query_key_value" && !isMultiQuery(view, layer, queries)) return unsplit;
  if (use === "contiguous" && isBigCode(view, layer, queries)) return unsplit;
  const split = splitContiguous(view, queries);
  return split === null ? unsplit : [split.q, split.k, split.v];
}

/** Columns of the attention's output projection, null when the layer has none. */
export function outputColumns(layer: Layer, conv1d: boolean): number | null {
  for (const { name, shape } of layer.weights.values()) {
    if (shape.length === 2 && layerUse(name.pattern) === "o") return shape[conv1d ? 0 : 1] as number;
  }
  return null;
}

/**
 * One name, four layouts. [H, 3, dh] has exactly 3 * H * dh rows. Of the others ChatGLM2 shows itself by a gated
 * feed-forward tensor and Falcon-7B by a single head-sized key; grouped heads (two norms, or a wider key) stay unsplit.
 */
function isMultiQuery({ rows }: CanonicalTensor, { weights }: Layer, queries: number): boolean {
  if (rows === 3 * queries || !weights.has("self_attention.query_key_value")) return false;
  const up = weights.get("mlp.dense_h_to_4h")?.shape;
  const down = weights.get("mlp.dense_4h_to_h")?.shape;
  if (up !== undefined && down !== undefined && up[0] === 2 * (down[1] as number)) return true;
  const keyRows = (rows - queries) / 2;
  return !weights.has("ln_attn") && keyRows <= LARGEST_HEAD && queries % keyRows === 0;
}

/** GPT-BigCode without multi-query interleaves per head under GPT-2's name, stored as a plain linear. */
function isBigCode({ rows, colStride }: CanonicalTensor, { weights }: Layer, queries: number): boolean {
  return colStride === 1 && rows === 3 * queries && weights.has("attn.c_attn") && weights.has("mlp.c_fc");
}
