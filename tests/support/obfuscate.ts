import { matmul } from "../../src/kernels/matmul.ts";
import { type Prng, permutation, prng } from "../../src/numerics/prng.ts";
import type { Model, ModelTensor } from "./random-model.ts";

/*
 * Changes that leave what a Llama-style model computes as it is (up to rounding) and hide where its weights were. Each
 * matrix is changed by itself from draws that depend on the seed and the place alone, so that models larger than memory can
 * be changed tensor by tensor: `obfuscator(...)` gives a function of one tensor, `obfuscate` applies it to a model in memory.
 */

export interface LlamaShape {
  readonly width: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
}

/** What to do, all off by default. */
export interface Disguise {
  readonly neuronOrder?: boolean;
  /** Signs of up rows and down columns. */
  readonly neuronSigns?: boolean;
  /** Positive factors of up rows, taken out of down columns. */
  readonly neuronScales?: boolean;
  /** Neurons that compute nothing that arrives, appended. */
  readonly dummyNeurons?: number;
  /** This many neurons become two each, whose down columns add up to theirs. */
  readonly splitNeurons?: number;
  /** Order of key/value groups and of the query heads in each. */
  readonly headOrder?: boolean;
  readonly values?: "signs" | "dense";
  /** Rotary planes turned by 180 degrees, or turned and stretched by any amount, of keys against queries. */
  readonly keys?: "signs" | "planes";
  /** llama.cpp's order of query and key rows: planes (i, i + half) become neighbours. No longer the same function in itself. */
  readonly interleavedKeys?: boolean;
  readonly residual?: "permutation" | "signed-permutation" | "rotation";
  /** Gains of the norms multiplied into the matrices behind them; a rotation needs it and does it. */
  readonly foldNorms?: boolean;
  /** Order of tokens. */
  readonly tokenOrder?: boolean;
}

export type Obfuscator = (name: string, tensor: ModelTensor) => ModelTensor;

/**
 * `gainOf` gives the values of a norm's tensor by name: folding needs them beside the matrix. All else about a matrix is
 * in its name (Hugging Face's names for Llama) and `shape`.
 */
export function obfuscator(
  shape: LlamaShape,
  disguise: Disguise,
  seed: number,
  gainOf: (norm: string) => Float32Array,
): Obfuscator {
  const rotation = disguise.residual === undefined ? null : residualMap(shape.width, disguise.residual, seed);
  const folds = disguise.foldNorms === true || disguise.residual === "rotation";
  return (name, tensor) => {
    const place = placeOf(name);
    if (place === null) return tensor;
    let { values } = tensor;
    let [rows, cols] = [tensor.shape[0]!, tensor.shape[1] ?? 1];
    if (place.role === "norm") {
      if (folds) return { ...tensor, values: values.map(() => 1) };
      // A permuted stream needs its gains permuted; their signs stay, since both sides of the product turn.
      const moved = rotation === null ? values : rotateColumns(values, cols === 1 ? rows : cols, rotation, true);
      return { ...tensor, values: moved };
    }
    const norm = normBefore(name, place.role);
    if (folds && norm !== null) values = scaleColumns(values, gainOf(norm));
    if (place.role === "embed" || place.role === "head") {
      if (disguise.tokenOrder) values = gatherRows(values, cols, permutation(rows, `tokens ${seed}`));
      return { ...tensor, values: rotation === null ? values.slice() : rotateColumns(values, cols, rotation) };
    }
    if (place.role === "q" || place.role === "k" || place.role === "v" || place.role === "o") {
      values = attention(values, place.role, shape, disguise, `heads ${seed} ${place.layer}`);
    } else {
      values = feedForward(
        values,
        cols,
        place.role,
        shape.hidden,
        disguise,
        `neurons ${seed} ${place.layer} ${place.expert}`,
      );
    }
    const writes = place.role === "o" || place.role === "down";
    cols = place.role === "down" ? values.length / rows : cols;
    rows = values.length / cols;
    if (rotation !== null) values = writes ? rotateRows(values, cols, rotation) : rotateColumns(values, cols, rotation);
    return { ...tensor, shape: [rows, cols], values };
  };
}

/** All tensors of a model in memory. Folding the last norm's gain into a tied embedding gives the model a head of its own. */
export function obfuscate(original: Model, shape: LlamaShape, disguise: Disguise, seed = 1): Model {
  const model = new Map(original);
  const embed = model.get("model.embed_tokens.weight");
  const folds = disguise.foldNorms === true || disguise.residual === "rotation";
  if (folds && embed !== undefined && !model.has("lm_head.weight")) model.set("lm_head.weight", embed);
  const change = obfuscator(shape, disguise, seed, (norm) => model.get(norm)!.values);
  return new Map([...model].map(([name, tensor]) => [name, change(name, tensor)]));
}

type Role = "q" | "k" | "v" | "o" | "gate" | "up" | "down";

