#!/usr/bin/env node
/**
 * Repositories to scan: small Llama models as an organisation of a Hub has them, the same for the same seed.
 *
 *   node benchmarks/scan/make-repositories.mjs DIRECTORY [--count 2000] [--seed 1]
 *
 * Writes DIRECTORY/repositories/<name>/, DIRECTORY/bases/<name>/ (10 models to register) and manifest.json: what each
 * repository is, and the SHA-256 of every weight file. Half of the models have 0.87 M parameters (1.7 MB of bf16), half
 * 1.35 M (2.7 MB): about 1.9 GB for 1,000. Of a hundred repositories
 *
 * - 52 are independent of the bases, 14 full fine-tunes of one, 12 a LoRA merged into one
 * - 7 are in 2 to 4 shards (4 independent, 3 fine-tunes), 8 have the weights of another repository, as hard links
 * - 4 have no weights, 2 are gated, 1 is malformed
 */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { headerOf, indexOf, llamaTensors, shardName, shardsOf } from "./llama-layout.mjs";
import { dataBytes, fromBf16, keystream, normals, toBf16, vectorsOf } from "./weights.mjs";

const LAYOUTS = [
  { layers: 4, width: 128, ffn: 352, vocabulary: 512, heads: 4, kvHeads: 2 },
  { layers: 4, width: 160, ffn: 432, vocabulary: 640, heads: 4, kvHeads: 2 },
];
const BASES = 10;

/** In a hundred. */
const SHARES = [
  ["independent", 52],
  ["fine-tune", 14],
  ["lora", 12],
  ["sharded", 4],
  ["sharded fine-tune", 3],
  ["duplicate", 8],
  ["empty", 4],
  ["gated", 2],
  ["malformed", 1],
];
/** Of the standard deviation of a weight: what a fine-tune adds to it. */
const TUNED = 0.05;
const LORA_RANK = 8;

export function makeRepositories(directory, { count = 2000, seed = 1 } = {}) {
  rmSync(directory, { recursive: true, force: true });
  const bases = Array.from({ length: BASES }, (_, i) => {
    const model = { layout: LAYOUTS[i % LAYOUTS.length], seed: `${seed} base ${i}` };
    write(join(directory, "bases", `base-${i}`), { ...model, tensors: weightsOf(model) }, 1);
    return model;
  });
  const kinds = kindsOf(count, seed);
  const repositories = kinds.map((kind, i) => {
    const name = `${kind.replaceAll(" ", "-")}-${String(i).padStart(5, "0")}`;
    return { name, kind, ...makeOne(join(directory, "repositories", name), kind, i) };
  });
  const total = repositories.reduce((sum, { bytes }) => sum + bytes, 0);
  writeFileSync(join(directory, "manifest.json"), JSON.stringify({ count, seed, bytes: total, repositories }, null, 1));
  return { count, bytes: total };

  function makeOne(folder, kind, i) {
    const own = { layout: LAYOUTS[i % LAYOUTS.length], seed: `${seed} model ${i}` };
    const b = (i >>> 1) % BASES;
    const shards = kind.startsWith("sharded") ? 2 + (i % 3) : 1;
    if (kind === "empty") return emptyRepository(folder);
    if (kind === "malformed") return malformedRepository(folder, own);
    if (kind === "duplicate") return duplicate(folder, original(i));
    if (kind.endsWith("fine-tune")) {
      return { base: `base-${b}`, ...write(folder, { ...bases[b], tensors: tuned(bases[b], own.seed) }, shards) };
    }
    if (kind === "lora")
      return { base: `base-${b}`, ...write(folder, { ...bases[b], tensors: merged(bases[b], own.seed) }, 1) };
    return write(folder, { ...own, tensors: weightsOf(own) }, shards);
  }

  /** A repository before this one with a single file of weights. */
  function original(i) {
    for (let j = i - 1; j >= 0; j--) {
      if (/^(independent|fine-tune|lora)$/.test(kinds[j])) {
        return join(directory, "repositories", `${kinds[j]}-${String(j).padStart(5, "0")}`);
      }
    }
    throw new Error("the first repository must have weights");
  }
}

