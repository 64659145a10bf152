import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import type { Architecture, Linear, Norm } from "./architecture.ts";
import { ConfigReader, unsupported } from "./config-reader.ts";
import type { Names } from "./family-parts.ts";
import { gemma, gemma2, gemma3 } from "./gemma.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, mistral, qwen2, qwen3 } from "./llama.ts";
import { WeightReader } from "./weight-reader.ts";

/** A model that can be run: what it computes, and its weights. */
export interface Model {
  readonly architecture: Architecture;
  readonly weights: WeightReader;
}

const FAMILIES = new Map<string, (config: ConfigReader, names: Names) => Architecture>([
  ["llama", llama],
  ["mistral", mistral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["gemma", gemma],
  ["gemma2", gemma2],
  ["gemma3_text", gemma3],
  ["gpt_neox", gptNeox],
  ["gpt2", gpt2],
]);

/** Stored by old releases of the reference library; computed, not read. */
const BUFFERS = /(?:^|\.)(?:rotary_emb\.\w+|attn\.bias|attn\.masked_bias|attention\.bias|attention\.masked_bias)$/;

/** May be stored beside a tied embedding; `requireOneHead` then compares the two. */
const HEADS: readonly string[] = ["lm_head.weight", "embed_out.weight"];

const FLOATS: ReadonlySet<Dtype> = new Set<Dtype>(["F64", "F32", "F16", "BF16"]);

/** Wider models do not exist; activations are held for every token at once. */
const MAX_WIDTH = 2 ** 17;

/**
 * Makes a checkpoint ready to run. Every tensor must be one that the architecture of config.json reads, of the shape it
 * says, and none may be left over: a model with more to it is refused rather than run without it.
 *
 * @throws FORWARD_UNSUPPORTED
 */
export function openModel(checkpoint: Checkpoint): Model {
  const { config, configProblem, tensors } = checkpoint;
  if (checkpoint.container === "gguf") {
    throw unsupported(
      "a model can be run only with its config.json, and a GGUF file has none",
      undefined,
      checkpoint.location,
    );
  }
  if (config === null) {
    const why = configProblem ?? "there is none";
    throw unsupported(`a model can be run only with its config.json, and ${why}`, undefined, checkpoint.location);
  }
  const reader = new ConfigReader(config);
  const modelType = reader.text("model_type");
  const family = FAMILIES.get(modelType);
  if (family === undefined) throw unsupported(`models of type ${modelType}`);
  // Packed weights that were decoded run like any others; of those that were not, the shapes below would say something else.
  const isDecoded = [...tensors.values()].some(({ scheme }) => scheme !== undefined);
  if (reader.has("quantization_config") && !isDecoded) throw unsupported("quantised weights (quantization_config)");
  const architecture = family(reader, tensors);
  const weights = new WeightReader(checkpoint);
  requireTensors(checkpoint, architecture);
  return { architecture, weights };
}

function requireTensors({ tensors }: Checkpoint, architecture: Architecture): void {
  if (Math.max(architecture.width, architecture.hidden) > MAX_WIDTH) {
    throw unsupported(`a width of ${Math.max(architecture.width, architecture.hidden)}`);
  }
  const expected = expectedShapes(architecture);
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw unsupported("config.json asks for a tensor that is not there", name);
    if (tensor.shape.join("x") !== shape.join("x")) {
      throw unsupported(`the shape is ${tensor.shape.join(" x ")}, config.json asks for ${shape.join(" x ")}`, name);
    }
    if (!FLOATS.has(tensor.dtype)) throw unsupported(`the type is ${tensor.dtype}`, name);
  }
  for (const name of tensors.keys()) {
    if (!expected.has(name) && !HEADS.includes(name) && !BUFFERS.test(name)) {
      throw unsupported(`a ${architecture.modelType} model has no such tensor`, name);
    }
  }
}

/** Shape of every tensor that the pass reads. */
function expectedShapes(architecture: Architecture): Map<string, readonly number[]> {
  const { vocabulary, width, positions } = architecture;
  const shapes = new Map<string, readonly number[]>();
  const addNorm = (norm: Norm | null | undefined): void => {
    if (!norm) return;
    for (const name of [norm.weight, norm.bias]) if (name !== null) shapes.set(name, [norm.size]);
  };
  const addLinear = (linear: Linear | null): void => {
    if (linear === null) return;
    const { weight, bias, rows, columns, stored } = linear;
    shapes.set(weight, stored === "out-in" ? [rows, columns] : [columns, rows]);
    if (bias !== null) shapes.set(bias, [rows]);
  };
  shapes.set(architecture.embedding, [vocabulary, width]);
  if (architecture.positionEmbedding !== null) shapes.set(architecture.positionEmbedding, [positions, width]);
  for (const layer of architecture.layers) {
    const { attention, headNorms } = layer;
    const norms = [layer.attentionNorm, layer.afterAttention, layer.feedForwardNorm, layer.afterFeedForward];
    for (const norm of [...norms, headNorms?.q, headNorms?.k]) addNorm(norm);
    const inward = attention.layout === "separate" ? [attention.q, attention.k, attention.v] : [attention.qkv];
    for (const linear of [...inward, layer.output, layer.gate, layer.up, layer.down]) addLinear(linear);
  }
  addNorm(architecture.finalNorm);
  shapes.set(architecture.head, [vocabulary, width]);
  return shapes;
}

/**
 * Refuses a head that is stored although config.json ties it, unless the two are equal: libraries differ on which of them
 * counts. Throws FORWARD_UNSUPPORTED.
 */
export async function requireOneHead({ tensors }: Checkpoint, { architecture, weights }: Model): Promise<void> {
  for (const name of HEADS) {
    if (!tensors.has(name) || name === architecture.head) continue;
    if (await weights.sameBytes(architecture.head, name)) continue;
    throw unsupported("config.json ties the head to the embedding, but another head is stored", name);
  }
}
