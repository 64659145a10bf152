#!/usr/bin/env node
/**
 * A model against its own images by the tools that people quantise with, and another model against the same: npm run
 * test:interop:images. A base must be told to be what its image was quantised from, block by block, both ways; the other must
 * stay silent; and an image of a fine-tune must not pass for one of its base.
 *
 *   node tests/interop/images.mjs [--python INTERPRETER] [--keep DIRECTORY] [--fixture]
 *
 * Without --python, a virtual environment is made below .cache. llama.cpp comes from the npm package @node-llama-cpp/linux-x64.
 * --fixture writes tests/fixtures/ggml/rounded.json anew: some values, and digests of what ggml makes of them, for npm test.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { blockRounder } from "../../dist/src/decoding/ggml/round-blocks.js";
import { compare, openSubject } from "../../dist/src/index.js";
import { ggufFile, llamaParts } from "../support/gguf-file.mjs";
import { ggmlPackage } from "./ggml.mjs";
import { converted, FILE_TYPES, modelOf } from "./llama-model.mjs";
import { venv } from "./venv.mjs";

const { values: flags } = parseArgs({
  options: { python: { type: "string" }, keep: { type: "string" }, fixture: { type: "boolean" } },
});
const python = flags.python ?? venv("interop-torch-venv", "requirements-torch.txt");
const script = fileURLToPath(new URL("./images.py", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const lineage = fileURLToPath(new URL("./onnx_lineage.py", import.meta.url));
const env = { ...process.env, OMP_NUM_THREADS: "1" };
const py = (...args) => execFileSync(python, args, { stdio: ["ignore", "ignore", "pipe"], env });

/** Whose rounding is steered by more than the weights: they are told by how far values lie apart. */
const STEERED = /steered-Q4_0|-compensated$/;
/** Values of the fixture: sixteen rows, two of each kind. */
const FIXTURE = 16 * 256;
const HEADS = { heads: 8, kvHeads: 4 };
/** Layouts of safetensors that a mark is read out of: those that the example's widths divide. */
const MARKED = [
  ...["bitsandbytes-nf4", "bitsandbytes-nf4-nested", "bitsandbytes-fp4", "bitsandbytes-int8"],
  ...["compressed-tensors-int8", "compressed-tensors-int4", "compressed-tensors-fp8-channel"],
  ...["gptq-4-asymmetric", "awq-4", "torchao-int8", "torchao-float8", "hqq-4"],
];

async function ggufImages(directory, libraries) {
  const images = [];
  for (const name of ["base", "tuned"]) {
    const model = await modelOf(join(directory, name));
    for (const type of ["F16", "BF16"])
      writeFileSync(join(directory, `${name}.${type}.gguf`), converted(model, type, HEADS));
  }
  const quantise = (of, from, kind) => {
    const path = join(directory, `${of}.${from}.${kind}.gguf`);
    py(script, "ggml", libraries, join(directory, `${of}.${from}.gguf`), path, String(FILE_TYPES[kind]));
    return path;
  };
  for (const kind of Object.keys(FILE_TYPES)) images.push({ name: kind, path: quantise("base", "BF16", kind) });
  for (const kind of ["Q8_0", "Q4_K_M"]) {
    images.push({ name: `${kind} through f16`, path: quantise("base", "F16", kind) });
    images.push({ name: `tuned ${kind}`, path: quantise("tuned", "BF16", kind), tuned: true });
  }
  return [...images, ...(await steeredImages(directory, libraries))];
}

/** Blocks that ggml makes with an importance matrix, in files of ours. */
async function steeredImages(directory, libraries) {
  const model = await modelOf(join(directory, "base"));
  const folder = join(directory, "steered");
  mkdirSync(folder);
  const plain = llamaParts(model, { ...HEADS, typeOf: () => "F32" });
  plain.tensors.forEach(({ shape, data }, i) => {
    if (shape.length === 2) writeFileSync(join(folder, `${i}.f32`), data);
  });
  py(script, "steered", libraries, folder);
  return ["Q4_0", "Q4_K"].map((type) => {
    const tensors = plain.tensors.map((tensor, i) =>
      tensor.shape.length === 2 ? { ...tensor, type, data: readFileSync(join(folder, `${i}.${type}`)) } : tensor,
    );
    const path = join(directory, `steered.${type}.gguf`);
    writeFileSync(path, ggufFile({ ...plain, tensors }));
    return { name: `steered-${type}`, path };
  });
}

