#!/usr/bin/env node
/**
 * GGUF against ggml itself, part of npm run test:interop: blocks of every type, quantised by ggml, drawn and hostile, must decode to
 * what ggml's own functions give, to the bit, and NaN to NaN; and files that we write must be what the package gguf reads.
 *
 *   node tests/interop/ggml.mjs [--fixture]
 *
 * --fixture writes tests/fixtures/ggml/blocks.json anew: a few blocks of each type, with the digest of ggml's values, for npm test.
 * The library comes from the npm package @node-llama-cpp/linux-x64, the second opinion from the package gguf of PyPI.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { architectureOf } from "../../dist/src/checkpoint/gguf/architecture.js";
import { blockDecoder } from "../../dist/src/decoding/ggml/decode-blocks.js";
import { llamaGguf } from "../support/gguf-file.mjs";
import { random } from "./random.mjs";
import { venv } from "./venv.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const LIBRARY = "@node-llama-cpp/linux-x64@3.21.1";
const SEED = "1";

/** Folder of the libraries of ggml and llama.cpp, unpacked below `directory`. */
export function ggmlPackage(directory) {
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", LIBRARY, "--json"], { cwd: directory }).toString());
  execFileSync("tar", ["xzf", filename], { cwd: directory });
  return join(directory, "package/bins/linux-x64");
}

function floatsIn(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const isSame = (a, b) => Object.is(a, b);

/** Digest of values with one kind of NaN. */
function digestOf(values) {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return createHash("sha256").update(new Uint8Array(bits.buffer)).digest("hex");
}

function checkBlocks(directory, { type, bytes, blocks, by }) {
  const stored = new Uint8Array(readFileSync(join(directory, `${type}.bin`)));
  const wanted = floatsIn(join(directory, `${type}.f32`));
  const values = new Float32Array(wanted.length);
  blockDecoder(type, bytes, true)(stored, values);
  const wrong = wanted.reduce((sum, value, i) => sum + (isSame(value, values[i]) ? 0 : 1), 0);
  console.log(
    `  ${type.padEnd(8)} ${blocks} blocks, ${wrong === 0 ? "all values equal" : `${wrong} values WRONG`} (${by})`,
  );
  return wrong === 0;
}

/** Some blocks of each kind: quantised, drawn, hostile. */
function writeFixture(directory, types) {
  const fixture = types.map(({ type, bytes, blocks }) => {
    const stored = readFileSync(join(directory, `${type}.bin`));
    const wanted = floatsIn(join(directory, `${type}.f32`));
    const elements = wanted.length / blocks;
    const picked = [0, 1, ...[2, 3].map((i) => blocks - 400 - i), ...[1, 2, 3, 4].map((i) => blocks - i)];
    const values = picked.flatMap((i) => [...wanted.subarray(i * elements, (i + 1) * elements)]);
    const taken = Buffer.concat(picked.map((i) => stored.subarray(i * bytes, (i + 1) * bytes)));
    return { type, bytes, elements, blocks: taken.toString("base64"), values: digestOf(values) };
  });
  const path = join(here, "../fixtures/ggml/blocks.json");
  mkdirSync(join(here, "../fixtures/ggml"), { recursive: true });
  writeFileSync(path, `[\n${fixture.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`);
}

/** Whether a Llama that tests/support writes is, read by the package gguf, the one that it was made of. */
function checkWriter(interpreter, directory) {
  const r = random(7);
  const model = new Map();
  const add = (name, ...shape) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (r.below(2001) - 1000) / 4096);
    model.set(name, { shape, values });
  };
  add("model.embed_tokens.weight", 32, 256);
  for (const [role, rows] of [
    ["q", 256],
    ["k", 128],
    ["v", 128],
    ["o", 256],
  ]) {
    add(`model.layers.0.self_attn.${role}_proj.weight`, rows, 256);
  }
  add("model.norm.weight", 256);
  for (const type of ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"]) {
    const file = join(directory, `${type}.gguf`);
    writeFileSync(file, llamaGguf(model, { heads: 8, kvHeads: 4, typeOf: () => type, tokens: ["a", "▁b"] }));
    const q = model.get("model.layers.0.self_attn.q_proj.weight").values;
    writeFileSync(join(directory, "q.f32"), new Uint8Array(q.buffer));
    execFileSync(interpreter, [join(here, "ggml.py"), "file", file, join(directory, "q.f32")], { stdio: "inherit" });
  }
}

const ARCHITECTURES =
  "llama qwen2 qwen2moe qwen3 qwen3moe gemma gemma2 gemma3 phi2 phi3 gpt2 gptneox bloom falcon mpt baichuan internlm2 chatglm glm4 bert t5 t5encoder deepseek deepseek2 gpt-oss stablelm starcoder2 olmo olmo2 olmoe command-r cohere2 minicpm granite granitemoe";
/** What converters split, join or name otherwise before names are looked up. */
const MADE = new Set([
  "granitemoe blk.#.ffn_gate_shexp",
  "granitemoe blk.#.ffn_up_shexp",
  "granitemoe blk.#.ffn_down_shexp",
  "phi2 blk.#.attn_qkv",
]);

/** Names of experts that stand alone in old files, and what the converter calls otherwise before it looks names up. */
const OTHERWISE = /^blk\.#\.ffn_(?:gate|up|down)\.@$/;

/** Every name that is translated, against the map that llama.cpp's converter has from the other side. */
function checkNames(interpreter, directory) {
  const all = {};
  for (const architecture of ARCHITECTURES.split(" ")) {
    const { names } = architectureOf(architecture);
    // All names that there may be: what depends on others is asked for with all of them there, and with none.
    const tables = typeof names === "function" ? [names(() => true), names(() => false)] : [names];
    all[architecture] = tables.flatMap((table) =>
      Object.entries(table)
        .filter(([ours]) => !OTHERWISE.test(ours) && !MADE.has(`${architecture} ${ours}`))
        .map(([ours, theirs]) => [ours.replace("#", "2"), theirs.replace("#", "2").replace("@", "3").replace("!", "")]),
    );
  }
  const path = join(directory, "names.json");
  writeFileSync(path, JSON.stringify(all));
  execFileSync(interpreter, [join(here, "ggml.py"), "names", path], { stdio: "inherit" });
}

/** @returns {boolean} whether all agree */
export function ggmlInterop({ fixture = false } = {}) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.log("ggml: its library is taken for Linux on x64 alone, nothing was compared");
    return true;
  }
  const interpreter = venv("interop-gguf-venv", "requirements-gguf.txt");
  const directory = mkdtempSync(join(tmpdir(), "weightmark-ggml-"));
  try {
    const library = join(ggmlPackage(directory), "libggml-base.so");
    execFileSync(interpreter, [join(here, "ggml.py"), "blocks", library, directory, SEED], { stdio: "inherit" });
    const types = JSON.parse(readFileSync(join(directory, "blocks.json"), "utf8"));
    console.log(`ggml: ${types.length} types of ${LIBRARY}`);
    const agreed = types.map((type) => checkBlocks(directory, type)).every(Boolean);
    checkWriter(interpreter, directory);
    checkNames(interpreter, directory);
    if (fixture) writeFixture(directory, types);
    return agreed;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!ggmlInterop({ fixture: process.argv.includes("--fixture") })) process.exitCode = 1;
}
