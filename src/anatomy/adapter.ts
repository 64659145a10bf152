/** What a model was fine-tuned with instead of its weights: "other" is a rarer kind, or a whole module trained beside them. */
export const ADAPTER_KINDS = ["lora", "dora", "loha", "lokr", "ia3", "oft", "vera", "prompt", "other"] as const;
export type AdapterKind = (typeof ADAPTER_KINDS)[number];

/** How many of a model's tensors are those of an adapter. */
export interface AdapterSummary {
  readonly tensors: number;
  /** What most of them are; "dora" is a LoRA with magnitudes. */
  readonly kind: AdapterKind;
  /** Tensors of the model: as many where it is an adapter and nothing else. */
  readonly ofTensors: number;
}

/** Names without any of these are no adapter's, and most names are without. */
const TELLING =
  /lora|lycoris|dora_scale|hada_|lokr_|ia3_l|oft_|vera_|prompt_embeddings|adaption_|prefix_|modules_to_save/;

const SEGMENTS: readonly (readonly [RegExp, AdapterKind])[] = [
  // In small letters as GGUF and torchtune write them.
  [/^(?:lora_[ABEab]|lora_embedding_[AB]|lora_(?:down|up|mid)|lora_linear_layer)$/, "lora"],
  [/^(?:lora_magnitude_vector|dora_scale)$/, "dora"],
  [/^hada_(?:w[12](?:_[ab])?|t[12])$/, "loha"],
  [/^lokr_(?:w[12](?:_[ab])?|t2)$/, "lokr"],
  [/^ia3_l$/, "ia3"],
  [/^(?:oft_[rR]|oft_blocks|oft_diag|boft_[Rs])$/, "oft"],
  [/^vera_(?:[AB]|lambda_[bd])$/, "vera"],
  [/^(?:prompt_embeddings|adaption_prompt|adaption_gate|prefix_encoder|prefix_task_(?:cols|rows))$/, "prompt"],
  [/^modules_to_save$/, "other"],
];

/** What peft saves of its other kinds of adapters: words that a model may have as well, but not behind peft's own beginning. */
const PEFT = /^base_model\./;
const PEFT_KINDS =
  /^(?:adamss|beft|bone|c3a|deft|delora|fourierft|frod|glora|gralora|hira|hra|lily|ln_tuning|miss|osf|peanut|poly|psoft|pvera|randlora|road|shira|supertuning|tinylora|trainable_tokens|unilora|vblora|waveft)_[A-Za-z_]+$/;

/** kohya-ss and LyCORIS write the module's path as one word behind what they train: `lora_unet_mid_block_...`. */
const FLATTENED = /^(?:lora|lycoris)_[a-z0-9]+_/;

/** Which adapter a tensor belongs to by its name, null for none. */
export function adapterKindOf(name: string): AdapterKind | null {
  return placeOf(name)?.kind ?? null;
}

/** What of a model is an adapter, by names alone; null when nothing is. */
export function adapterSummary(tensorNames: Iterable<string>): AdapterSummary | null {
  const counts = new Map<AdapterKind, number>();
  const modules = new Set<string>();
  const scales: string[] = [];
  let ofTensors = 0;
  for (const name of tensorNames) {
    ofTensors++;
    const place = placeOf(name);
    if (place !== null) {
      counts.set(place.kind, (counts.get(place.kind) ?? 0) + 1);
      modules.add(place.module);
    } else if (name.endsWith(".alpha")) scales.push(name.slice(0, -".alpha".length));
  }
  if (counts.size === 0) return null;
  // The scale of a LoRA is called like many other things: only the module that it stands in tells what it is.
  const tensors = [...counts.values()].reduce((a, b) => a + b, 0) + scales.filter((stem) => modules.has(stem)).length;
  const [commonest] = [...counts].sort((a, b) => Number(a[0] === "other") - Number(b[0] === "other") || b[1] - a[1]);
  const kind = commonest![0] === "lora" && counts.has("dora") ? "dora" : commonest![0];
  return { tensors, kind, ofTensors };
}

/** The kind, and the path of the module that the tensor changes. */
function placeOf(name: string): { readonly kind: AdapterKind; readonly module: string } | null {
  const isPeft = PEFT.test(name);
  if (name.length > 512 || !(isPeft || TELLING.test(name))) return null;
  const path = name.split(".");
  const before = (i: number): string => path.slice(0, i).join(".");
  for (const [i, segment] of path.entries()) {
    for (const [pattern, kind] of SEGMENTS) if (pattern.test(segment)) return { kind, module: before(i) };
    if (isPeft && PEFT_KINDS.test(segment)) return { kind: "other", module: before(i) };
    // `to_q.lora.down.weight` and `processor.to_q_lora.down.weight`; RWKV's `w_lora.lora.0` is a part of the model.
    const next = path[i + 1];
    if (/(?:^|_)lora$/.test(segment) && (next === "down" || next === "up")) return { kind: "lora", module: before(i) };
  }
  return FLATTENED.test(path[0]!) ? { kind: "lora", module: path[0]! } : null;
}
