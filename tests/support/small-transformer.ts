import { prng } from "../../src/numerics/prng.ts";
import type { Model, ModelTensor } from "./random-model.ts";

/** What sets a small transformer apart from the plainest Llama. */
interface Kind {
  readonly type: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly rotary: number;
  readonly pairing: "half" | "adjacent";
  readonly biases: boolean;
  readonly keyNorm: boolean;
  readonly plusOne: boolean;
  readonly experts: number;
  readonly layout: "llama" | "gpt2" | "neox";
  /** Extra fields of config.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

const LLAMA: Kind = {
  type: "llama",
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  rotary: 8,
  pairing: "half",
  biases: false,
  keyNorm: false,
  plusOne: false,
  experts: 0,
  layout: "llama",
  config: {},
};

const PLAIN = { kvHeads: 4, biases: true } as const;

export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["llama", LLAMA],
  ["llama with biases", { ...LLAMA, biases: true }],
  ["mistral", { ...LLAMA, type: "mistral", kvHeads: 1 }],
  ["qwen2", { ...LLAMA, type: "qwen2", biases: true }],
  ["qwen3", { ...LLAMA, type: "qwen3", keyNorm: true, headSize: 12, rotary: 12 }],
  ["gemma", { ...LLAMA, type: "gemma", plusOne: true }],
  ["mixtral", { ...LLAMA, type: "mixtral", experts: 3 }],
  ["glm4", { ...LLAMA, type: "glm4", pairing: "adjacent", rotary: 4, biases: true }],
  ["cohere", { ...LLAMA, type: "cohere", pairing: "adjacent" }],
  ["gpt2", { ...LLAMA, ...PLAIN, type: "gpt2", layout: "gpt2", rotary: 0 }],
  ["gpt_neox", { ...LLAMA, ...PLAIN, type: "gpt_neox", layout: "neox", rotary: 2, config: { rotary_pct: 0.25 } }],
]);

const WIDTH = 32;
const HIDDEN = 48;
const LAYERS = 2;
const VOCABULARY = 40;
const POSITIONS = 16;

export function configOf(kind: Kind): Readonly<Record<string, unknown>> {
  const { type, heads, kvHeads, headSize } = kind;
  if (kind.layout === "gpt2") return { model_type: type, n_head: heads, n_embd: WIDTH };
  const head = { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headSize };
  return { model_type: type, hidden_size: WIDTH, ...head, ...kind.config };
}

/** Random weights under the names and in the layouts of the library. */
export function smallTransformer(kind: Kind, seed: number): Map<string, ModelTensor> {
  const random = prng(`transformer ${seed}`);
  const model = new Map<string, ModelTensor>();
  const add = (name: string, ...shape: number[]): void => {
    const scale = shape.length === 1 ? 0.3 : 1 / Math.sqrt(WIDTH);
    const centre = /norm\.weight$|ln_[12f]\.weight$/.test(name) && !kind.plusOne ? 1 : 0;
    const values = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => centre + scale * random.normal(),
    );
    model.set(name, { shape, values, dtype: "F32" });
  };
  const linear = (stem: string, out: number, into: number, bias = kind.biases): void => {
    if (kind.layout === "gpt2") add(`${stem}.weight`, into, out);
    else add(`${stem}.weight`, out, into);
    if (bias) add(`${stem}.bias`, out);
  };
  const norm = (stem: string, size: number): void => {
    add(`${stem}.weight`, size);
    if (kind.layout !== "llama") add(`${stem}.bias`, size);
  };
  const queries = kind.heads * kind.headSize;
  const keys = kind.kvHeads * kind.headSize;
  if (kind.layout === "gpt2") {
    add("wte.weight", VOCABULARY, WIDTH);
    add("wpe.weight", POSITIONS, WIDTH);
    for (let n = 0; n < LAYERS; n++) {
      norm(`h.${n}.ln_1`, WIDTH);
      linear(`h.${n}.attn.c_attn`, queries + 2 * keys, WIDTH);
      linear(`h.${n}.attn.c_proj`, WIDTH, queries);
      norm(`h.${n}.ln_2`, WIDTH);
      linear(`h.${n}.mlp.c_fc`, HIDDEN, WIDTH);
      linear(`h.${n}.mlp.c_proj`, WIDTH, HIDDEN);
    }
    norm("ln_f", WIDTH);
  } else if (kind.layout === "neox") {
    add("gpt_neox.embed_in.weight", VOCABULARY, WIDTH);
    for (let n = 0; n < LAYERS; n++) {
      const at = `gpt_neox.layers.${n}`;
      norm(`${at}.input_layernorm`, WIDTH);
      linear(`${at}.attention.query_key_value`, 3 * queries, WIDTH);
      linear(`${at}.attention.dense`, WIDTH, queries);
      norm(`${at}.post_attention_layernorm`, WIDTH);
      linear(`${at}.mlp.dense_h_to_4h`, HIDDEN, WIDTH);
      linear(`${at}.mlp.dense_4h_to_h`, WIDTH, HIDDEN);
    }
    norm("gpt_neox.final_layer_norm", WIDTH);
    add("embed_out.weight", VOCABULARY, WIDTH);
  } else {
    add("model.embed_tokens.weight", VOCABULARY, WIDTH);
    for (let n = 0; n < LAYERS; n++) {
      const at = `model.layers.${n}`;
      norm(`${at}.input_layernorm`, WIDTH);
      linear(`${at}.self_attn.q_proj`, queries, WIDTH);
      linear(`${at}.self_attn.k_proj`, keys, WIDTH);
      linear(`${at}.self_attn.v_proj`, keys, WIDTH);
      linear(`${at}.self_attn.o_proj`, WIDTH, queries);
      if (kind.keyNorm) for (const x of ["q", "k"]) norm(`${at}.self_attn.${x}_norm`, kind.headSize);
      norm(`${at}.post_attention_layernorm`, WIDTH);
      for (const [gate, up, down] of feedForwards(at, kind)) {
        linear(gate, HIDDEN, WIDTH, kind.biases && kind.experts === 0);
        linear(up, HIDDEN, WIDTH, kind.biases && kind.experts === 0);
        linear(down, WIDTH, HIDDEN, kind.biases && kind.experts === 0);
      }
      if (kind.experts > 0) linear(`${at}.block_sparse_moe.gate`, kind.experts, WIDTH, false);
    }
    norm("model.norm", WIDTH);
    add("lm_head.weight", VOCABULARY, WIDTH);
  }
  return model;
}

