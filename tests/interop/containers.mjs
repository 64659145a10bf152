#!/usr/bin/env node
/**
 * Makes examples/containers anew with the tools that make such files, and asks of each what docs/containers.md shows. With --check
 * nothing is written there: what was made is held against what lies there, where its maker gives the same bytes each time.
 *
 *   node tests/interop/containers.mjs --wide MODEL --adapter ADAPTER [--python INTERPRETER] [--check]
 *
 * MODEL is `wide` of benchmarks/lab; ADAPTER what `lora.py --rank 4 --steps 60 --rate 1e-3 --threads 1 --alone` of
 * benchmarks/lab/watermark made of examples/models/leaked (with the tokenizer of base-b beside it). llama.cpp comes from npm's
 * @node-llama-cpp/linux-x64 (Linux on x64), onnxruntime and torch from requirements-torch.txt.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ggmlPackage } from "./ggml.mjs";
import { converted, FILE_TYPES, modelOf } from "./llama-model.mjs";
import { venv } from "./venv.mjs";

const { values: flags } = parseArgs({
  options: {
    wide: { type: "string" },
    adapter: { type: "string" },
    python: { type: "string", multiple: true },
    check: { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const examples = join(root, "examples", "containers");
const leaked = join(root, "examples", "models", "leaked");
const WEIGHTS = "models/leaked/model.safetensors";
const [python, torch = python] = flags.python ?? [venv("interop-torch-venv", "requirements-torch.txt")];

function weightmark(...args) {
  const { stderr, status } = spawnSync(process.execPath, [join(root, "bin", "weightmark.js"), ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
}

/** The same bytes as what lies there, or that anew. */
function put(name, bytes) {
  const path = join(examples, name);
  if (!flags.check) writeFileSync(path, bytes);
  const isSame = Buffer.from(bytes).equals(readFileSync(path));
  console.log(`${isSame ? "same" : "CHANGED"} ${name} ${bytes.length} bytes`);
  if (!isSame) process.exitCode = 1;
}

/** A marked copy of the wide model, quantised by llama.cpp. */
async function marked(directory) {
  const [copy, key] = ["wide-marked", "demo.key"].map((name) => join(directory, name));
  writeFileSync(key, readFileSync(join(root, "examples", "demo.key")), { mode: 0o600 });
  weightmark("watermark", "embed", flags.wide, "-o", copy, "--key", key, "--payload", "acme-002", "--unpublished");
  const config = JSON.parse(readFileSync(join(flags.wide, "config.json"), "utf8"));
  const heads = { heads: config.num_attention_heads, kvHeads: config.num_key_value_heads };
  const [plain, packed] = ["BF16", "Q4_K_M"].map((type) => join(directory, `wide-marked.${type}.gguf`));
  writeFileSync(plain, converted(await modelOf(copy), "BF16", heads));
  const script = join(here, "images.py");
  execFileSync(torch, [script, "ggml", ggmlPackage(directory), plain, packed, String(FILE_TYPES.Q4_K_M)], {
    stdio: "ignore",
  });
  put("wide-marked.Q4_K_M.gguf", readFileSync(packed));
}

/** int8 by onnxruntime's dynamic quantisation, a scale for each channel. */
function exported(directory) {
  execFileSync(python, [join(here, "onnx_lineage.py"), leaked, join(directory, "onnx")], { stdio: "ignore" });
  mkdirSync(join(examples, "leaked-onnx"), { recursive: true });
  put("leaked-onnx/model.onnx", readFileSync(join(directory, "onnx", "int8", "model.onnx")));
}

/** What torch.save writes, its storages by where the weights lie in the file of safetensors. */
function saved(directory) {
  const path = join(directory, "leaked.pt");
  const save =
    "import sys, torch\nfrom safetensors.torch import load_file\ntorch.save(load_file(sys.argv[1]), sys.argv[2])";
  execFileSync(torch, ["-c", save, join(leaked, "model.safetensors"), path]);
  const [file, weights] = [readFileSync(path), readFileSync(join(root, "examples", WEIGHTS))];
  const length = Number(weights.readBigUInt64LE());
  const header = JSON.parse(weights.toString("utf8", 8, 8 + length));
  const places = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, { data_offsets: offsets }]) => {
      const [begin, end] = offsets.map((offset) => offset + 8 + length);
      const at = file.indexOf(weights.subarray(begin, end));
      if (at < 0) throw new Error(`${name} is not in the file of torch`);
      return { at, begin, end };
    })
    .sort((a, b) => a.at - b.at);
  const parts = [];
  let at = 0;
  for (const { at: from, begin, end } of places) {
    parts.push(file.toString("base64", at, from), [begin, end]);
    at = from + end - begin;
  }
  parts.push(file.toString("base64", at));
  put("leaked.pt.json", Buffer.from(`${JSON.stringify({ weights: WEIGHTS, parts })}\n`));
  const again = join(directory, "again.pt");
  execFileSync(process.execPath, [join(root, "examples", "torch-file.mjs"), again]);
  if (!readFileSync(again).equals(file)) throw new Error("the file of torch is not put together as it was");
}

const directory = mkdtempSync(join(tmpdir(), "weightmark-containers-"));
try {
  saved(directory);
  exported(directory);
  await marked(directory);
  if (!flags.check) {
    const registry = join(examples, "registry");
    rmSync(registry, { recursive: true, force: true });
    weightmark("registry", "add", flags.wide, "--root", "--deterministic", "--registry", registry);
    mkdirSync(join(examples, "adapter"), { recursive: true });
    const [weights, config] = ["adapter_model.safetensors", "adapter_config.json"];
    cpSync(join(flags.adapter, weights), join(examples, "adapter", weights));
    // A path of the machine that made it says nothing to others.
    const said = {
      ...JSON.parse(readFileSync(join(flags.adapter, config), "utf8")),
      base_model_name_or_path: "acme/leaked",
    };
    writeFileSync(join(examples, "adapter", config), `${JSON.stringify(said, null, 2)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true });
}
