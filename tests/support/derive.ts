import { prng } from "../../src/numerics/prng.ts";
import { type Model, type ModelTensor, unit } from "./random-model.ts";
import { fromBf16, fromF16, toBf16, toF16 } from "./rounding.ts";

type Edit = (values: Float32Array, tensor: ModelTensor, name: string) => Float32Array;

/** Edits the values of every matrix of two dimensions; names, norms and biases stay. */
export function mapMatrices(model: Model, edit: Edit): Model {
  return new Map(
    [...model].map(([name, tensor]) => [
      name,
      tensor.shape.length === 2 ? { ...tensor, values: edit(tensor.values, tensor, name) } : tensor,
    ]),
  );
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

/** Gaussian noise of `size` times the matrix's RMS. */
export function addNoise(model: Model, size: number, seed = 1): Model {
  const random = prng(`noise ${seed}`);
  return mapMatrices(model, (values) => {
    const scale = size * rms(values);
    return values.map((x) => x + scale * random.normal());
  });
}

/** The given fraction of every matrix, smallest first, set to zero. */
export function prune(model: Model, fraction: number): Model {
  return mapMatrices(model, (values) => {
    const edge = values.map(Math.abs).sort()[Math.floor(fraction * values.length)]!;
    return values.map((x) => (Math.abs(x) < edge ? 0 : x));
  });
}

/** Values rounded to the type and stored as it. */
export function cast(model: Model, dtype: ModelTensor["dtype"]): Model {
  return new Map(
    [...model].map(([name, t]) => {
      const values =
        dtype === "BF16"
          ? t.values.map((x) => fromBf16(toBf16(x)))
          : dtype === "F16"
            ? t.values.map((x) => fromF16(toF16(x)))
            : t.values;
      return [name, { ...t, values, dtype }];
    }),
  );
}

/** Round to nearest on a symmetric grid per group of a row, and back. */
export function quantise(model: Model, bits: 4 | 8, group = 32): Model {
  const top = 2 ** (bits - 1) - 1;
  return mapMatrices(model, (values) => {
    const out = values.slice();
    for (let start = 0; start < out.length; start += group) {
      const part = out.subarray(start, start + group);
      const step = Math.fround(part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / top);
      if (step > 0) for (let i = 0; i < part.length; i++) part[i] = Math.round(part[i]! / step) * step;
    }
    return out;
  });
}

const TABLES = /embed_tokens|lm_head|\.w[tp]e\.|embed_(?:in|out)/;

/** Low-rank change of every matrix but token tables, `size` times its norm. */
export function addLora(model: Model, rank: number, size: number, seed = 1): Model {
  const random = prng(`lora ${seed}`);
  return mapMatrices(model, (values, { shape }, name) => {
    if (TABLES.test(name)) return values;
    const [rows, cols] = shape as [number, number];
    const out = values.slice();
    const scale = (size * rms(values) * Math.sqrt(values.length)) / Math.sqrt(rank);
    for (let k = 0; k < rank; k++) {
      const left = unit(rows, random);
      const right = unit(cols, random);
      for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[i * cols + j]! += scale * left[i]! * right[j]!;
    }
    return out;
  });
}

/** weight * a + (1 - weight) * b, tensor by tensor. */
export function average(a: Model, b: Model, weight: number): Model {
  return new Map(
    [...a].map(([name, t]) => {
      const other = b.get(name)!.values;
      return [name, { ...t, values: t.values.map((x, i) => weight * x + (1 - weight) * other[i]!) }];
    }),
  );
}

export function rename(model: Model, to: (name: string) => string): Model {
  return new Map([...model].map(([name, tensor]) => [to(name), tensor]));
}

/** Meta's names for a Llama in a wrapper: other words, the same roles. */
export function metaNames(name: string): string {
  const words: readonly (readonly [string, string])[] = [
    ["model.embed_tokens", "tok_embeddings"],
    ["model.layers", "layers"],
    ["model.norm", "norm"],
    ["lm_head", "output"],
    ["self_attn.q_proj", "attention.wq"],
    ["self_attn.k_proj", "attention.wk"],
    ["self_attn.v_proj", "attention.wv"],
    ["self_attn.o_proj", "attention.wo"],
    ["input_layernorm", "attention_norm"],
    ["post_attention_layernorm", "ffn_norm"],
    ["mlp.gate_proj", "feed_forward.w1"],
    ["mlp.up_proj", "feed_forward.w3"],
    ["mlp.down_proj", "feed_forward.w2"],
  ];
  return `module.${words.reduce((text, [from, to]) => text.replace(from, to), name)}`;
}

/** Names that say nothing, in another order. */
export function scramble(model: Model, seed = 1): Model {
  const order = shuffled([...model], seed);
  return new Map(order.map(([, tensor], i) => [`p${i}`, tensor]));
}

export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = Uint32Array.from(items.keys());
  prng(`order ${seed}`).shuffle(order);
  return [...order].map((i) => items[i]!);
}

