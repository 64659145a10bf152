/**
 * Writes a synthetic bf16 checkpoint of Llama layout: three shards with index and config.json.
 *
 *   node benchmarks/make-model.mjs DIRECTORY [--layers 32] [--width 4096] [--ffn 11008] [--vocabulary 32000]
 *                                  [--heads 32] [--kv-heads 32] [--tied] [--shards 3] [--seed 1]
 *                                  [--values gaussian|trained]
 *
 * The defaults are the 7B model of 13.5 GB. `--shards 1` writes one model.safetensors. `--values gaussian` repeats a
 * pool of normal values and is fast; `--values trained` draws every value anew with what trained weights have: heavy
 * tails, rows and columns of different scale, a few outlier columns.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fillGaussian, xorshift } from "./support/random.mjs";
import { trainedValues } from "./support/trained-values.mjs";

/** Values drawn once; every tensor starts elsewhere in them. A prime, so that rows do not line up with its end. */
const POOL_VALUES = 4_194_301;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: "string", default: "32" },
    width: { type: "string", default: "4096" },
    ffn: { type: "string", default: "11008" },
    vocabulary: { type: "string", default: "32000" },
    heads: { type: "string" },
    "kv-heads": { type: "string" },
    tied: { type: "boolean", default: false },
    values: { type: "string", default: "gaussian" },
    shards: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
  },
});
const size = {
  layers: Number(values.layers),
  width: Number(values.width),
  ffn: Number(values.ffn),
  vocabulary: Number(values.vocabulary),
  heads: Number(values.heads ?? Number(values.width) / 128),
  kvHeads: Number(values["kv-heads"] ?? values.heads ?? Number(values.width) / 128),
  tied: values.tied,
};
if (positionals.length !== 1) throw new Error("name the directory to write");
writeModel(positionals[0], size, Number(values.shards), Number(values.seed));

/** Every tensor of the model in the order of the files: name and shape. */
function tensorsOf({ layers, width, ffn, vocabulary, heads, kvHeads, tied }) {
  const kvWidth = (width / heads) * kvHeads;
  const tensors = [["model.embed_tokens.weight", [vocabulary, width]]];
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    tensors.push(
      [`${at}.input_layernorm.weight`, [width]],
      ...["q", "k", "v", "o"].map((p) => [
        `${at}.self_attn.${p}_proj.weight`,
        [/[kv]/.test(p) ? kvWidth : width, width],
      ]),
      [`${at}.post_attention_layernorm.weight`, [width]],
      [`${at}.mlp.gate_proj.weight`, [ffn, width]],
      [`${at}.mlp.up_proj.weight`, [ffn, width]],
      [`${at}.mlp.down_proj.weight`, [width, ffn]],
    );
  }
  tensors.push(["model.norm.weight", [width]]);
  return tied ? tensors : [...tensors, ["lm_head.weight", [vocabulary, width]]];
}

function writeModel(directory, size, shards, seed) {
  mkdirSync(directory, { recursive: true });
  const random = xorshift(seed);
  const writeMatrix = values.values === "trained" ? trainedWriter(random) : pooledWriter(random);
  const tensors = tensorsOf(size).map(([name, shape]) => ({ name, shape, bytes: 2 * shape.reduce((a, b) => a * b) }));
  const total = tensors.reduce((n, t) => n + t.bytes, 0);
  const parts = Array.from({ length: shards }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    parts[Math.min(shards - 1, Math.floor((before / total) * shards))].push(tensor);
    before += tensor.bytes;
  }
  const map = {};
  parts.forEach((part, i) => {
    const number = (n) => String(n).padStart(5, "0");
    const file = shards === 1 ? "model.safetensors" : `model-${number(i + 1)}-of-${number(shards)}.safetensors`;
    for (const { name } of part) map[name] = file;
    writeShard(join(directory, file), part, writeMatrix, random);
  });
  if (shards > 1) {
    const index = { metadata: { total_size: total }, weight_map: map };
    writeFileSync(join(directory, "model.safetensors.index.json"), JSON.stringify(index, null, 1));
  }
  const config = {
    model_type: "llama",
    hidden_size: size.width,
    intermediate_size: size.ffn,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    vocab_size: size.vocabulary,
    tie_word_embeddings: size.tied,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config, null, 1));
  process.stdout.write(`${JSON.stringify({ directory, bytes: total, tensors: tensors.length, shards })}\n`);
}

function pooledWriter(random) {
  const drawn = fillGaussian(new Float32Array(POOL_VALUES), random, 0.02);
  const pool = Buffer.from(Uint16Array.from(new Uint32Array(drawn.buffer), (x) => x >>> 16).buffer);
  return (fd, [rows, cols]) => {
    let start = 2 * (random() % POOL_VALUES);
    for (let left = 2 * rows * cols; left > 0; ) {
      const length = Math.min(left, pool.length - start);
      writeAll(fd, pool.subarray(start, start + length));
      left -= length;
      start = 0;
    }
  };
}

function trainedWriter(random) {
  const draw = trainedValues(random);
  return (fd, shape) => {
    for (const piece of draw(shape)) writeAll(fd, piece);
  };
}

function writeShard(path, tensors, writeMatrix, random) {
  const header = {};
  let at = 0;
  for (const { name, shape, bytes } of tensors) {
    header[name] = { dtype: "BF16", shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  prefix.writeBigUInt64LE(BigInt(prefix.length - 8));
  text.copy(prefix, 8);
  const fd = openSync(path, "w");
  writeAll(fd, prefix);
  for (const { shape } of tensors) {
    if (shape.length === 1) {
      // Norm gains lie around 1.
      const gain = Uint16Array.from({ length: shape[0] }, () => 0x3f80 + (random() & 15));
      writeAll(fd, Buffer.from(gain.buffer));
      continue;
    }
    writeMatrix(fd, shape);
  }
  closeSync(fd);
}

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, Math.min(bytes.length - done, 1 << 24));
}