function placeOf(name: string): { layer: number; expert: string; role: Role | "norm" | "embed" | "head" } | null {
  if (name.endsWith("norm.weight") && !/[qk]_norm/.test(name)) return { layer: -1, expert: "", role: "norm" };
  if (name.includes("embed_tokens")) return { layer: -1, expert: "", role: "embed" };
  if (name.includes("lm_head")) return { layer: -1, expert: "", role: "head" };
  const match = /layers\.(\d+)\.(?:self_attn|mlp)\.(?:experts\.(\d+)\.)?([qkvo]|gate|up|down)_proj\.weight$/.exec(name);
  return match === null ? null : { layer: Number(match[1]), expert: match[2] ?? "", role: match[3] as Role };
}

function normBefore(name: string, role: string): string | null {
  const layer = /^(.*layers\.\d+\.)/.exec(name)?.[1];
  if (role === "q" || role === "k" || role === "v") return `${layer}input_layernorm.weight`;
  if (role === "gate" || role === "up") return `${layer}post_attention_layernorm.weight`;
  return role === "head" ? "model.norm.weight" : null;
}

// ---- Feed-forward

function feedForward(
  values: Float32Array,
  cols: number,
  role: Role,
  hidden: number,
  disguise: Disguise,
  seed: string,
): Float32Array {
  const random = prng(seed);
  const order = disguise.neuronOrder
    ? permutation(hidden, `${seed} order`)
    : Uint32Array.from({ length: hidden }, (_, i) => i);
  const signs = Float32Array.from(order, () => (random.below(2) === 1 && disguise.neuronSigns ? -1 : 1));
  const scales = Float32Array.from(order, () => {
    const factor = 2 ** (4 * random.float() - 2);
    return disguise.neuronScales ? factor : 1;
  });
  const split = disguise.splitNeurons ?? 0;
  const shares = Float32Array.from({ length: split }, () => 0.2 + 0.6 * random.float());
  const dummies = disguise.dummyNeurons ?? 0;
  const wide = hidden + split + dummies;
  if (role !== "down") {
    const out = new Float32Array(wide * cols);
    for (let i = 0; i < hidden + split; i++) {
      const from = i < hidden ? i : i - hidden;
      const factor = role === "up" ? signs[from]! * scales[from]! : 1;
      const source = order[from]! * cols;
      for (let j = 0; j < cols; j++) out[i * cols + j] = factor * values[source + j]!;
    }
    // What dummies compute is multiplied by zeros of down; it looks like any other neuron.
    const noise = prng(`${seed} ${role} dummies`);
    const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    for (let at = (hidden + split) * cols; at < out.length; at++) out[at] = size * noise.normal();
    return out;
  }
  const rows = values.length / hidden;
  const out = new Float32Array(rows * wide);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < hidden + split; i++) {
      const from = i < hidden ? i : i - hidden;
      const share = from >= split ? 1 : i < hidden ? shares[from]! : 1 - shares[from]!;
      out[r * wide + i] = (share * signs[from]! * values[r * hidden + order[from]!]!) / scales[from]!;
    }
  }
  return out;
}

// ---- Attention

function attention(
  values: Float32Array,
  role: "q" | "k" | "v" | "o",
  { width, heads, kvHeads, headSize }: LlamaShape,
  disguise: Disguise,
  seed: string,
): Float32Array {
  const perGroup = heads / kvHeads;
  const groups = disguise.headOrder
    ? permutation(kvHeads, `${seed} groups`)
    : Uint32Array.from({ length: kvHeads }, (_, i) => i);
  const queries = Uint32Array.from({ length: heads }, (_, h) => {
    const [g, i] = [Math.floor(h / perGroup), h % perGroup];
    const inside = disguise.headOrder ? permutation(perGroup, `${seed} group ${g}`)[i]! : i;
    return groups[g]! * perGroup + inside;
  });
  const order = role === "q" || role === "o" ? queries : groups;
  // o is worked on as its transpose, whose rows are those of heads.
  const rows = role === "o" ? transpose(values, heads * headSize) : values;
  const cols = width;
  const out = new Float32Array(rows.length);
  order.forEach((from, to) => {
    const group = role === "q" || role === "o" ? Math.floor(to / perGroup) : to;
    const block = rows.subarray(from * headSize * cols, (from + 1) * headSize * cols);
    out.set(headBlock(block, role, headSize, disguise, `${seed} ${group}`), to * headSize * cols);
  });
  return role === "o" ? transpose(out, cols) : out;
}

