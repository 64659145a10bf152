/**
 * Writes a synthetic bf16 checkpoint of Llama layout: Gaussian values, three shards with index and config.json.
 *
 *   node benchmarks/make-model.mjs DIRECTORY [--layers 32] [--width 4096] [--ffn 11008] [--vocabulary 32000]
 *                                  [--shards 3] [--seed 1]
 *
 * The defaults are the 7B model of 13.5 GB. `--shards 1` writes one model.safetensors.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fillGaussian, xorshift } from "./support/random.mjs";

/** Values drawn once; every tensor starts elsewhere in them. A prime, so that rows do not line up with its end. */
const POOL_VALUES = 4_194_301;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: "string", default: "32" },
    width: { type: "string", default: "4096" },
    ffn: { type: "string", default: "11008" },
    vocabulary: { type: "string", default: "32000" },
    shards: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
  },
});
const size = {
  layers: Number(values.layers),
  width: Number(values.width),
  ffn: Number(values.ffn),
  vocabulary: Number(values.vocabulary),
};
if (positionals.length !== 1) throw new Error("name the directory to write");
writeModel(positionals[0], size, Number(values.shards), Number(values.seed));

/** Every tensor of the model in the order of the files: name and shape. */
function tensorsOf({ layers, width, ffn, vocabulary }) {
  const tensors = [["model.embed_tokens.weight", [vocabulary, width]]];
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    tensors.push(
      [`${at}.input_layernorm.weight`, [width]],
      ...["q", "k", "v", "o"].map((p) => [`${at}.self_attn.${p}_proj.weight`, [width, width]]),
      [`${at}.post_attention_layernorm.weight`, [width]],
      [`${at}.mlp.gate_proj.weight`, [ffn, width]],
      [`${at}.mlp.up_proj.weight`, [ffn, width]],
      [`${at}.mlp.down_proj.weight`, [width, ffn]],
    );
  }
  return [...tensors, ["model.norm.weight", [width]], ["lm_head.weight", [vocabulary, width]]];
}

function writeModel(directory, size, shards, seed) {
  mkdirSync(directory, { recursive: true });
  const random = xorshift(seed);
  const pool = bf16Pool(random);
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
    writeShard(join(directory, file), part, pool, random);
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
    num_attention_heads: size.width / 128,
    vocab_size: size.vocabulary,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config, null, 1));
  process.stdout.write(`${JSON.stringify({ directory, bytes: total, tensors: tensors.length, shards })}\n`);
}

function bf16Pool(random) {
  const values = fillGaussian(new Float32Array(POOL_VALUES), random, 0.02);
  const bits = new Uint32Array(values.buffer);
  return Uint16Array.from(bits, (x) => x >>> 16);
}

function writeShard(path, tensors, pool, random) {
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
  const bytesOfPool = Buffer.from(pool.buffer);
  for (const { shape, bytes } of tensors) {
    if (shape.length === 1) {
      // Norm gains lie around 1.
      const gain = Uint16Array.from({ length: shape[0] }, () => 0x3f80 + (random() & 15));
      writeAll(fd, Buffer.from(gain.buffer));
      continue;
    }
    let start = 2 * (random() % POOL_VALUES);
    for (let left = bytes; left > 0; ) {
      const length = Math.min(left, bytesOfPool.length - start);
      writeAll(fd, bytesOfPool.subarray(start, start + length));
      left -= length;
      start = 0;
    }
  }
  closeSync(fd);
}

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, Math.min(bytes.length - done, 1 << 24));
}