/** Kinds in an order that has all of them everywhere: a shuffle of each hundred, the first one independent. */
function kindsOf(count, seed) {
  const hundred = SHARES.flatMap(([kind, share]) => Array(share).fill(kind));
  const kinds = [];
  for (let block = 0; kinds.length < count; block++) {
    const order = keystream(`${seed} order ${block}`, 0, 200);
    const keyed = hundred.map((kind, i) => ({ kind, key: order.readUInt16LE(2 * i) * 100 + i }));
    kinds.push(...keyed.sort((a, b) => a.key - b.key).map(({ kind }) => kind));
  }
  kinds[0] = "independent";
  return kinds.slice(0, count);
}

/** Tensors with their bytes. */
function weightsOf({ layout, seed }) {
  const tensors = llamaTensors(layout);
  const data = dataBytes(
    seed,
    vectorsOf(tensors),
    0,
    tensors.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  let at = 0;
  return tensors.map((tensor) => {
    const bytes = data.subarray(at, at + tensor.bytes);
    at += tensor.bytes;
    return { ...tensor, data: bytes };
  });
}

/** A full fine-tune: a little of everything. */
function tuned(base, seed) {
  return weightsOf(base).map((tensor) => {
    const change = normals(`${seed} ${tensor.name}`, tensor.bytes / 2);
    return { ...tensor, data: changed(tensor.data, (i) => TUNED * change[i]) };
  });
}

/** A LoRA on the queries and values, merged. */
function merged(base, seed) {
  return weightsOf(base).map((tensor) => {
    if (!/[qv]_proj/.test(tensor.name)) return tensor;
    const [rows, cols] = tensor.shape;
    const left = normals(`${seed} a ${tensor.name}`, rows * LORA_RANK);
    const right = normals(`${seed} b ${tensor.name}`, LORA_RANK * cols);
    const update = (i) => {
      let sum = 0;
      for (let r = 0; r < LORA_RANK; r++)
        sum += left[Math.floor(i / cols) * LORA_RANK + r] * right[r * cols + (i % cols)];
      return 2 * sum;
    };
    return { ...tensor, data: changed(tensor.data, update) };
  });
}

function changed(data, by) {
  const result = Buffer.allocUnsafe(data.length);
  for (let i = 0; 2 * i < data.length; i++) {
    result.writeUInt16LE(toBf16(fromBf16(data.readUInt16LE(2 * i)) + by(i)), 2 * i);
  }
  return result;
}

/** @returns {files, bytes}: SHA-256 by name of the weight files, and their size */
function write(folder, { tensors }, shardCount) {
  mkdirSync(folder, { recursive: true });
  const shards = shardsOf(tensors, shardCount);
  const files = {};
  let bytes = 0;
  shards.forEach((shard, i) => {
    const content = Buffer.concat([headerOf(shard), ...shard.map(({ data }) => data)]);
    const name = shardName(i, shardCount);
    writeFileSync(join(folder, name), content);
    files[name] = createHash("sha256").update(content).digest("hex");
    bytes += content.length;
  });
  if (shardCount > 1) writeFileSync(join(folder, "model.safetensors.index.json"), indexOf(shards));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "llama" }));
  return { files, bytes };
}

function emptyRepository(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "README.md"), `# ${basename(folder)}\n`);
  return { files: {}, bytes: 0 };
}

/** A header that claims to be longer than the file. */
function malformedRepository(folder, own) {
  mkdirSync(folder, { recursive: true });
  const content = Buffer.concat([headerOf(llamaTensors(own.layout)), keystream(own.seed, 0, 100_000)]);
  content.writeBigUInt64LE(1n << 40n);
  writeFileSync(join(folder, "model.safetensors"), content);
  const digest = createHash("sha256").update(content).digest("hex");
  return { files: { "model.safetensors": digest }, bytes: content.length };
}

function duplicate(folder, from) {
  mkdirSync(folder, { recursive: true });
  linkSync(join(from, "model.safetensors"), join(folder, "model.safetensors"));
  writeFileSync(join(folder, "README.md"), `# ${basename(folder)}\n`);
  return { of: basename(from), files: { "model.safetensors": null }, bytes: 0 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { count: { type: "string" }, seed: { type: "string" } },
  });
  if (positionals.length !== 1) throw new Error("name the directory to write");
  const { count, seed } = { count: Number(values.count ?? 2000), seed: Number(values.seed ?? 1) };
  process.stdout.write(`${JSON.stringify(makeRepositories(positionals[0], { count, seed }))}\n`);
}
