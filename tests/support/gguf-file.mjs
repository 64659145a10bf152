/**
 * Writes GGUF in plain JavaScript: whole files from their parts, hostile ones included, and Llamas as llama.cpp converts them.
 * Quantises as simply as can be, for tests need a valid file, not a good one.
 */

/** Value types of metadata by name. */
export const VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  text: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
};

/** Types of tensors by name: number, elements and bytes of a block. */
export const TENSOR_TYPES = {
  F32: [0, 1, 4],
  F16: [1, 1, 2],
  Q4_0: [2, 32, 18],
  Q8_0: [8, 32, 34],
  Q4_K: [12, 256, 144],
  Q6_K: [14, 256, 210],
  I32: [26, 1, 4],
  BF16: [30, 1, 2],
};

class Bytes {
  #chunks = [];
  length = 0;
  constructor(littleEndian) {
    this.littleEndian = littleEndian;
  }
  raw(bytes) {
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }
  number(method, width, value) {
    const view = new DataView(new ArrayBuffer(width));
    view[method](0, value, this.littleEndian);
    this.raw(new Uint8Array(view.buffer));
  }
  u32(value) {
    this.number("setUint32", 4, value);
  }
  u64(value) {
    this.number("setBigUint64", 8, BigInt(value));
  }
  text(value) {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    this.u64(bytes.length);
    this.raw(bytes);
  }
  value(type, value) {
    if (type === "u8" || type === "bool") this.number("setUint8", 1, Number(value));
    else if (type === "i8") this.number("setInt8", 1, value);
    else if (type === "u16") this.number("setUint16", 2, value);
    else if (type === "i16") this.number("setInt16", 2, value);
    else if (type === "u32") this.u32(value);
    else if (type === "i32") this.number("setInt32", 4, value);
    else if (type === "f32") this.number("setFloat32", 4, value);
    else if (type === "f64") this.number("setFloat64", 8, value);
    else if (type === "u64") this.u64(value);
    else if (type === "i64") this.number("setBigInt64", 8, BigInt(value));
    else if (type === "text") this.text(value);
    else {
      const { of, items, count = items.length } = value;
      this.u32(VALUE_TYPES[of] ?? of);
      this.u64(count);
      for (const item of items) this.value(of, item);
    }
  }
  whole() {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }
}

/**
 * A file from its parts. Whatever is wrong with them is written: counts, offsets and types are what they are given as.
 *
 * @param {{
 *   version?: number, littleEndian?: boolean, alignment?: number,
 *   metadata?: readonly (readonly [key: string | Uint8Array, type: string | number, value: unknown])[],
 *   tensors?: readonly { name: string | Uint8Array, type: string | number, shape: readonly (number | bigint)[],
 *     data?: Uint8Array, offset?: number | bigint }[],
 *   entries?: number | bigint, count?: number | bigint, end?: Uint8Array,
 * }} parts `shape` as it is meant, slowest axis first; `alignment` is that of the offsets, and is not told
 */
export function ggufFile(parts) {
  const { version = 3, littleEndian = true, alignment = 32, metadata = [], tensors = [], end } = parts;
  const out = new Bytes(littleEndian);
  out.raw(Buffer.from("GGUF"));
  out.u32(version);
  out.u64(parts.count ?? tensors.length);
  out.u64(parts.entries ?? metadata.length);
  for (const [key, type, value] of metadata) {
    out.text(key);
    out.u32(VALUE_TYPES[type] ?? type);
    out.value(type, value);
  }
  const aligned = (size) => Math.ceil(size / alignment) * alignment;
  let at = 0;
  for (const { name, type, shape, data = new Uint8Array(), offset } of tensors) {
    out.text(name);
    out.u32(shape.length);
    for (const size of [...shape].reverse()) out.u64(size);
    out.u32(TENSOR_TYPES[type]?.[0] ?? type);
    out.u64(offset ?? at);
    at = aligned(at + data.length);
  }
  if (tensors.length > 0) out.raw(new Uint8Array(aligned(out.length) - out.length));
  for (const { data = new Uint8Array() } of tensors) {
    out.raw(data);
    out.raw(new Uint8Array(aligned(data.length) - data.length));
  }
  if (end !== undefined) out.raw(end);
  return out.whole();
}

const scratch = new DataView(new ArrayBuffer(4));

/** Bits of the nearest f16, ties away from zero; what is too small is 0. */
function half(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -25) return sign;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const mantissa = Math.round(size * 2 ** (10 - exponent));
  return sign | (mantissa < 1024 ? mantissa : ((exponent + 15) << 10) + mantissa - 1024);
}

function halfOf(bits) {
  const exponent = (bits >> 10) & 31;
  const size = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, Math.round(value)));