export function reorderTensors(model: Model, seed = 1): Model {
  return new Map(shuffled([...model], seed));
}

export function shard(model: Model, count: number): Model[] {
  const shards: Map<string, ModelTensor>[] = Array.from({ length: count }, () => new Map());
  [...model].forEach(([name, tensor], i) => {
    shards[i % count]!.set(name, tensor);
  });
  return shards;
}

/** New layer i is old layer `order[i]`: drops, repeats and other orders. */
export function relayer(model: Model, order: readonly number[]): Model {
  const out = new Map<string, ModelTensor>();
  for (const [name, tensor] of model) {
    const match = /^(.*\.(?:layers|h)\.)(\d+)(\..*)$/.exec(name);
    if (match === null) out.set(name, tensor);
    for (const [i, old] of order.entries()) {
      if (match !== null && old === Number(match[2])) out.set(`${match[1]}${i}${match[3]}`, tensor);
    }
  }
  return out;
}

/** Rows appended to every matrix over tokens. */
export function extendVocabulary(model: Model, extra: number, seed = 1): Model {
  const random = prng(`vocabulary ${seed}`);
  return new Map(
    [...model].map(([name, t]) => {
      if (!/embed_tokens|lm_head/.test(name)) return [name, t];
      const [rows, cols] = t.shape as [number, number];
      const values = new Float32Array((rows + extra) * cols);
      values.set(t.values);
      for (let i = rows * cols; i < values.length; i++) values[i] = 0.02 * random.normal();
      return [name, { ...t, shape: [rows + extra, cols], values }];
    }),
  );
}

/** W' = W diag(c) and g' = g / c for the norms of a Llama, c a power of two of either sign: the same function, exactly. */
export function refold(model: Model, seed = 1): Model {
  const random = prng(`refold ${seed}`);
  const readers = (norm: string): RegExp =>
    norm.includes("input_layernorm")
      ? /self_attn\.(?:q|k|v|qkv)_proj/
      : norm.includes("post_attention")
        ? /mlp\.(?:gate|up|gate_up)_proj|block_sparse_moe\.(?:gate|experts\.\d+\.w[13])\.weight/
        : /lm_head/;
  const out = new Map(model);
  for (const [name, norm] of model) {
    if (!/layernorm|model\.norm/.test(name)) continue;
    const final = name.endsWith("model.norm.weight");
    const c = norm.values.map(() => 2 ** (random.below(7) - 3) * (random.below(2) === 0 ? 1 : -1));
    out.set(name, { ...norm, values: norm.values.map((g, i) => g / c[i]!) });
    const layer = name.slice(0, name.lastIndexOf(".", name.length - ".weight".length - 1) + 1);
    for (const [reader, t] of model) {
      if (!readers(name).test(reader) || !(final || reader.startsWith(layer))) continue;
      out.set(reader, { ...t, values: t.values.map((x, i) => x * c[i % c.length]!) });
    }
  }
  return out;
}

/** Names that lie: equal shapes trade places within a layer, and layers trade numbers. */
export function lieAboutRoles(model: Model): Model {
  const traded = new Map([
    ["mlp.gate_proj", "mlp.up_proj"],
    ["mlp.up_proj", "mlp.gate_proj"],
    ["self_attn.k_proj", "self_attn.v_proj"],
    ["self_attn.v_proj", "self_attn.k_proj"],
    ["self_attn.q_proj", "self_attn.o_proj"],
    ["self_attn.o_proj", "self_attn.q_proj"],
  ]);
  return rename(model, (name) => {
    for (const [from, to] of traded) if (name.includes(from)) return name.replace(from, to);
    return name;
  });
}

/** The stream of a Llama without every nth of its dimensions, or with one of zeros in front. */
export function restream(from: Model, nth: number | null): Model {
  const whole = [...from.get("model.norm.weight")!.values.keys()];
  const kept = nth === null ? [-1, ...whole] : whole.filter((i) => i % nth !== nth - 1);
  const width = kept.length;
  return new Map(
    [...from].map(([name, { shape, values, ...rest }]) => {
      const axis = /(?:o_proj|down_proj|norm)\.weight$/.test(name) ? 0 : 1;
      const cols = shape[1] ?? 1;
      const to = shape.map((size, i) => (i === axis ? width : size));
      const out = new Float32Array(to.reduce((a, b) => a * b, 1));
      const toCols = to[1] ?? 1;
      for (let at = 0; at < out.length; at++) {
        const [row, column] = [Math.floor(at / toCols), at % toCols];
        const source = kept[axis === 0 ? row : column]!;
        if (source >= 0) out[at] = values[axis === 0 ? source * cols + column : row * cols + source]!;
      }
      return [name, { ...rest, shape: to, values: out }];
    }),
  );
}
