#!/usr/bin/env node
/**
 * Weights that we read out of an adapter and its base against those of peft's merge_and_unload: npm run test:interop:adapters.
 * PyTorch is a download of some gigabytes, so this is apart from the other interop tests.
 *
 *   node tests/interop/adapters.mjs [--python INTERPRETER] [--only NAME]
 *
 * Without --python, a virtual environment is made below .cache. Prints for each kind of adapter the largest difference beside the
 * largest value, and fails where it is more than the rounding of f32, or of the base's type where peft rounds to that.
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

/** peft sums products in f32, in an order of its own; where the base is bf16, it rounds the change and the sum to eight bits. */
const SINGLE = 1e-6;
const BRAIN = 8e-3;

async function valuesOf({ tensors, files }, name) {
  const { file, begin, end, dtype } = tensors.get(name);
  return decodeToF32(await files[file].source.read(begin, end), dtype);
}

async function agrees(directory, name) {
  const at = join(directory, name);
  const ours = await openCheckpoint(`${join(at, "adapter")}+${join(at, "base")}`);
  const theirs = await openCheckpoint(join(at, "merged.safetensors"));
  try {
    return await agree(name, ours, theirs);
  } finally {
    await ours.close();
    await theirs.close();
  }
}

/** peft's own models may wrap the base in a path that the stored base lacks. */
function placeIn({ tensors }, name) {
  return [name, name.replace(/^[^.]+\./, "")].find((one) => tensors.has(one)) ?? null;
}

async function agree(name, ours, theirs) {
  let [difference, largest, changed] = [0, 0, 0];
  const problems = [];
  for (const [tensor, { shape }] of theirs.tensors) {
    const own = placeIn(ours, tensor);
    if (own === null) {
      // The head that this base lacks, and that nobody trained.
      if (name !== "headless-base" || tensor !== "lm_head.weight") problems.push(`${tensor} is missing`);
      continue;
    }
    const expected = await valuesOf(theirs, tensor);
    const values = await valuesOf(ours, own);
    if (ours.tensors.get(own).shape.join() !== shape.join()) problems.push(`${tensor} has another shape`);
    if (ours.tensors.get(own).file >= ours.files.length - 2) changed++;
    expected.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - values[i]));
      largest = Math.max(largest, Math.abs(value));
    });
  }
  if (changed === 0) problems.push("nothing is changed");
  if (!(difference <= (name.endsWith("bf16") ? BRAIN : SINGLE) * largest)) problems.push("values differ");
  const figures = `${changed} changed, max |difference| ${difference.toExponential(1)}, largest value ${largest.toFixed(3)}`;
  console.log(`  ${name.padEnd(20)} ${figures}${problems.length > 0 ? `  WRONG: ${problems.join("; ")}` : ""}`);
  return problems.length === 0;
}

const { values } = parseArgs({
  options: { python: { type: "string" }, only: { type: "string" } },
});
const script = fileURLToPath(new URL("./adapters.py", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "weightmark-adapters-"));
const told = (name) => (error) => console.error(`  ${name}: ${error.message} (${error.tensor ?? ""})`);
try {
  const python = values.python ?? venv("interop-torch-venv", "requirements-torch.txt");
  const env = { ...process.env, HF_HUB_OFFLINE: "1", PYTHONWARNINGS: "ignore" };
  execFileSync(python, [script, directory], { stdio: ["ignore", "ignore", "inherit"], env });
  for (const name of readdirSync(directory).sort()) {
    if (values.only !== undefined && name !== values.only) continue;
    if (!(await agrees(directory, name).catch(told(name)))) process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true });
}
