import type { TensorTable } from "./anatomy.ts";
import { configCount, textConfig } from "./config-fields.ts";
import { describeAnatomy } from "./describe.ts";
import type { FusedLayout, HeadShape } from "./fused.ts";

export interface HeadHint extends HeadShape {
  readonly layout: FusedLayout;
}

const HEADS = ["num_attention_heads", "n_head", "n_heads", "num_heads"];
const KV_HEADS = ["num_key_value_heads", "num_kv_heads", "n_head_kv"];
const WIDTH = ["hidden_size", "n_embd", "d_model"];

/**
 * How the fused attention tensors of a model interleave, from its config; null when config is missing, gives no head
 * count, or contradicts the shape of any tensor left unsplit. A hint: nothing that decides may rest on it.
 */
export function headHints(config: Readonly<Record<string, unknown>> | null, tensors: TensorTable): HeadHint | null {
  const text = textConfig(config);
  if (text === null) return null;
  const heads = configCount(text, HEADS);
  if (heads === null) return null;
  const width = configCount(text, WIDTH);
  const headSize = configCount(text, ["head_dim"]) ?? (width === null ? null : width / heads);
  if (headSize === null || !Number.isInteger(headSize)) return null;
  // Falcon-RW states kv heads only when they differ; multi-query Falcon is never left unsplit.
  const kvHeads = configCount(text, KV_HEADS) ?? heads;
  const fused = new Set<number>();
  for (const { role, rows } of describeAnatomy(tensors, null).matrices) if (role === "qkv") fused.add(rows);
  if (fused.size !== 1) return null;
  const fits = [kvHeads, heads].find((groups) => heads % groups === 0 && fused.has((heads + 2 * groups) * headSize));
  if (fits === undefined) return null;
  return { layout: fits === heads ? "per-head" : "grouped", heads, kvHeads: fits, headSize };
}
