import type { Dtype } from "../../src/formats/tensor-info.ts";
import { type Prng, prng } from "../../src/numerics/prng.ts";

/** A model as it lies in memory: names, shapes, values. `dtype` says how it is stored. */
export interface ModelTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly dtype: Extract<Dtype, "F32" | "F16" | "BF16" | "F64">;
}
export type Model = ReadonlyMap<string, ModelTensor>;

export interface ModelShape {
  readonly family: "llama" | "gpt2" | "neox" | "phi3" | "mixtral" | "llava";
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly tied: boolean;
}

export const SMALL: ModelShape = { family: "llama", width: 64, hidden: 96, layers: 3, vocabulary: 320, tied: false };

export interface ModelSeeds {
  /** Of the random initial weights. */
  readonly init: number;
  /** Of what training put on top: eight directions per matrix that stand clear of the noise. @default `init` */
  readonly training?: number;
}

/** Directions that training adds to a matrix, and their size over the largest singular value of the initial noise. */
const LEARNED = 8;
const LEARNED_SIZE = 3;
const INITIAL = 0.02;

/** A model that never was trained but looks so: Gaussian initial weights plus a few strong directions per matrix. */
export function randomModel(seeds: ModelSeeds, shape: Partial<ModelShape> = {}): Model {
  const full = { ...SMALL, ...shape };
  const init = prng(`init ${seeds.init}`);
  const training = prng(`training ${seeds.training ?? seeds.init}`);
  const tensors = new Map<string, ModelTensor>();
  for (const [name, dims] of parameters(full)) {
    const values = dims.length === 1 ? norm(dims[0]!, name, training) : matrix(dims[0]!, dims[1]!, init, training);
    tensors.set(name, { shape: dims, values, dtype: "F32" });
  }
  return tensors;
}

function norm(width: number, name: string, random: Prng): Float32Array {
  const centre = name.endsWith("bias") ? 0 : 1;
  return Float32Array.from({ length: width }, () => centre + 0.05 * random.normal());
}

/** rows x cols, row-major. */
function matrix(rows: number, cols: number, init: Prng, training: Prng): Float32Array {
  const values = Float32Array.from({ length: rows * cols }, () => INITIAL * init.normal());
  const edge = INITIAL * (Math.sqrt(rows) + Math.sqrt(cols));
  for (let k = 0; k < LEARNED; k++) {
    const left = unit(rows, training);
    const right = unit(cols, training);
    const size = edge * (LEARNED_SIZE - k / LEARNED);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) values[i * cols + j]! += size * left[i]! * right[j]!;
    }
  }
  return values;
}

export function unit(n: number, random: Prng): Float64Array {
  const x = Float64Array.from({ length: n }, () => random.normal());
  const length = Math.hypot(...x);
  return x.map((value) => value / length);
}

/** Names and shapes as the family's library stores them. */
function* parameters(s: ModelShape): Generator<readonly [string, readonly number[]]> {
  switch (s.family) {
    case "gpt2":
      return yield* gpt2(s);
    case "neox":
      return yield* neox(s);
    case "llava":
      yield* llama(s, "language_model.");
      return yield* vision({ ...s, width: (s.width * 3) / 4, hidden: s.width });
    default:
      return yield* llama(s, "");
  }
}

