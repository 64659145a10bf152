/**
 * A Llama-style checkpoint as a table of tensors that are read when asked for. Attacks are functions from one such view
 * to another, so they compose, and a whole model is never in memory: only the tensors that one output tensor needs.
 *
 * A view is `{ directory, config, tensors: Map<string, ViewTensor> }`; a ViewTensor is
 * `{ name, shape, dtype, read(): Float32Array, raw?(): Buffer }`, `raw` where the stored bytes are still the right ones.
 */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const PIECE = 1 << 26;
/** What goes along with the weights. */
const SIDECARS = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

/** Opens a directory of trusted .safetensors files; `close` it when all views of it are done. */
export function openView(directory) {
  const tensors = new Map();
  const descriptors = [];
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith(".safetensors"))
    .sort()) {
    const fd = openSync(join(directory, file), "r");
    descriptors.push(fd);
    const { header, start } = readHeader(fd);
    delete header.__metadata__;
    for (const [
      name,
      {
        dtype,
        shape,
        data_offsets: [begin, end],
      },
    ] of Object.entries(header)) {
      const raw = () => readBytes(fd, start + begin, end - begin);
      tensors.set(name, { name, shape, dtype, raw, read: () => decode(raw(), dtype) });
    }
  }
  const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
  return { directory, config, tensors, close: () => descriptors.forEach(closeSync) };
}

/** Writes a view as one model.safetensors with config.json and what lay beside the original. Nothing is overwritten. */
export function writeView(view, directory) {
  mkdirSync(directory);
  const tensors = [...view.tensors.values()];
  const fd = openSync(join(directory, "model.safetensors"), "wx");
  writeAll(fd, headerOf(tensors));
  for (const tensor of tensors) writeAll(fd, tensor.raw?.() ?? encode(tensor.read(), tensor.dtype));
  closeSync(fd);
  writeFileSync(join(directory, "config.json"), JSON.stringify(view.config, null, 1));
  const there = new Set(readdirSync(view.directory));
  for (const name of SIDECARS.filter((name) => there.has(name))) {
    copyFileSync(join(view.directory, name), join(directory, name));
  }
}

/** The same view with other tensors, and other entries of the config where they changed. */
export function withTensors(view, tensors, config = {}) {
  const map = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return { ...view, config: { ...view.config, ...config }, tensors: map };
}

/** Replaces the values of the tensors for which `change(tensor)` returns a function from values to values. */
export function mapTensors(view, change) {
  const tensors = [...view.tensors.values()].map((tensor) => {
    const edit = change(tensor, roleOf(tensor.name));
    return edit ? { ...tensor, raw: undefined, read: () => edit(tensor.read()) } : tensor;
  });
  return withTensors(view, tensors);
}

const LAYER = /^model\.layers\.(\d+)\.(?:self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj\.weight$/;
const NORM = /^model\.layers\.(\d+)\.(input|post_attention)_layernorm\.weight$/;

/** Role and layer by the names that Llama-style checkpoints use; null for anything else. */
export function roleOf(name) {
  const matrix = LAYER.exec(name);
  if (matrix) return { role: matrix[2], layer: Number(matrix[1]) };
  const norm = NORM.exec(name);
  if (norm) return { role: norm[2] === "input" ? "attention-norm" : "mlp-norm", layer: Number(norm[1]) };
  if (name === "model.embed_tokens.weight") return { role: "embedding", layer: -1 };
  if (name === "model.norm.weight") return { role: "final-norm", layer: -1 };
  if (name === "lm_head.weight") return { role: "head", layer: -1 };
  return null;
}

const MATRICES = new Set(["q", "k", "v", "o", "gate", "up", "down"]);

/** Whether the spread mark lives in it. */
export function isLinear(role) {
  return role !== null && MATRICES.has(role.role);
}

/** Name of a tensor of a layer, the reverse of `roleOf`. */
export function nameOf(role, layer) {
  if (role === "attention-norm") return `model.layers.${layer}.input_layernorm.weight`;
  if (role === "mlp-norm") return `model.layers.${layer}.post_attention_layernorm.weight`;
  const block = ["gate", "up", "down"].includes(role) ? "mlp" : "self_attn";
  return `model.layers.${layer}.${block}.${role}_proj.weight`;
}

/** Heads, key/value heads, rows of one head. */
export function headsOf({ config }) {
  const heads = config.num_attention_heads;
  return {
    heads,
    kvHeads: config.num_key_value_heads ?? heads,
    size: config.head_dim ?? config.hidden_size / heads,
  };
}

function readHeader(fd) {
  const length = Number(readBytes(fd, 0, 8).readBigUInt64LE());
  return { header: JSON.parse(readBytes(fd, 8, length).toString("utf8")), start: 8 + length };
}

function readBytes(fd, first, count) {
  const bytes = Buffer.allocUnsafeSlow(count);
  for (let done = 0; done < count; ) {
    const got = readSync(fd, bytes, done, Math.min(PIECE, count - done), first + done);
    if (got === 0) throw new Error("the file ended early");
    done += got;
  }
  return bytes;
}

function headerOf(tensors) {
  const header = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const { name, shape, dtype } of tensors) {
    const bytes = (dtype === "F32" ? 4 : 2) * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  prefix.writeBigUInt64LE(BigInt(prefix.length - 8));
  text.copy(prefix, 8);
  return prefix;
}

function decode(bytes, dtype) {
  if (dtype === "F32") return new Float32Array(bytes.buffer);
  if (dtype !== "BF16") throw new Error(`the suite does not read ${dtype}`);
  const halves = new Uint16Array(bytes.buffer);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Nearest, ties to even. */
function encode(values, dtype) {
  if (dtype === "F32") return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i];
    halves[i] = (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return Buffer.from(halves.buffer);
}

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, Math.min(bytes.length - done, PIECE));
}
