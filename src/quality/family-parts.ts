import type { Activation, Linear, Norm } from "./architecture.ts";
import { type ConfigReader, unsupported } from "./config-reader.ts";

/** Which tensors there are: a model may have been saved with or without the module around its decoder. */
export interface Names {
  has(name: string): boolean;
}

/** The deepest published decoders have some 130 layers. */
const MAX_LAYERS = 1024;

const ACTIVATIONS = new Map<string, Activation>([
  ["silu", "silu"],
  ["swish", "silu"],
  ["gelu", "gelu"],
  ["gelu_python", "gelu"],
  ["gelu_new", "gelu-tanh"],
  ["gelu_fast", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
  ["relu", "relu"],
]);

/** Throws FORWARD_UNSUPPORTED for a name that is not one of the four functions. */
export function activationOf(name: string): Activation {
  const activation = ACTIVATIONS.get(name);
  if (activation === undefined) throw unsupported(`activation ${name}`);
  return activation;
}

/** A linear map stored [rows, columns]; `biased` says whether it has a shift. */
export function linear(stem: string, rows: number, columns: number, biased: boolean): Linear {
  return { weight: `${stem}.weight`, bias: biased ? `${stem}.bias` : null, rows, columns, stored: "out-in" };
}

export function norm(stem: string, size: number, biased: boolean): Norm {
  return { weight: `${stem}.weight`, bias: biased ? `${stem}.bias` : null, size };
}

/** The first prefix under which the embedding is found; the first of all when none is. */
export function prefixOf(names: Names, prefixes: readonly string[], embedding: string): string {
  return prefixes.find((prefix) => names.has(`${prefix}${embedding}`)) ?? prefixes[0]!;
}

/** The tensor of the logits: the embedding when tied, else the first of `candidates` that is there. */
export function headOf(names: Names, tied: boolean, embedding: string, candidates: readonly string[]): string {
  if (tied) return embedding;
  return candidates.find((name) => names.has(name)) ?? candidates[0]!;
}

/** Refuses what would need more than a causal decoder. Throws FORWARD_UNSUPPORTED. */
export function requireFalse(config: ConfigReader, keys: readonly string[]): void {
  for (const key of keys) if (config.flag(key, false)) throw unsupported(`config.json says ${key}`);
}

export function layerCount(config: ConfigReader, key: string, absent?: number): number {
  const layers = config.integer(key, absent);
  if (layers > MAX_LAYERS) throw unsupported(`${layers} layers`);
  return layers;
}

/** Width of a head, and that the numbers of heads fit each other. */
export function headSizes(config: ConfigReader, heads: number, keyValueHeads: number, headSize: number | null) {
  const width = config.integer("hidden_size");
  if (headSize === null && width % heads !== 0) throw unsupported(`${heads} heads in a width of ${width}`);
  if (heads % keyValueHeads !== 0) throw unsupported(`${heads} heads over ${keyValueHeads} of keys and values`);
  return { width, heads, keyValueHeads, headSize: headSize ?? width / heads };
}

/** Window of every layer from `layer_types`, or from `sliding` where config.json lists none. */
export function layerWindows(
  config: ConfigReader,
  layers: number,
  window: number | null,
  sliding: (layer: number) => boolean,
): (number | null)[] {
  const types = config.texts("layer_types");
  if (types !== null && types.length !== layers) throw unsupported(`${types.length} layer_types for ${layers} layers`);
  return Array.from({ length: layers }, (_, layer) => {
    const type = types?.[layer] ?? (sliding(layer) ? "sliding_attention" : "full_attention");
    if (type === "full_attention") return null;
    if (type !== "sliding_attention") throw unsupported(`layers of type ${type}`);
    if (window === null) throw unsupported("sliding layers without a sliding_window");
    return window;
  });
}
