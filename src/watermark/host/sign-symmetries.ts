import type { Anatomy, TensorTable } from "../../anatomy/anatomy.ts";
import { isRecord, own, textConfig } from "../../anatomy/config-fields.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import { layerUse } from "../../anatomy/layer-table.ts";
import { parseTensorName } from "../../anatomy/name.ts";
import { addressOf } from "../../rows/addressed-matrix.ts";
import { biasOf } from "./bias.ts";
import type { SignSymmetries } from "./host-model.ts";

/** What an architecture does with keys and queries. */
interface KeyFacts {
  /** Planes of the rotation; "none" where positions are added to the embeddings. */
  readonly pairing: "half" | "adjacent" | "none";
  /** Share of a head's rows that rotate when the config does not say. */
  readonly share: number;
  /** Whether `q_norm` and `k_norm` are RMS norms, which are odd. One that subtracts a mean mixes the rows' signs. */
  readonly oddNorms: boolean;
}

/** `model_type` of architectures whose code was read, by what their attention does. Only these are ever changed. */
const ARCHITECTURES = new Map<string, KeyFacts>();
function know(names: string, pairing: KeyFacts["pairing"], share: number, oddNorms: boolean): void {
  for (const name of names.split(" ")) ARCHITECTURES.set(name, { pairing, share, oddNorms });
}
know(
  "llama mistral ministral mixtral qwen2 qwen2_moe gemma gemma2 phi3 olmo granite smollm3 seed_oss",
  "half",
  1,
  false,
);
know("starcoder2", "half", 1, false);
know("qwen3 qwen3_moe gemma3_text olmo2 olmo3 olmoe exaone4", "half", 1, true);
know("gpt_neox stablelm", "half", 0.25, false);
know("phi", "half", 0.5, false);
know("glm glm4", "adjacent", 0.5, false);
know("cohere cohere2 helium", "adjacent", 1, false);
know("gpt2 opt", "none", 0, false);

/** Families, as names tell them, that rotate whole heads in halves: enough to read keys, never to change them. */
const HALVES = new Set(
  "llama qwen2 qwen2_moe qwen3 qwen3_moe gemma gemma2 gemma3 olmo2 mixtral phi3 starcoder2".split(" "),
);

const LAYER_ROLES = new Set(["q", "k", "v", "o", "qkv", "gate", "up", "down", "router"]);
const NORMS = new Set(
  "input_layernorm post_attention_layernorm pre_feedforward_layernorm post_feedforward_layernorm post_self_attn_layernorm post_mlp_layernorm ln_1 ln_2 self_attn_layer_norm final_layer_norm".split(
    " ",
  ),
);
const KEY_NORM = /^self_attn\.[qk]_norm$/;
/** Masks and frequencies that old exports keep among the weights. */
const BUFFERS = /(?:^|\.)(?:rotary_emb\.inv_freq|(?:attn|attention)(?:\.masked)?)$/;
/** Types in which every value has its negative. */
const SIGNED = new Set(["F64", "F32", "F16", "BF16"]);
const PARTIAL = ["partial_rotary_factor", "rotary_pct"];

/**
 * The sign symmetries of a checkpoint's language model. They are certain only for architectures in the table above, without
 * code of their own, whose layers hold nothing that the architecture does not have.
 *
 * @param configProblem why `config` is null although there is a config.json; see `Checkpoint`
 */
export function signSymmetries(
  config: Readonly<Record<string, unknown>> | null,
  anatomy: Anatomy,
  tensors: TensorTable,
  heads: HeadShape | null,
  configProblem: string | null = null,
): SignSymmetries {
  const text = textConfig(config);
  const type = text === null ? undefined : own(text, "model_type");
  const facts = typeof type === "string" ? ARCHITECTURES.get(type) : undefined;
  const { strangers, keyNorms } = layerContents(anatomy, tensors);
  return {
    keys: heads === null ? null : keysOf(facts, text, anatomy.family, heads, keyNorms),
    doubt: config === null ? nameless(configProblem) : doubtOf(config, text ?? config, type, facts, strangers),
  };
}

