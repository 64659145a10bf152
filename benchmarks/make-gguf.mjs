/**
 * Writes a synthetic GGUF of Llama-7B's layout in the types that llama.cpp's Q4_K_M gives its tensors: drawn blocks, 4.1 GB.
 *
 *   node benchmarks/make-gguf.mjs FILE [--layers 32] [--width 4096] [--ffn 11008] [--vocabulary 32000]
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { ggufFile } from "../tests/support/gguf-file.mjs";

/** ggml's number of a type, values and bytes of its blocks, and where numbers of f16 lie in them. */
const Q4_K = { type: 12, elements: 256, bytes: 144, halves: [0, 2] };
const Q6_K = { type: 14, elements: 256, bytes: 210, halves: [208] };
/** Blocks drawn once; every tensor begins elsewhere in them. A prime, so that rows do not line up with its end. */
const POOL_BLOCKS = 65_521;
const ALIGNMENT = 32;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: "string", default: "32" },
    width: { type: "string", default: "4096" },
    ffn: { type: "string", default: "11008" },
    vocabulary: { type: "string", default: "32000" },
  },
});
if (positionals.length !== 1) throw new Error("name the file to write");
const [layers, width, ffn, vocabulary] = ["layers", "width", "ffn", "vocabulary"].map((name) => Number(values[name]));

/** Name, shape and type of every tensor; a type of null is a gain of f32. */
function tensorsOf() {
  const tensors = [["token_embd.weight", [vocabulary, width], Q4_K]];
  for (let i = 0; i < layers; i++) {
    const at = `blk.${i}`;
    // Of v and of what the network writes, llama.cpp keeps every third layer, and the first and last eighth, in more bits.
    const eighth = Math.floor(layers / 8);
    const more = i < eighth || i >= layers - eighth || (i - eighth) % 3 === 2 ? Q6_K : Q4_K;
    tensors.push(
      [`${at}.attn_norm.weight`, [width], null],
      ...["q", "k", "v", "output"].map((p) => [`${at}.attn_${p}.weight`, [width, width], p === "v" ? more : Q4_K]),
      [`${at}.ffn_norm.weight`, [width], null],
      [`${at}.ffn_gate.weight`, [ffn, width], Q4_K],
      [`${at}.ffn_up.weight`, [ffn, width], Q4_K],
      [`${at}.ffn_down.weight`, [width, ffn], more],
    );
  }
  return [...tensors, ["output_norm.weight", [width], null], ["output.weight", [vocabulary, width], Q6_K]];
}

/** Drawn codes and scales; those of f16 lie between 2^-7 and 2^-6. */
function poolOf({ bytes, halves }) {
  const pool = randomFillSync(Buffer.alloc(POOL_BLOCKS * bytes));
  for (let i = 0; i < POOL_BLOCKS; i++) {
    for (const half of halves) {
      const at = i * bytes + half;
      pool.writeUInt16LE(0x2000 | (pool.readUInt16LE(at) & 0x3ff), at);
    }
  }
  return pool;
}

const pools = new Map([Q4_K, Q6_K].map((type) => [type, poolOf(type)]));
const gain = Buffer.from(new Float32Array(width).fill(1).buffer);
const sizeOf = (shape, type) => {
  const count = shape.reduce((a, b) => a * b);
  return type === null ? 4 * count : (count / type.elements) * type.bytes;
};
let offset = 0;
const tensors = tensorsOf().map(([name, shape, type]) => {
  const tensor = { name, shape, type: type?.type ?? 0, offset };
  offset += Math.ceil(sizeOf(shape, type) / ALIGNMENT) * ALIGNMENT;
  return { tensor, shape, type };
});
const metadata = [
  ["general.architecture", "text", "llama"],
  ["llama.block_count", "u32", layers],
  ["llama.embedding_length", "u32", width],
  ["llama.feed_forward_length", "u32", ffn],
  ["llama.attention.head_count", "u32", width / 128],
];
const file = openSync(positionals[0], "w");
const head = ggufFile({ metadata, tensors: tensors.map(({ tensor }) => tensor) });
writeSync(file, head);
for (const [i, { tensor, shape, type }] of tensors.entries()) {
  const pool = type === null ? gain : pools.get(type);
  let at = head.length + tensor.offset;
  let from = type === null ? 0 : ((i * 7919) % POOL_BLOCKS) * type.bytes;
  for (let left = sizeOf(shape, type); left > 0; from = 0) {
    const length = Math.min(left, pool.length - from);
    writeSync(file, pool, from, length, at);
    at += length;
    left -= length;
  }
}
closeSync(file);
process.stdout.write(
  `${JSON.stringify({ file: positionals[0], bytes: head.length + offset, tensors: tensors.length })}\n`,
);
