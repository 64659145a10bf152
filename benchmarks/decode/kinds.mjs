import { randomFillSync } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { ggufFile } from "../../tests/support/gguf-file.mjs";
import { storage, tensor, torchZip } from "../../tests/support/torch-file.mjs";

/** ggml's number of a type, values and bytes of its blocks, and where numbers of f16 lie in them. */
const GGML = {
  Q8_0: [8, 32, 34, [0]],
  Q4_0: [2, 32, 18, [0]],
  Q4_1: [3, 32, 20, [0, 2]],
  Q5_0: [6, 32, 22, [0]],
  Q5_1: [7, 32, 24, [0, 2]],
  Q2_K: [10, 256, 84, [80, 82]],
  Q3_K: [11, 256, 110, [108]],
  Q4_K: [12, 256, 144, [0, 2]],
  Q5_K: [13, 256, 176, [0, 2]],
  Q6_K: [14, 256, 210, [208]],
  IQ4_NL: [20, 32, 18, [0]],
  IQ4_XS: [23, 256, 136, [0]],
};
const GROUP = 128;
const TILE = 128;
const NF4_BLOCK = 64;
const NF4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** Ending of the file of each kind, and what writes `count` matrices of `rows` x `cols` to it. */
export const KINDS = new Map([
  ...Object.entries(GGML).map(([name, layout]) => [name, [".gguf", (path, size) => writeGguf(path, size, layout)]]),
  ["NF4", [".safetensors", (path, size) => writeSafetensors(path, size, nf4)]],
  ["GPTQ int4", [".safetensors", (path, size) => writeSafetensors(path, size, gptq)]],
  ["AWQ int4", [".safetensors", (path, size) => writeSafetensors(path, size, awq)]],
  ["FP8 blocks", [".safetensors", (path, size) => writeSafetensors(path, size, fp8)]],
  ["pickled f32", [".pt", writePickled]],
]);

function noise(bytes) {
  return randomFillSync(Buffer.alloc(bytes));
}

/** f16 between 2^-7 and 2^-6. */
function halves(count) {
  const bytes = noise(2 * count);
  for (let i = 0; i < count; i++) bytes.writeUInt16LE(0x2000 | (bytes.readUInt16LE(2 * i) & 0x3ff), 2 * i);
  return bytes;
}

/** f32 between 2^-7 and 2^-6. */
function floats(count) {
  return Buffer.from(Float32Array.from({ length: count }, () => (1 + Math.random()) / 128).buffer);
}

/** Files of gigabytes: one matrix after the other, all of the same bytes. */
function write(path, head, body, count) {
  const file = openSync(path, "w");
  writeSync(file, head);
  for (let i = 0; i < count; i++) for (const piece of body) writeSync(file, piece);
  closeSync(file);
}

function writeGguf(path, { rows, cols, count }, [type, elements, bytes, scales]) {
  const blocks = (rows * cols) / elements;
  const data = noise(blocks * bytes);
  for (const at of scales) {
    const values = halves(blocks);
    for (let i = 0; i < blocks; i++) values.copy(data, i * bytes + at, 2 * i, 2 * i + 2);
  }
  const tensors = Array.from({ length: count }, (_, i) => ({
    name: `blk.${i}.ffn_up.weight`,
    type,
    shape: [rows, cols],
    offset: i * data.length,
  }));
  const metadata = [
    ["general.architecture", "text", "llama"],
    ["llama.block_count", "u32", count],
  ];
  write(path, ggufFile({ metadata, tensors }), [data], count);
}

function writeSafetensors(path, { rows, cols, count }, partsOf) {
  const parts = partsOf(rows, cols);
  const header = {};
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (const { ending, dtype, shape, data } of parts) {
      const end = at + data.length;
      header[`model.layers.${i}.mlp.up_proj${ending}`] = { dtype, shape, data_offsets: [at, end] };
      at = end;
    }
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  const padded = Buffer.concat([json, Buffer.alloc(-json.length & 7, 32)]);
  size.writeBigUInt64LE(BigInt(padded.length));
  write(
    path,
    Buffer.concat([size, padded]),
    parts.map(({ data }) => data),
    count,
  );
}

function nf4(rows, cols) {
  const blocks = (rows * cols) / NF4_BLOCK;
  const state = JSON.stringify({ quant_type: "nf4", blocksize: NF4_BLOCK, dtype: "bfloat16", shape: [rows, cols] });
  const said = Buffer.from(state.padEnd(Math.ceil(state.length / 8) * 8));
  return [
    { ending: ".weight", dtype: "U8", shape: [(rows * cols) / 2, 1], data: noise((rows * cols) / 2) },
    { ending: ".weight.absmax", dtype: "F32", shape: [blocks], data: floats(blocks) },
    { ending: ".weight.quant_map", dtype: "F32", shape: [16], data: Buffer.from(Float32Array.from(NF4).buffer) },
    { ending: ".weight.quant_state.bitsandbytes__nf4", dtype: "U8", shape: [said.length], data: said },
  ];
}

function gptq(rows, cols) {
  const groups = cols / GROUP;
  const index = Buffer.from(Int32Array.from({ length: cols }, (_, i) => Math.floor(i / GROUP)).buffer);
  return [
    { ending: ".qweight", dtype: "I32", shape: [cols / 8, rows], data: noise((cols / 2) * rows) },
    { ending: ".qzeros", dtype: "I32", shape: [groups, rows / 8], data: Buffer.alloc((groups * rows) / 2, 0x77) },
    { ending: ".scales", dtype: "F16", shape: [groups, rows], data: halves(groups * rows) },
    { ending: ".g_idx", dtype: "I32", shape: [cols], data: index },
  ];
}

function awq(rows, cols) {
  const groups = cols / GROUP;
  return [
    { ending: ".qweight", dtype: "I32", shape: [cols, rows / 8], data: noise((cols / 2) * rows) },
    { ending: ".qzeros", dtype: "I32", shape: [groups, rows / 8], data: noise((groups * rows) / 2) },
    { ending: ".scales", dtype: "F16", shape: [groups, rows], data: halves(groups * rows) },
  ];
}

function fp8(rows, cols) {
  const shape = [Math.ceil(rows / TILE), Math.ceil(cols / TILE)];
  const codes = noise(rows * cols);
  // Neither NaN nor infinity, which no model has.
  for (let i = 0; i < codes.length; i++) if ((codes[i] & 0x7f) === 0x7f) codes[i] ^= 1;
  return [
    { ending: ".weight", dtype: "F8_E4M3", shape: [rows, cols], data: codes },
    { ending: ".weight_scale_inv", dtype: "F32", shape, data: floats(shape[0] * shape[1]) },
  ];
}

function writePickled(path, { rows, cols, count }) {
  const data = floats(rows * cols);
  const ids = Array.from({ length: count }, (_, i) => `${i}`);
  const tensors = new Map(
    ids.map((id) => [`model.layers.${id}.mlp.up_proj.weight`, tensor(storage(id, rows * cols), [rows, cols])]),
  );
  const file = torchZip(tensors, Object.fromEntries(ids.map((id) => [id, data])));
  write(path, file, [], 0);
}
