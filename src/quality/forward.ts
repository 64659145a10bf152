import type { DenseEngine } from "../numerics/dense-engine.ts";
import { activate } from "./activation.ts";
import type { Architecture, LayerPlan, Rotary } from "./architecture.ts";
import { attend, type Heads } from "./attention.ts";
import { applyLinear } from "./linear.ts";
import type { Model } from "./model.ts";
import { applyNorm } from "./norm.ts";
import { type RotaryTable, rotaryTable, rotate } from "./rotary.ts";
import type { WeightReader } from "./weight-reader.ts";

/** Token ids of a batch of independent sequences. */
export type Windows = readonly (readonly number[])[];

/**
 * What the head of the model reads: the normalised residual of every token, [tokens x width], sequences one after the
 * other. f32 activations; weights pass by once for the whole batch, a band of one matrix at a time.
 */
export async function hiddenStates(engine: DenseEngine, model: Model, windows: Windows): Promise<Float32Array> {
  const { architecture, weights } = model;
  const pass = new Pass(engine, model, windows);
  let x = await embed(architecture, weights, windows);
  for (const layer of architecture.layers) x = await pass.layer(layer, x);
  return applyNorm(weights, architecture.norm, architecture.finalNorm, x);
}

/** One batch on its way through the layers. */
class Pass {
  readonly #engine: DenseEngine;
  readonly #weights: WeightReader;
  readonly #architecture: Architecture;
  readonly #lengths: readonly number[];
  readonly #positions: Int32Array;
  /** Layers share one or two sets of rotary parameters, equal by value. */
  readonly #tables = new Map<string, RotaryTable>();

  constructor(engine: DenseEngine, { architecture, weights }: Model, windows: Windows) {
    this.#engine = engine;
    this.#architecture = architecture;
    this.#weights = weights;
    this.#lengths = windows.map(({ length }) => length);
    this.#positions = Int32Array.from(windows.flatMap((window) => window.map((_, i) => i)));
  }

  async layer(layer: LayerPlan, x: Float32Array): Promise<Float32Array> {
    const { norm, parallelResidual } = this.#architecture;
    const weights = this.#weights;
    let attended = await this.#attention(layer, await applyNorm(weights, norm, layer.attentionNorm, x));
    if (layer.afterAttention !== null) attended = await applyNorm(weights, norm, layer.afterAttention, attended);
    const read = parallelResidual ? x : sum(x, attended);
    let fed = await this.#feedForward(layer, await applyNorm(weights, norm, layer.feedForwardNorm, read));
    if (layer.afterFeedForward !== null) fed = await applyNorm(weights, norm, layer.afterFeedForward, fed);
    return parallelResidual ? sum(sum(fed, attended), x) : sum(read, fed);
  }

  async #attention(layer: LayerPlan, x: Float32Array): Promise<Float32Array> {
    const { headSize, norm } = this.#architecture;
    const { q, k, v } = await this.#queryKeyValue(layer, x);
    const { headNorms, rotary } = layer;
    const heads = {
      q: headNorms === null ? q : await applyNorm(this.#weights, norm, headNorms.q, q),
      k: headNorms === null ? k : await applyNorm(this.#weights, norm, headNorms.k, k),
      v,
    };
    if (rotary !== null) {
      const table = this.#table(rotary);
      rotate(heads.q, table, headSize, this.#positions);
      rotate(heads.k, table, headSize, this.#positions);
    }
    const mixed = attend(this.#engine, this.#architecture, heads, this.#lengths, layer.window);
    return applyLinear(this.#engine, this.#weights, layer.output, mixed);
  }

  async #queryKeyValue({ attention }: LayerPlan, x: Float32Array): Promise<Heads> {
    if (attention.layout === "separate") {
      return {
        q: await applyLinear(this.#engine, this.#weights, attention.q, x),
        k: await applyLinear(this.#engine, this.#weights, attention.k, x),
        v: await applyLinear(this.#engine, this.#weights, attention.v, x),
      };
    }
    const fused = await applyLinear(this.#engine, this.#weights, attention.qkv, x);
    const { width, headSize } = this.#architecture;
    // Three runs per token, or three per head.
    const run = attention.layout === "thirds" ? width : headSize;
    return { q: everyThird(fused, run, 0), k: everyThird(fused, run, 1), v: everyThird(fused, run, 2) };
  }

  async #feedForward({ gate, up, down }: LayerPlan, x: Float32Array): Promise<Float32Array> {
    const { activation } = this.#architecture;
    const rising = await applyLinear(this.#engine, this.#weights, up, x);
    const opened =
      gate === null
        ? activate(activation, rising, null)
        : activate(activation, await applyLinear(this.#engine, this.#weights, gate, x), rising);
    return applyLinear(this.#engine, this.#weights, down, opened);
  }

  #table(rotary: Rotary): RotaryTable {
    const key = JSON.stringify(rotary);
    const table = this.#tables.get(key) ?? rotaryTable(rotary, Math.max(...this.#lengths));
    this.#tables.set(key, table);
    return table;
  }
}

async function embed(architecture: Architecture, weights: WeightReader, windows: Windows): Promise<Float32Array> {
  const { width, embedding, embeddingScale, positionEmbedding } = architecture;
  const tokens = windows.flat();
  const out = new Float32Array(tokens.length * width);
  for (const [t, token] of tokens.entries()) {
    const row = await weights.elements(embedding, token * width, width);
    for (let i = 0; i < width; i++) out[t * width + i] = row[i]! * embeddingScale;
  }
  if (positionEmbedding === null) return out;
  const longest = Math.max(...windows.map(({ length }) => length));
  const positions = await weights.elements(positionEmbedding, 0, longest * width);
  let at = 0;
  for (const { length } of windows) {
    for (let i = 0; i < length * width; i++) out[at + i]! += positions[i]!;
    at += length * width;
  }
  return out;
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + b[i]!);
}

/** Runs `part`, `part + 3`, `part + 6` ... of a fused product. */
function everyThird(fused: Float32Array, run: number, part: number): Float32Array {
  const out = new Float32Array(fused.length / 3);
  for (let i = 0; i < out.length / run; i++) {
    out.set(fused.subarray((3 * i + part) * run, (3 * i + part + 1) * run), i * run);
  }
  return out;
}