/** Writes one block of values at an offset. */
const QUANTISERS = {
  F32: (values, view, at) => view.setFloat32(at, values[0], true),
  F16: (values, view, at) => view.setUint16(at, half(values[0]), true),
  BF16(values, view, at) {
    scratch.setFloat32(0, values[0]);
    const bits = scratch.getUint32(0);
    view.setUint16(at, (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16, true);
  },
  I32: (values, view, at) => view.setInt32(at, values[0], true),
  Q8_0(values, view, at) {
    const d = half(Math.max(...values.map(Math.abs)) / 127);
    view.setUint16(at, d, true);
    values.forEach((value, i) => void view.setInt8(at + 2 + i, clamp(value / (halfOf(d) || 1), -127, 127)));
  },
  Q4_0(values, view, at) {
    const largest = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    const d = half(largest / -8);
    const codes = Array.from(values, (value) => clamp(value / (halfOf(d) || 1) + 8, 0, 15));
    view.setUint16(at, d, true);
    for (let i = 0; i < 16; i++) view.setUint8(at + 2 + i, codes[i] | (codes[i + 16] << 4));
  },
  Q4_K(values, view, at) {
    const parts = Array.from({ length: 8 }, (_, i) => values.slice(32 * i, 32 * i + 32));
    const least = parts.map((part) => Math.max(0, -Math.min(...part)));
    const step = parts.map((part, i) => (Math.max(...part) + least[i]) / 15);
    const [d, min] = [half(Math.max(...step) / 63), half(Math.max(...least) / 63)];
    const scales = step.map((size) => clamp(size / (halfOf(d) || 1), 0, 63));
    const minima = least.map((size) => clamp(size / (halfOf(min) || 1), 0, 63));
    view.setUint16(at, d, true);
    view.setUint16(at + 2, min, true);
    for (let i = 0; i < 4; i++) {
      view.setUint8(at + 4 + i, scales[i] | ((scales[i + 4] >> 4) << 6));
      view.setUint8(at + 8 + i, minima[i] | ((minima[i + 4] >> 4) << 6));
      view.setUint8(at + 12 + i, (scales[i + 4] & 15) | ((minima[i + 4] & 15) << 4));
    }
    const code = (i, j) => clamp((parts[i][j] + halfOf(min) * minima[i]) / (halfOf(d) * scales[i] || 1), 0, 15);
    for (let pair = 0; pair < 4; pair++) {
      for (let j = 0; j < 32; j++) {
        view.setUint8(at + 16 + 32 * pair + j, code(2 * pair, j) | (code(2 * pair + 1, j) << 4));
      }
    }
  },
  Q6_K(values, view, at) {
    const parts = Array.from({ length: 16 }, (_, i) => values.slice(16 * i, 16 * i + 16));
    const step = parts.map((part) => Math.max(...part.map(Math.abs)) / 31);
    const d = half(Math.max(...step) / 127);
    const scales = step.map((size) => clamp(size / (halfOf(d) || 1), 0, 127));
    const code = (i) => clamp(values[i] / (halfOf(d) * scales[i >> 4] || 1) + 32, 0, 63);
    for (let run = 0; run < 2; run++) {
      for (let j = 0; j < 32; j++) {
        const [a, b, c, e] = [0, 32, 64, 96].map((offset) => code(128 * run + offset + j));
        view.setUint8(at + 64 * run + j, (a & 15) | ((c & 15) << 4));
        view.setUint8(at + 64 * run + 32 + j, (b & 15) | ((e & 15) << 4));
        view.setUint8(at + 128 + 32 * run + j, (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((e >> 4) << 6));
      }
    }
    scales.forEach((scale, i) => void view.setInt8(at + 192 + i, scale));
    view.setUint16(at + 208, d, true);
  },
};

/** @param {Float32Array} values whole blocks @param {string} type */
export function quantised(values, type) {
  const [, elements, bytes] = TENSOR_TYPES[type];
  const view = new DataView(new ArrayBuffer((values.length / elements) * bytes));
  for (let block = 0; block < values.length / elements; block++) {
    QUANTISERS[type](values.subarray(block * elements, (block + 1) * elements), view, block * bytes);
  }
  return new Uint8Array(view.buffer);
}

/** Rows of each head interleaved: what lies half a head apart is neighbours then. */
export function interleaved(values, rows, heads) {
  const [columns, size] = [values.length / rows, rows / heads];
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [head, inHead] = [Math.floor(row / size), row % size];
    const to = head * size + 2 * (inHead % (size / 2)) + Math.floor(inHead / (size / 2));
    out.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return out;
}

const LLAMA_NAMES = [
  ["model.embed_tokens", "token_embd"],
  ["model.norm", "output_norm"],
  ["lm_head", "output"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["post_attention_layernorm", "ffn_norm"],
  ["input_layernorm", "attn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
  ["model.layers", "blk"],
];

/**
 * A Llama as llama.cpp converts and quantises it: vectors as F32, matrices by `typeOf` of their name in GGUF.
 *
 * @param {ReadonlyMap<string, { shape: readonly number[], values: Float32Array }>} model by the names of Hugging Face
 * @param {{ heads: number, kvHeads: number, typeOf: (name: string) => string, tokens?: readonly string[],
 *   extra?: readonly (readonly [key: string, type: string, value: unknown])[] }} about `extra` metadata
 */
export function llamaGguf(model, about) {
  return ggufFile(llamaParts(model, about));
}

/** What `llamaGguf` makes a file of. */
export function llamaParts(model, { heads, kvHeads, typeOf, tokens = [], extra = [] }) {
  const tensors = [...model].map(([name, { shape, values }]) => {
    const ours = LLAMA_NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
    const count = /attn_q\b/.test(ours) ? heads : /attn_k\b/.test(ours) ? kvHeads : null;
    const type = shape.length === 1 ? "F32" : typeOf(ours);
    const laid = count === null ? values : interleaved(values, shape[0], count);
    return { name: ours, type, shape, data: quantised(laid, type) };
  });
  const width = model.get("model.embed_tokens.weight").shape[1];
  const layers = new Set([...model.keys()].map((name) => /layers\.(\d+)/.exec(name)?.[1]).filter(Boolean));
  const metadata = [
    ["general.architecture", "text", "llama"],
    ["llama.block_count", "u32", layers.size],
    ["llama.embedding_length", "u32", width],
    ["llama.attention.head_count", "u32", heads],
    ["llama.attention.head_count_kv", "u32", kvHeads],
    ["tokenizer.ggml.model", "text", "gpt2"],
    ["tokenizer.ggml.tokens", "array", { of: "text", items: tokens }],
    ...extra,
  ];
  return { metadata, tensors };
}