/** @param configProblem see `Checkpoint` */
function nameless(configProblem: string | null): string {
  if (configProblem === null) return "there is no config.json to name the architecture";
  return `nothing names the architecture: ${configProblem}`;
}

function doubtOf(
  config: Readonly<Record<string, unknown>>,
  text: Readonly<Record<string, unknown>>,
  type: unknown,
  facts: KeyFacts | undefined,
  strangers: readonly string[],
): string | null {
  if (facts === undefined) {
    return typeof type === "string"
      ? `the architecture "${type.slice(0, 64)}" is not one whose signs are known to be free`
      : "config.json names no model_type";
  }
  if (own(config, "auto_map") !== undefined || own(text, "auto_map") !== undefined) {
    return "the model brings code of its own (auto_map in config.json)";
  }
  if (strangers.length > 0) {
    return `its layers hold ${strangers.length} tensors that "${String(type)}" does not have or not so, such as ${strangers[0]!.slice(0, 120)}`;
  }
  return null;
}

function keysOf(
  facts: KeyFacts | undefined,
  text: Readonly<Record<string, unknown>> | null,
  family: string,
  { headSize }: HeadShape,
  keyNorms: boolean,
): SignSymmetries["keys"] {
  if (facts === undefined) {
    return HALVES.has(family) && headSize % 2 === 0 ? { rotaryRows: headSize, pairing: "half" } : null;
  }
  if (keyNorms && !facts.oddNorms) return null;
  if (facts.pairing === "none") return { rotaryRows: 0, pairing: "half" };
  const share = rotaryShare(text!) ?? facts.share;
  const rotaryRows = Math.trunc(headSize * share);
  if (!(share > 0 && share <= 1) || rotaryRows < 2 || rotaryRows % 2 !== 0) return null;
  return { rotaryRows, pairing: facts.pairing };
}

/** NaN when the fields that should hold the share hold something else. */
function rotaryShare(text: Readonly<Record<string, unknown>>): number | null {
  const rope = own(text, "rope_parameters");
  for (const place of [rope, text]) {
    if (!isRecord(place)) continue;
    for (const key of PARTIAL) {
      const value = own(place, key);
      if (value !== undefined && value !== null) return typeof value === "number" ? value : Number.NaN;
    }
  }
  return null;
}

/** Tensors inside the language model's layers that no known architecture has there. */
function layerContents({ matrices }: Anatomy, tensors: TensorTable): { strangers: string[]; keyNorms: boolean } {
  const stacks = new Set<string>();
  const understood = new Set<string>();
  const places = new Set<string>();
  const strangers: string[] = [];
  for (const matrix of matrices) {
    if (matrix.component !== "language" || matrix.layer < 0) continue;
    const { stack, stem, pattern } = parseTensorName(matrix.tensor);
    stacks.add(stack);
    if (!LAYER_ROLES.has(matrix.role) && stem !== "mlp.shared_expert_gate") continue;
    // Roles guessed from words or shapes will do to compare models, not to change one.
    if (layerUse(pattern) === undefined || places.has(addressOf(matrix))) continue;
    places.add(addressOf(matrix));
    if (SIGNED.has(tensors.get(matrix.tensor)!.dtype)) understood.add(matrix.tensor);
    const bias = biasOf(matrix, tensors);
    if (bias?.fits === true) understood.add(bias.tensor);
  }
  let keyNorms = false;
  for (const name of tensors.keys()) {
    const { stack, layer, stem } = parseTensorName(name);
    if (layer < 0 || !stacks.has(stack) || understood.has(name)) continue;
    if (KEY_NORM.test(stem)) keyNorms = true;
    else if (!NORMS.has(stem) && !BUFFERS.test(stem)) strangers.push(name);
  }
  return { strangers, keyNorms };
}