function packedImages(directory) {
  const [packed, onnx] = ["packed", "onnx"].map((name) => join(directory, name));
  mkdirSync(packed);
  mkdirSync(onnx);
  py(script, "packed", join(directory, "base"), packed);
  py(lineage, join(directory, "base"), onnx);
  py(script, "onnx", join(onnx, "plain", "model.onnx"), onnx);
  const inside = (folder, names, as) => names.map((name) => ({ name: `${as}${name}`, path: join(folder, name) }));
  return [
    ...inside(packed, readdirSync(packed).sort(), ""),
    ...inside(onnx, ["int8", "int8-tensor", "uint8-tensor", "nbits-4", "nbits-8"], "onnx-"),
  ];
}

/** Whether blocks of every type are what ggml makes of drawn values, to the bit. */
function checkRounding(directory, libraries) {
  const folder = join(directory, "rounded");
  mkdirSync(folder);
  py(script, "rounded", libraries, folder);
  const floats = (name) => {
    const bytes = readFileSync(join(folder, `${name}.f32`));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  };
  const given = floats("values");
  const digests = {};
  let agreed = true;
  for (const type of readdirSync(folder)
    .map((name) => name.slice(0, -4))
    .filter((name) => name !== "values")) {
    const [wanted, ours] = [floats(type), new Float32Array(given.length)];
    blockRounder(type)(given, ours);
    const wrong = wanted.reduce((sum, value, i) => sum + (value === ours[i] ? 0 : 1), 0);
    console.log(`  ${type.padEnd(8)} ${given.length} values rounded, ${wrong === 0 ? "all equal" : `${wrong} WRONG`}`);
    agreed &&= wrong === 0;
    digests[type] = createHash("sha256")
      .update(new Uint8Array(wanted.slice(0, FIXTURE).map((value) => value + 0).buffer))
      .digest("hex");
  }
  if (flags.fixture) {
    const order = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "MXFP4"];
    const rounded = Object.fromEntries(order.map((type) => [type, digests[type]]));
    const values = Buffer.from(given.slice(0, FIXTURE).buffer).toString("base64");
    writeFileSync(
      fileURLToPath(new URL("../fixtures/ggml/rounded.json", import.meta.url)),
      `${JSON.stringify({ values, rounded }, null, 2)}\n`,
    );
  }
  return agreed;
}

const percent = ({ blocks, equal }) => `${(Math.floor((10000 * equal) / blocks) / 100).toFixed(2)} %`;

async function checkImage(directory, { name, path, tuned = false }) {
  const opened = [];
  for (const one of [path, join(directory, "base"), join(directory, "other")])
    opened.push(await openSubject(one, { depth: "full" }));
  const [image, base, other] = opened;
  const [there, back, silent] = [await compare(image, base), await compare(base, image), await compare(image, other)];
  await Promise.all(opened.map((one) => one.close()));
  const problems = [];
  const wanted = tuned || STEERED.test(name) ? "derived" : "recast";
  if (there.verdict !== wanted || back.verdict !== wanted) problems.push(`${there.verdict}, and back ${back.verdict}`);
  if (!there.relations.includes("quantized")) problems.push("it is not called quantised");
  if (!((there.log10P ?? 0) <= -20 && (back.log10P ?? 0) <= -20))
    problems.push(`log10 p ${there.log10P}, ${back.log10P}`);
  if (silent.verdict !== "no-evidence" || silent.image !== undefined) problems.push(`the other one: ${silent.verdict}`);
  if (there.image === undefined) problems.push("nothing was compared block by block");
  const { requantised = null, nearest = { blocks: 0, equal: 0 }, worst, way = null, scheme = "" } = there.image ?? {};
  const row = [
    name.padEnd(34),
    scheme.padEnd(34),
    String(nearest.blocks).padStart(6),
    (requantised === null ? "-" : percent(requantised)).padStart(9),
    (nearest.blocks === 0 ? "-" : percent(nearest)).padStart(9),
    (worst?.halfSteps ?? 0).toFixed(3).padStart(7),
    there.verdict.padEnd(8),
    `${silent.verdict}${way === null ? "" : ` (${way})`}`,
  ];
  console.log(`  ${row.join(" ")}${problems.length === 0 ? "" : `  WRONG: ${problems.join("; ")}`}`);
  return problems.length === 0;
}

