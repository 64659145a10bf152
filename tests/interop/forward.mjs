#!/usr/bin/env node
/**
 * Logits of our forward pass against those of the reference library (transformers, f32 on the CPU): npm run
 * test:interop:forward. PyTorch is a download of some gigabytes, so this is apart from the other interop tests.
 *
 *   node tests/interop/forward.mjs [--python INTERPRETER] [--model DIRECTORY]...
 *
 * Without --python, a virtual environment is made below .cache. Every family is run with random weights; --model adds
 * real ones. Prints the largest difference beside the largest logit, and fails above 2e-5 of it.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { wasmEngine } from "../../dist/src/numerics/wasm-engine.js";
import { hiddenStates } from "../../dist/src/quality/forward.js";
import { logitBand } from "../../dist/src/quality/logits.js";
import { openModel } from "../../dist/src/quality/model.js";
import { venv } from "./venv.mjs";

/** Both sides round to f32 after every operation, each in its own order. */
const TOLERANCE = 2e-5;

/** [tokens x vocabulary] for the sequences of a case, one after the other. */
async function logitsOf(directory) {
  const windows = JSON.parse(readFileSync(join(directory, "tokens.json"), "utf8"));
  const checkpoint = await openCheckpoint(directory);
  try {
    const model = openModel(checkpoint);
    const hidden = await hiddenStates(wasmEngine(), model, windows);
    return await logitBand(wasmEngine(), model, hidden, 0, model.architecture.vocabulary);
  } finally {
    await checkpoint.close();
  }
}

async function agrees(directory) {
  const bytes = readFileSync(join(directory, "logits.f32"));
  const theirs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const logits = await logitsOf(directory);
  let [difference, largest] = [logits.length === theirs.length ? 0 : Number.NaN, 0];
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(logits[i] - theirs[i]));
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  const good = difference <= TOLERANCE * largest;
  const figures = `max |difference| ${difference.toExponential(1)}, largest logit ${largest.toFixed(1)}`;
  console.log(`  ${basename(directory).padEnd(30)} ${figures}${good ? "" : "  WRONG"}`);
  return good;
}

const { values } = parseArgs({
  options: { python: { type: "string" }, model: { type: "string", multiple: true, default: [] } },
});
const python = values.python ?? venv("interop-torch-venv", "requirements-torch.txt");
const script = fileURLToPath(new URL("./forward.py", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "weightmark-forward-"));
try {
  execFileSync(python, [script, "models", directory], { stdio: "inherit" });
  for (const model of values.model) {
    const copy = join(directory, basename(resolve(model)));
    if (existsSync(copy)) throw new Error(`two models are called ${basename(copy)}`);
    cpSync(model, copy, { recursive: true });
    execFileSync(python, [script, "logits", copy], { stdio: "inherit" });
  }
  let wrong = 0;
  for (const name of readdirSync(directory).sort()) if (!(await agrees(join(directory, name)))) wrong++;
  if (wrong > 0) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}