function feedForwards(at: string, { experts }: Kind): readonly (readonly [string, string, string])[] {
  if (experts === 0) return [[`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`, `${at}.mlp.down_proj`]];
  return Array.from({ length: experts }, (_, e) => {
    const expert = `${at}.block_sparse_moe.experts.${e}`;
    return [`${expert}.w1`, `${expert}.w3`, `${expert}.w2`] as const;
  });
}

/** Logits at every position, [tokens x vocabulary], in f64. */
export function logits(model: Model, kind: Kind, tokens: readonly number[]): Float64Array {
  return new Pass(model, kind, tokens).run();
}

interface Projections {
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
}

/** One forward pass; every activation is [tokens x width], row-major. */
class Pass {
  readonly model: Model;
  readonly kind: Kind;
  readonly tokens: readonly number[];
  constructor(model: Model, kind: Kind, tokens: readonly number[]) {
    this.model = model;
    this.kind = kind;
    this.tokens = tokens;
  }

  run(): Float64Array {
    const { layout } = this.kind;
    const [embed, layers, final, head] =
      layout === "gpt2"
        ? ["wte", "h", "ln_f", "wte"]
        : layout === "neox"
          ? ["gpt_neox.embed_in", "gpt_neox.layers", "gpt_neox.final_layer_norm", "embed_out"]
          : ["model.embed_tokens", "model.layers", "model.norm", "lm_head"];
    const table = this.values(`${embed}.weight`);
    const x = new Float64Array(this.tokens.length * WIDTH);
    this.tokens.forEach((token, t) => {
      for (let j = 0; j < WIDTH; j++) x[t * WIDTH + j] = table[token * WIDTH + j]!;
      if (layout === "gpt2")
        for (let j = 0; j < WIDTH; j++) x[t * WIDTH + j]! += this.values("wpe.weight")[t * WIDTH + j]!;
    });
    for (let n = 0; n < LAYERS; n++) this.layer(x, `${layers}.${n}`);
    return this.linear(this.norm(x, final!, WIDTH), head!, VOCABULARY, layout === "gpt2");
  }