function* llama({ family, width, hidden, layers, vocabulary, tied }: ModelShape, prefix: string) {
  yield [`${prefix}model.embed_tokens.weight`, [vocabulary, width]] as const;
  const narrow = width / 2;
  for (let n = 0; n < layers; n++) {
    const at = `${prefix}model.layers.${n}`;
    yield [`${at}.input_layernorm.weight`, [width]] as const;
    if (family === "phi3") yield [`${at}.self_attn.qkv_proj.weight`, [width + 2 * narrow, width]] as const;
    else {
      yield [`${at}.self_attn.q_proj.weight`, [width, width]] as const;
      yield [`${at}.self_attn.k_proj.weight`, [narrow, width]] as const;
      yield [`${at}.self_attn.v_proj.weight`, [narrow, width]] as const;
    }
    yield [`${at}.self_attn.o_proj.weight`, [width, width]] as const;
    yield [`${at}.post_attention_layernorm.weight`, [width]] as const;
    if (family === "mixtral") {
      yield [`${at}.block_sparse_moe.gate.weight`, [3, width]] as const;
      for (let e = 0; e < 3; e++) {
        const expert = `${at}.block_sparse_moe.experts.${e}`;
        yield [`${expert}.w1.weight`, [hidden, width]] as const;
        yield [`${expert}.w2.weight`, [width, hidden]] as const;
        yield [`${expert}.w3.weight`, [hidden, width]] as const;
      }
      continue;
    }
    if (family === "phi3") yield [`${at}.mlp.gate_up_proj.weight`, [2 * hidden, width]] as const;
    else {
      yield [`${at}.mlp.gate_proj.weight`, [hidden, width]] as const;
      yield [`${at}.mlp.up_proj.weight`, [hidden, width]] as const;
    }
    yield [`${at}.mlp.down_proj.weight`, [width, hidden]] as const;
  }
  yield [`${prefix}model.norm.weight`, [width]] as const;
  if (!tied) yield [`${prefix}lm_head.weight`, [vocabulary, width]] as const;
}

/** Linears stored as [in, out]. */
function* gpt2({ width, hidden, layers, vocabulary }: ModelShape) {
  yield ["transformer.wte.weight", [vocabulary, width]] as const;
  yield ["transformer.wpe.weight", [64, width]] as const;
  for (let n = 0; n < layers; n++) {
    const at = `transformer.h.${n}`;
    yield* pair(`${at}.ln_1`, [width], width);
    yield* pair(`${at}.attn.c_attn`, [width, 3 * width], 3 * width);
    yield* pair(`${at}.attn.c_proj`, [width, width], width);
    yield* pair(`${at}.ln_2`, [width], width);
    yield* pair(`${at}.mlp.c_fc`, [width, hidden], hidden);
    yield* pair(`${at}.mlp.c_proj`, [hidden, width], width);
  }
  yield* pair("transformer.ln_f", [width], width);
}

function* neox({ width, hidden, layers, vocabulary }: ModelShape) {
  yield ["gpt_neox.embed_in.weight", [vocabulary, width]] as const;
  for (let n = 0; n < layers; n++) {
    const at = `gpt_neox.layers.${n}`;
    yield* pair(`${at}.input_layernorm`, [width], width);
    yield* pair(`${at}.attention.query_key_value`, [3 * width, width], 3 * width);
    yield* pair(`${at}.attention.dense`, [width, width], width);
    yield* pair(`${at}.post_attention_layernorm`, [width], width);
    yield* pair(`${at}.mlp.dense_h_to_4h`, [hidden, width], hidden);
    yield* pair(`${at}.mlp.dense_4h_to_h`, [width, hidden], width);
  }
  yield* pair("gpt_neox.final_layer_norm", [width], width);
  yield ["embed_out.weight", [vocabulary, width]] as const;
}

function* vision({ width, hidden, layers }: ModelShape) {
  const root = "vision_tower.vision_model";
  yield [`${root}.embeddings.patch_embedding.weight`, [width, 48]] as const;
  yield [`${root}.embeddings.position_embedding.weight`, [17, width]] as const;
  for (let n = 0; n < layers; n++) {
    const at = `${root}.encoder.layers.${n}`;
    yield* pair(`${at}.layer_norm1`, [width], width);
    for (const part of ["q", "k", "v", "out"])
      yield* pair(`${at}.self_attn.${part}_proj`, [width, width] as const, width);
    yield* pair(`${at}.layer_norm2`, [width], width);
    yield* pair(`${at}.mlp.fc1`, [hidden, width], hidden);
    yield* pair(`${at}.mlp.fc2`, [width, hidden], width);
  }
  yield* pair(`${root}.post_layernorm`, [width], width);
}

function* pair(stem: string, shape: readonly number[], bias: number) {
  yield [`${stem}.weight`, shape] as const;
  yield [`${stem}.bias`, [bias]] as const;
}
