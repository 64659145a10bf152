import type { Anatomy, TensorTable } from "../../anatomy/anatomy.ts";
import { configCount, textConfig } from "../../anatomy/config-fields.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import { headHints } from "../../anatomy/heads.ts";
import { parseTensorName } from "../../anatomy/name.ts";

const HEADS = ["num_attention_heads", "n_head", "n_heads", "num_heads"];
const KV_HEADS = ["num_key_value_heads", "num_kv_heads"];
const WIDTH = ["hidden_size", "n_embd", "d_model"];

/**
 * Heads of the language model: what the config says where every q, k, v and o agrees with it, else what norms of one
 * head's length say. Null where neither is there or the two contradict each other.
 */
export function headShape(
  config: Readonly<Record<string, unknown>> | null,
  anatomy: Anatomy,
  tensors: TensorTable,
): HeadShape | null {
  const fused = headHints(config, tensors);
  if (fused !== null) return { heads: fused.heads, kvHeads: fused.kvHeads, headSize: fused.headSize };
  const normed = normLength(anatomy, tensors);
  const stated = fromConfig(config, anatomy);
  if (stated !== null) return normed === null || normed === stated.headSize ? stated : null;
  if (normed === null) return null;
  const [queries, keys] = [rowsOf(anatomy, "q"), rowsOf(anatomy, "k")];
  if (queries === null || keys === null) return null;
  return fitting({ heads: queries / normed, kvHeads: keys / normed, headSize: normed }, anatomy);
}

function fromConfig(config: Readonly<Record<string, unknown>> | null, anatomy: Anatomy): HeadShape | null {
  const text = textConfig(config);
  const heads = text === null ? null : configCount(text, HEADS);
  if (text === null || heads === null) return null;
  const width = configCount(text, WIDTH);
  const headSize = configCount(text, ["head_dim"]) ?? (width === null ? null : width / heads);
  if (headSize === null) return null;
  return fitting({ heads, kvHeads: configCount(text, KV_HEADS) ?? heads, headSize }, anatomy);
}

/** The shape itself when it tiles every attention matrix of the language model and there is one, else null. */
function fitting(shape: HeadShape, { matrices }: Anatomy): HeadShape | null {
  const { heads, kvHeads, headSize } = shape;
  if (![heads, kvHeads, headSize].every((n) => Number.isSafeInteger(n) && n > 0) || heads % kvHeads !== 0) return null;
  let seen = 0;
  for (const { component, layer, role, rows, cols } of matrices) {
    if (component !== "language" || layer < 0) continue;
    const [size, groups] = role === "o" ? [cols, heads] : [rows, role === "q" ? heads : kvHeads];
    if (role !== "q" && role !== "k" && role !== "v" && role !== "o") continue;
    if (size !== groups * headSize) return null;
    seen++;
  }
  return seen === 0 ? null : shape;
}

/** Length of the q and k norms where all of them have one length and it is no whole projection's. */
function normLength(anatomy: Anatomy, tensors: TensorTable): number | null {
  const lengths = new Set<number>();
  for (const { tensor, role } of anatomy.others) {
    if (role !== "norm" || !/^self_attn\.[qk]_norm$/.test(parseTensorName(tensor).stem)) continue;
    const shape = tensors.get(tensor)!.shape;
    lengths.add(shape.length === 1 ? shape[0]! : -1);
  }
  const [length] = lengths;
  if (lengths.size !== 1 || length === undefined || length < 1) return null;
  return length === rowsOf(anatomy, "q") || length === rowsOf(anatomy, "k") ? null : length;
}

function rowsOf({ matrices }: Anatomy, role: "q" | "k"): number | null {
  return matrices.find((m) => m.role === role && m.component === "language" && m.layer >= 0)?.rows ?? null;
}