function weightmark(...args) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, "bin", "weightmark.js"), ...args, "--json"],
    {
      encoding: "utf8",
    },
  );
  if (status > 1) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Whether the mark of an example is read out of its images, and no mark out of those of one that has none. */
async function checkMarks(directory) {
  const key = join(directory, "demo.key");
  writeFileSync(key, readFileSync(join(root, "examples", "demo.key")), { mode: 0o600 });
  const marked = join(directory, "marked");
  const plain = join(root, "examples", "models", "base-b");
  weightmark("watermark", "embed", plain, "-o", marked, "--key", key, "--payload", "acme-001", "--unpublished");
  let agreed = true;
  for (const [name, path] of Object.entries({ marked, plain })) {
    const model = await modelOf(path);
    const { num_attention_heads: heads, num_key_value_heads: kvHeads } = JSON.parse(
      readFileSync(join(plain, "config.json"), "utf8"),
    );
    const source = join(directory, `${name}.example.gguf`);
    writeFileSync(source, converted(model, "BF16", { heads, kvHeads }));
    py(lineage, path, join(directory, `${name}-onnx`));
    const images = [["ONNX int8", join(directory, `${name}-onnx`, "int8")]];
    for (const kind of ["Q8_0", "Q4_K_M"]) {
      const image = join(directory, `${name}.example.${kind}.gguf`);
      py(script, "ggml", join(directory, "package/bins/linux-x64"), source, image, String(FILE_TYPES[kind]));
      images.push([`GGUF ${kind}`, image]);
    }
    if (name === "marked") {
      const packed = join(directory, "marked-packed");
      mkdirSync(packed);
      py(script, "packed", path, packed, ...MARKED);
      images.push(...MARKED.map((kind) => [kind, join(packed, kind)]));
    }
    for (const [kind, image] of images) {
      const { present, payload, log2P } = weightmark("watermark", "verify", image, "--key", key);
      const { verdict } = weightmark("compare", image, path);
      const isRight =
        present === (name === "marked") && (!present || payload?.text === "acme-001") && verdict === "recast";
      console.log(
        `  ${name} example as ${kind}: ${present ? payload?.text : "no mark"}, p = 2^${Math.round(log2P)}, ${verdict}${isRight ? "" : "  WRONG"}`,
      );
      agreed &&= isRight;
    }
  }
  return agreed;
}

if (process.platform !== "linux" || process.arch !== "x64") {
  console.log("llama.cpp is taken for Linux on x64 alone: nothing was compared");
  process.exit();
}
const directory = flags.keep ?? mkdtempSync(join(tmpdir(), "weightmark-images-"));
mkdirSync(directory, { recursive: true });
try {
  const libraries = ggmlPackage(directory);
  if (!checkRounding(directory, libraries)) process.exitCode = 1;
  py(script, "models", directory);
  const images = [...(await ggufImages(directory, libraries)), ...packedImages(directory)];
  console.log(
    "  image, its scheme, blocks, of these quantised anew and equal, nearest levels, largest distance in half steps, verdict, of another base",
  );
  if (!(await checkMarks(directory))) process.exitCode = 1;
  for (const image of images) if (!(await checkImage(directory, image))) process.exitCode = 1;
} finally {
  if (flags.keep === undefined) rmSync(directory, { recursive: true });
}
