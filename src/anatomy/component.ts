import type { Gain } from "./anatomy.ts";
import type { Layer, Parameter } from "./layer.ts";
import type { NormFacts } from "./norm.ts";
import { isNormByWords } from "./words.ts";

const WORDS = new Map([
  ["vision_model", "vision"],
  ["vision_tower", "vision"],
  ["vision_encoder", "vision"],
  ["visual", "vision"],
  ["vit", "vision"],
  ["deit", "vision"],
  ["visual_projection", "vision"],
  ["audio_tower", "audio"],
  ["audio_model", "audio"],
  ["text_projection", "text"],
  ["multi_modal_projector", "projector"],
  ["mm_projector", "projector"],
  ["mtp", "mtp"],
]);

const PATCHES = /(?:^|\.)(?:patch_embeddings\.projection|patch_embed\.proj|patch_embedding)$/;

/** Which component a path belongs to, decided from all the model's paths together. */
export type ComponentOf = (path: readonly string[]) => string;

/**
 * Words such as `vision_tower` name a component wherever they stand. `encoder` and `decoder` do so when the model has both
 * (or is a T5, whose encoder alone is often shipped); a lone BERT encoder or OPT decoder is the language model itself,
 * and a lone stack beside a patch embedding is a vision model. CLIP's text tower is "text".
 */
export function componentsOf(parameters: readonly Parameter[]): ComponentOf {
  const stacks = new Set<string>();
  let t5 = false;
  let unnamedPatches = false;
  for (const { name } of parameters) {
    if (name.layer >= 0) stacks.add(name.stack);
    t5 ||= name.pattern.startsWith("layer.*.SelfAttention.");
    unnamedPatches ||= name.layer < 0 && PATCHES.test(name.stem) && named(name.stem.split(".")) === undefined;
  }
  const paths = [...stacks].map((stack) => stack.split("."));
  const both = has(paths, "encoder") && has(paths, "decoder");
  const openClip = paths.some((path) => path.includes("visual")) && has(paths, "resblocks");
  const fallback = unnamedPatches ? "vision" : openClip ? "text" : "language";
  return (path) => {
    const word = named(path);
    if (word !== undefined) return word;
    if (path.includes("text_model")) return has(paths, "text_model", "encoder") ? "text" : "language";
    if (both || t5) {
      if (path.includes("encoder") || path[0] === "shared") return "encoder";
      if (path.includes("decoder") || path[0] === "lm_head") return "decoder";
    }
    return fallback;
  };
}

function named(path: readonly string[]): string | undefined {
  for (const segment of path) {
    const word = WORDS.get(segment);
    if (word !== undefined) return word;
  }
  return undefined;
}

function has(paths: readonly (readonly string[])[], ...words: readonly string[]): boolean {
  return paths.some((path) => words.every((word) => path.includes(word)));
}

const FINAL_NORMS = new Set([
  "norm",
  "ln_f",
  "norm_f",
  "final_norm",
  "final_layernorm",
  "final_layer_norm",
  "layer_norm",
  "layernorm",
  "output_norm",
  "post_layernorm",
  "ln_final",
  "ln_post",
]);

/** What outlasts the layers of one component. */
export interface ComponentFacts extends NormFacts {
  /** OPT's smallest model projects between the last norm and the head. */
  readonly projectsOut: boolean;
}

/** The gain that a linear reads which stands behind the last norm. */
export function finalGain({ finalNorm, plusOne }: NormFacts): Gain | null {
  return finalNorm === null ? null : { tensor: finalNorm, plusOne };
}

/** Facts for every component, from its parameters outside the layers and its first layers. */
export function componentFacts(
  componentOf: ComponentOf,
  layers: readonly Layer[],
  outside: readonly Parameter[],
): (component: string) => ComponentFacts {
  const finalNorm = new Map<string, string>();
  const guessedNorms = new Map<string, string[]>();
  const projectsOut = new Set<string>();
  const heads = new Set<string>();
  const embedRows = new Map<string, number>();
  for (const { name, shape, tensor } of outside) {
    const path = name.stem.split(".");
    const component = componentOf(path);
    const last = path.at(-1) as string;
    if (name.suffix === "weight" && shape.length === 1 && FINAL_NORMS.has(last) && isFinal(path)) {
      if (!finalNorm.has(component)) finalNorm.set(component, tensor);
    }
    if (name.suffix !== "bias" && shape.length === 1 && isFinal(path) && isNormByWords(name.stem)) {
      const guesses = guessedNorms.get(component);
      if (guesses === undefined) guessedNorms.set(component, [tensor]);
      else guesses.push(tensor);
    }
    if (last === "project_out") projectsOut.add(component);
    if (last === "lm_head") heads.add(component);
    if (last === "embed_tokens") embedRows.set(component, shape[0] as number);
  }
  const plusOne = new Set<string>();
  for (const layer of layers) {
    const component = componentOf(layer.stack.split("."));
    if (plusOne.has(component)) continue;
    const vocabulary = heads.has(component) ? 0 : (embedRows.get(component) ?? 0);
    if (gainsArePlusOne(layer, vocabulary)) plusOne.add(component);
  }
  return (component) => ({
    finalNorm: finalNorm.get(component) ?? only(guessedNorms.get(component)),
    plusOne: plusOne.has(component),
    projectsOut: projectsOut.has(component),
  });
}

function only(names: readonly string[] | undefined): string | null {
  return names?.length === 1 ? (names[0] as string) : null;
}

const AROUND_THE_STACK = /embed|lm_head|predictions|^head$|merger|projector|project|vocab|^pre_|_pre$|soft_emb/;

/** Norms of embeddings, heads and poolers carry the same words; `layer_norm` of a BERT embedding ends no stack. */
function isFinal(path: readonly string[]): boolean {
  return !path.some((segment) => AROUND_THE_STACK.test(segment));
}

/**
 * Gemma stores norm gains as w and multiplies by 1 + w. Gemma 2 and 3 show it by norms on both sides of each sublayer
 * (Gemma 3n and 4 have these too but multiply by w; they add parts of their own). Gemma 1 has Llama's names: it is known
 * by tied embeddings, a vocabulary above 250,000 (`vocabulary` is 0 for untied ones) and h = 8 d.
 */
function gainsArePlusOne({ weights, parameters }: Layer, vocabulary: number): boolean {
  if (weights.has("pre_feedforward_layernorm") && weights.has("post_feedforward_layernorm")) {
    return !parameters.some(({ name }) => /^(?:layer_scalar|laurel|altup|per_layer)/.test(name.stem));
  }
  const gate = weights.get("mlp.gate_proj")?.shape;
  return (
    vocabulary >= 250_000 &&
    weights.has("post_attention_layernorm") &&
    gate !== undefined &&
    gate[0] === 8 * (gate[1] as number)
  );
}
