#!/usr/bin/env node
/**
 * Values that we read out of packed safetensors against those of the libraries that pack them: npm run test:interop:quantised.
 * PyTorch is a download of some gigabytes, so this is apart from the other interop tests.
 *
 *   node tests/interop/quantised.mjs [--python INTERPRETER]
 *
 * Without --python, a virtual environment is made below .cache. Prints for each layout the largest difference beside the largest
 * value, and fails where it is more than the library's own rounding.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { decodeToF32 } from "../../dist/src/kernels/decode.js";
import { venv } from "./venv.mjs";

/** Libraries that compute in f16 round each value to eleven bits, scaled once or twice; the others in f32. */
const HALF = 1e-3;
/** ... and in bf16 to eight. */
const BRAIN = 4e-3;
const SINGLE = 2e-6;
const IN_HALF = /^(?:gptq|awq)/;
const IN_BRAIN = /^compressed-tensors-nvfp4/;

async function valuesOf(checkpoint, name) {
  const { file, begin, end, dtype, shape, inOut } = checkpoint.tensors.get(name);
  const values = decodeToF32(await checkpoint.files[file].source.read(begin, end), dtype);
  if (!inOut) return { values, shape };
  const [into, out] = shape;
  return { values: values.map((_, i) => values[(i % into) * out + Math.floor(i / into)]), shape: [out, into] };
}

function toleranceOf(name) {
  return IN_HALF.test(name) ? HALF : IN_BRAIN.test(name) ? BRAIN : SINGLE;
}

async function agrees(directory, name) {
  const packed = await openCheckpoint(join(directory, name));
  const plain = await openCheckpoint(join(directory, `${name}.expected.safetensors`));
  try {
    return await agree(name, packed, plain);
  } finally {
    await packed.close();
    await plain.close();
  }
}

async function agree(name, packed, plain) {
  let [difference, largest] = [0, 0];
  const problems = packed.notes.filter((note) => note.includes("left out"));
  for (const [tensor, { shape }] of plain.tensors) {
    if (packed.tensors.get(tensor)?.scheme === undefined) {
      problems.push(`${tensor} is not decoded`);
      continue;
    }
    const theirs = (await valuesOf(plain, tensor)).values;
    const ours = await valuesOf(packed, tensor);
    if (ours.shape.join() !== shape.join())
      problems.push(`${tensor} is ${ours.shape.join(" x ")}, not ${shape.join(" x ")}`);
    theirs.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - ours.values[i]));
      largest = Math.max(largest, Math.abs(value));
    });
  }
  const left = [...packed.tensors]
    .filter(([, { dtype }]) => dtype !== "F32" && dtype !== "F16")
    .map(([tensor]) => tensor);
  if (left.length > 0) problems.push(`${left[0]} is left over`);
  if (!(difference <= toleranceOf(name) * largest)) problems.push("values differ");
  const figures = `max |difference| ${difference.toExponential(1)}, largest value ${largest.toFixed(3)}`;
  console.log(`  ${name.padEnd(36)} ${figures}${problems.length > 0 ? `  WRONG: ${problems.join("; ")}` : ""}`);
  return problems.length === 0;
}

const { values } = parseArgs({ options: { python: { type: "string" } } });
const python = values.python ?? venv("interop-torch-venv", "requirements-torch.txt");
const script = fileURLToPath(new URL("./quantised.py", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "weightmark-quantised-"));
try {
  execFileSync(python, [script, directory], { stdio: ["ignore", "ignore", "inherit"] });
  const entries = readdirSync(directory, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.name.endsWith(".failed"))) {
    console.error(`${name} could not be run`);
    process.exitCode = 1;
  }
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    if (!(await agrees(directory, name))) process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true });
}
