import type { MetadataValue } from "../../formats/gguf/metadata.ts";
import type { Heads } from "./undo.ts";

type Metadata = ReadonlyMap<string, MetadataValue>;

/** Keys of GGUF below the architecture's name, and what config.json calls the same. */
const FIELDS: readonly (readonly [key: string, field: string])[] = [
  ["block_count", "num_hidden_layers"],
  ["embedding_length", "hidden_size"],
  ["feed_forward_length", "intermediate_size"],
  ["attention.head_count", "num_attention_heads"],
  ["attention.head_count_kv", "num_key_value_heads"],
  ["attention.key_length", "head_dim"],
  ["context_length", "max_position_embeddings"],
  ["expert_count", "num_local_experts"],
  ["expert_used_count", "num_experts_per_tok"],
  ["vocab_size", "vocab_size"],
];

function architectureName(metadata: Metadata): string {
  const name = metadata.get("general.architecture");
  return typeof name === "string" ? name : "";
}

/** A positive whole number of a layer: the same for all, or one for each. */
function countOf(value: MetadataValue | undefined, layer: number): number | null {
  const count = Array.isArray(value) ? value[layer] : value;
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : null;
}

/** Mixtures of types by their numbers in `general.file_type`, as llama.cpp calls them. */
const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [2, "Q4_0"],
  [3, "Q4_1"],
  [7, "Q8_0"],
  [8, "Q5_0"],
  [9, "Q5_1"],
  [10, "Q2_K"],
  [11, "Q3_K_S"],
  [12, "Q3_K_M"],
  [13, "Q3_K_L"],
  [14, "Q4_K_S"],
  [15, "Q4_K_M"],
  [16, "Q5_K_S"],
  [17, "Q5_K_M"],
  [18, "Q6_K"],
  [25, "IQ4_NL"],
]);

/** What the file says that it was quantised to, or null. */
export function fileTypeOf(metadata: Metadata): string | null {
  const type = metadata.get("general.file_type");
  return typeof type === "number" ? (FILE_TYPES.get(type) ?? null) : null;
}

/** Heads of a layer as the file says, or null. */
export function headsOf(metadata: Metadata, layer: number | null): Heads | null {
  const prefix = `${architectureName(metadata)}.attention.`;
  const q = countOf(metadata.get(`${prefix}head_count`), layer ?? 0);
  if (q === null) return null;
  const given = metadata.get(`${prefix}head_count_kv`);
  const kv = given === undefined ? q : countOf(given, layer ?? 0);
  return kv === null ? null : { q, kv };
}

/** What the file says of the model, in the words of a config.json: it ranks and explains, and decides nothing. */
export function configOf(metadata: Metadata): Readonly<Record<string, unknown>> {
  const architecture = architectureName(metadata);
  const config: Record<string, unknown> = Object.create(null);
  if (architecture !== "") config.model_type = architecture;
  for (const [key, field] of FIELDS) {
    const count = countOf(metadata.get(`${architecture}.${key}`), 0);
    // Latent attention is told as if it had one head of keys, and wide ones.
    const isLatent = architecture === "deepseek2" && /^attention\.(?:head_count_kv|key_length)$/.test(key);
    if (count !== null && !isLatent) config[field] = count;
  }
  return config;
}