  layer(x: Float64Array, at: string): void {
    const { layout } = this.kind;
    const [first, second] = layout === "gpt2" ? ["ln_1", "ln_2"] : ["input_layernorm", "post_attention_layernorm"];
    const attended = this.attention(this.norm(x, `${at}.${first}`, WIDTH), at);
    if (layout === "neox") {
      const fed = this.feedForward(this.norm(x, `${at}.${second}`, WIDTH), at);
      addTo(x, attended);
      addTo(x, fed);
      return;
    }
    addTo(x, attended);
    const fed = this.feedForward(this.norm(x, `${at}.${second}`, WIDTH), at);
    addTo(x, fed);
  }

  attention(x: Float64Array, at: string): Float64Array {
    const { heads, kvHeads, headSize: d, layout } = this.kind;
    const { q, k, v } = this.projections(x, at);
    const T = this.tokens.length;
    const out = new Float64Array(T * heads * d);
    for (let h = 0; h < heads; h++) {
      const g = Math.floor((h * kvHeads) / heads);
      for (let t = 0; t < T; t++) {
        const scores = Array.from({ length: t + 1 }, (_, s) => {
          let sum = 0;
          for (let i = 0; i < d; i++) sum += q[(t * heads + h) * d + i]! * k[(s * kvHeads + g) * d + i]!;
          return sum / Math.sqrt(d);
        });
        const top = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - top));
        const total = weights.reduce((a, b) => a + b, 0);
        weights.forEach((w, s) => {
          for (let i = 0; i < d; i++) out[(t * heads + h) * d + i]! += (w / total) * v[(s * kvHeads + g) * d + i]!;
        });
      }
    }
    const o = layout === "gpt2" ? "attn.c_proj" : layout === "neox" ? "attention.dense" : "self_attn.o_proj";
    return this.linear(out, `${at}.${o}`, WIDTH);
  }

  /** q, k and v, [tokens x heads x head size], normed and rotated. */
  projections(x: Float64Array, at: string): Projections {
    const { heads, kvHeads, headSize: d, layout, keyNorm } = this.kind;
    const raw = layout === "llama" ? this.separate(x, at) : this.fused(x, at);
    const q = keyNorm ? this.norm(raw.q, `${at}.self_attn.q_norm`, d) : raw.q;
    const k = keyNorm ? this.norm(raw.k, `${at}.self_attn.k_norm`, d) : raw.k;
    this.rotate(q, heads);
    this.rotate(k, kvHeads);
    return { q, k, v: raw.v };
  }

  separate(x: Float64Array, at: string): Projections {
    const { heads, kvHeads, headSize } = this.kind;
    return {
      q: this.linear(x, `${at}.self_attn.q_proj`, heads * headSize),
      k: this.linear(x, `${at}.self_attn.k_proj`, kvHeads * headSize),
      v: this.linear(x, `${at}.self_attn.v_proj`, kvHeads * headSize),
    };
  }

  fused(x: Float64Array, at: string): Projections {
    const { heads, headSize: d, layout } = this.kind;
    const stem = layout === "gpt2" ? "attn.c_attn" : "attention.query_key_value";
    const fused = this.linear(x, `${at}.${stem}`, 3 * heads * d);
    const part = (which: number): Float64Array =>
      Float64Array.from({ length: this.tokens.length * heads * d }, (_, element) => {
        const [t, h, i] = [Math.floor(element / (heads * d)), Math.floor(element / d) % heads, element % d];
        return fused[t * 3 * heads * d + (layout === "gpt2" ? which * heads + h : h * 3 + which) * d + i]!;
      });
    return { q: part(0), k: part(1), v: part(2) };
  }

  rotate(x: Float64Array, heads: number): void {
    const { headSize, rotary, pairing } = this.kind;
    for (let at = 0; at < x.length; at += headSize) {
      const t = Math.floor(at / (heads * headSize));
      for (let p = 0; p < rotary / 2; p++) {
        const angle = t * 100 ** ((-2 * p) / rotary);
        const [i, j] = pairing === "half" ? [at + p, at + p + rotary / 2] : [at + 2 * p, at + 2 * p + 1];
        const [a, b] = [x[i]!, x[j]!];
        x[i] = a * Math.cos(angle) - b * Math.sin(angle);
        x[j] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }

  feedForward(x: Float64Array, at: string): Float64Array {
    const { layout, experts } = this.kind;
    if (layout !== "llama") {
      const [up, down] = layout === "gpt2" ? ["c_fc", "c_proj"] : ["dense_h_to_4h", "dense_4h_to_h"];
      return this.linear(this.linear(x, `${at}.mlp.${up}`, HIDDEN).map(gelu), `${at}.mlp.${down}`, WIDTH);
    }
    const route = experts > 0 ? this.linear(x, `${at}.block_sparse_moe.gate`, experts) : new Float64Array();
    const out = new Float64Array(x.length);
    feedForwards(at, this.kind).forEach(([gate, up, down], e) => {
      const opened = this.linear(x, gate, HIDDEN);
      const inner = this.linear(x, up, HIDDEN).map((u, i) => gelu(opened[i]!) * u);
      this.linear(inner, down, WIDTH).forEach((y, i) => {
        out[i]! += experts > 0 ? y / (1 + Math.exp(-route[Math.floor(i / WIDTH) * experts + e]!)) : y;
      });
    });
    return out;
  }

  norm(x: Float64Array, stem: string, size: number): Float64Array {
    const gain = this.values(`${stem}.weight`);
    const bias = this.model.get(`${stem}.bias`)?.values;
    const out = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += size) {
      const row = x.subarray(at, at + size);
      const mean = bias === undefined ? 0 : row.reduce((a, b) => a + b, 0) / size;
      const power = row.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
      row.forEach((value, i) => {
        const g = (this.kind.plusOne ? 1 : 0) + gain[i]!;
        out[at + i] = ((value - mean) / Math.sqrt(power + 1e-6)) * g + (bias?.[i] ?? 0);
      });
    }
    return out;
  }

  /** x W^T + b; `plain` for a matrix that is stored [out, in] among transposed ones. */
  linear(x: Float64Array, stem: string, out: number, plain = false): Float64Array {
    const weight = this.values(`${stem}.weight`);
    const bias = this.model.get(`${stem}.bias`)?.values;
    const into = weight.length / out;
    const transposed = this.kind.layout === "gpt2" && !plain;
    const rows = x.length / into;
    return Float64Array.from({ length: rows * out }, (_, at) => {
      const [t, i] = [Math.floor(at / out), at % out];
      let sum = 0;
      for (let j = 0; j < into; j++) sum += x[t * into + j]! * weight[transposed ? j * out + i : i * into + j]!;
      return sum + (bias?.[i] ?? 0);
    });
  }

  values(name: string): Float32Array {
    return this.model.get(name)!.values;
  }
}

function addTo(x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += y[i]!;
}

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