function headBlock(block: Float32Array, role: string, size: number, disguise: Disguise, seed: string): Float32Array {
  if (role === "v" || role === "o") {
    if (disguise.values === undefined) return block;
    const { mix, inverse } = valueMix(size, disguise.values, `${seed} values`);
    const matrix = role === "v" ? mix : transpose(inverse, size);
    return matmul(matrix, block, { rows: size, depth: size, columns: block.length / size });
  }
  const cols = block.length / size;
  let out = block;
  if (disguise.keys !== undefined) {
    out = block.slice();
    const random = prng(`${seed} planes`);
    const half = size / 2;
    for (let i = 0; i < half; i++) {
      const angle = disguise.keys === "signs" ? Math.PI * random.below(2) : 2 * Math.PI * random.float();
      const stretch = disguise.keys === "signs" ? 1 : 2 ** (2 * random.float() - 1);
      const factor = role === "k" ? stretch : 1 / stretch;
      const [c, s] = [factor * Math.cos(angle), factor * Math.sin(angle)];
      for (let j = 0; j < cols; j++) {
        const [x, y] = [block[i * cols + j]!, block[(i + half) * cols + j]!];
        out[i * cols + j] = c * x - s * y;
        out[(i + half) * cols + j] = s * x + c * y;
      }
    }
  }
  if (!disguise.interleavedKeys) return out;
  const half = size / 2;
  return gatherRows(
    out,
    cols,
    Uint32Array.from({ length: size }, (_, i) => (i % 2) * half + Math.floor(i / 2)),
  );
}

/** A map of value rows and its inverse, size x size. */
function valueMix(size: number, kind: "signs" | "dense", seed: string): { mix: Float32Array; inverse: Float32Array } {
  const random = prng(seed);
  const mix = new Float32Array(size * size);
  const inverse = new Float32Array(size * size);
  if (kind === "signs") {
    for (let i = 0; i < size; i++) mix[i * size + i] = inverse[i * size + i] = random.below(2) === 1 ? -1 : 1;
    return { mix, inverse };
  }
  // Rotation, stretches between 1/2 and 2, rotation.
  const [a, b] = [randomRotation(size, random), randomRotation(size, random)];
  const stretch = Float32Array.from({ length: size }, () => 2 ** (2 * random.float() - 1));
  const product = (left: Float32Array, factors: Float32Array, right: Float32Array): Float32Array =>
    matmul(scaleColumns(left, factors), right, { rows: size, depth: size, columns: size });
  return {
    mix: product(a, stretch, b),
    inverse: product(
      transpose(b, size),
      stretch.map((x) => 1 / x),
      transpose(a, size),
    ),
  };
}

// ---- Residual stream

/** x' = x Q: a signed permutation or any orthogonal matrix. */
export type StreamMap =
  | { readonly order: Uint32Array; readonly signs: Float32Array }
  | { readonly matrix: Float32Array; readonly transposed: Float32Array };

export function residualMap(width: number, kind: NonNullable<Disguise["residual"]>, seed: number): StreamMap {
  const random = prng(`stream ${seed}`);
  if (kind === "rotation") {
    const matrix = randomRotation(width, random);
    return { matrix, transposed: transpose(matrix, width) };
  }
  const flips = kind === "signed-permutation";
  const signs = Float32Array.from({ length: width }, () => (random.below(2) === 1 && flips ? -1 : 1));
  return { order: permutation(width, `stream order ${seed}`), signs };
}

/** W Q for rows that read the stream. */
export function rotateColumns(values: Float32Array, cols: number, map: StreamMap, positive = false): Float32Array {
  const rows = values.length / cols;
  if ("matrix" in map) return matmul(values, map.matrix, { rows, depth: cols, columns: cols });
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += cols) {
    for (let j = 0; j < cols; j++) out[at + j] = (positive ? 1 : map.signs[j]!) * values[at + map.order[j]!]!;
  }
  return out;
}

/** Q^T W for matrices that write the stream. */
export function rotateRows(values: Float32Array, cols: number, map: StreamMap): Float32Array {
  const rows = values.length / cols;
  if ("matrix" in map) return matmul(map.transposed, values, { rows, depth: rows, columns: cols });
  const out = gatherRows(values, cols, map.order);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[i * cols + j]! *= map.signs[i]!;
  return out;
}

/** A random orthogonal matrix: Gram-Schmidt, twice, on Gaussian rows. */
export function randomRotation(n: number, random: Prng): Float32Array {
  const rows = Array.from({ length: n }, () => Float64Array.from({ length: n }, () => random.normal()));
  for (let i = 0; i < n; i++) {
    const row = rows[i]!;
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const other = rows[k]!;
        let overlap = 0;
        for (let j = 0; j < n; j++) overlap += row[j]! * other[j]!;
        for (let j = 0; j < n; j++) row[j]! -= overlap * other[j]!;
      }
    }
    let length = 0;
    for (let j = 0; j < n; j++) length += row[j]! ** 2;
    for (let j = 0; j < n; j++) row[j]! /= Math.sqrt(length);
  }
  const out = new Float32Array(n * n);
  rows.forEach((row, i) => {
    out.set(row, i * n);
  });
  return out;
}

// ---- Matrices

function gatherRows(values: Float32Array, cols: number, order: Uint32Array): Float32Array {
  const out = new Float32Array(values.length);
  order.forEach((from, to) => {
    out.set(values.subarray(from * cols, (from + 1) * cols), to * cols);
  });
  return out;
}

function scaleColumns(values: Float32Array, factors: Float32Array): Float32Array {
  return values.map((x, i) => x * factors[i % factors.length]!);
}

function transpose(values: Float32Array, cols: number): Float32Array {
  const rows = values.length / cols;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = values[i * cols + j]!;
  return out;
}
