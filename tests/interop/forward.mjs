#!/usr/bin/env node
/**
 * Logits of our forward pass against those of the reference library (transformers, f32 on the CPU).
 *
 *   node tests/interop/forward.mjs DIRECTORY     what forward.py wrote
 *
 * Prints the largest difference of each case beside the largest logit; fails where it exceeds 2e-5 of it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Both sides round to f32 after every operation, in their own order. */
const TOLERANCE = 2e-5;

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const ours = (module) => import(pathToFileURL(join(process.env.WEIGHTMARK_DIST ?? join(root, "dist"), "src", module)));

/** [tokens x vocabulary] for the sequences of a case, one after the other. */
async function logitsOf(directory) {
  const { openCheckpoint } = await ours("checkpoint/open-checkpoint.js");
  const { openModel } = await ours("quality/model.js");
  const { hiddenStates } = await ours("quality/forward.js");
  const { logitBand } = await ours("quality/logits.js");
  const { wasmEngine } = await ours("numerics/wasm-engine.js");
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

/** Compares every case below `directory`; whether all agree. */
export async function compareForward(directory) {
  let agreed = true;
  for (const name of readdirSync(directory).sort()) {
    const bytes = readFileSync(join(directory, name, "logits.f32"));
    const theirs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const logits = await logitsOf(join(directory, name)).catch((error) => error);
    if (logits instanceof Error) {
      console.error(`${name}: ${logits.code ?? ""} ${logits.message} ${logits.tensor ?? ""}`);
      agreed = false;
      continue;
    }
    let [difference, largest] = [logits.length === theirs.length ? 0 : Number.NaN, 0];
    for (let i = 0; i < theirs.length; i++) {
      difference = Math.max(difference, Math.abs(logits[i] - theirs[i]));
      largest = Math.max(largest, Math.abs(theirs[i]));
    }
    const good = difference <= TOLERANCE * largest;
    console.log(
      `  ${name.padEnd(32)} max |difference| ${difference.toExponential(1)} of ${largest.toFixed(1)}${good ? "" : "  WRONG"}`,
    );
    agreed &&= good;
  }
  return agreed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!(await compareForward(process.argv[2]))) process.exitCode = 1;
}
