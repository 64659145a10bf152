/**
 * Speed of the forward pass behind `quality`, every engine that is there beside our own kernels.
 *
 *   node benchmarks/quality.mjs [MODEL] [--tokens 512] [--context 256] [--repeat 2]
 *
 * Without MODEL, a synthetic bf16 model of 43 million parameters is written to a temporary directory and removed. The
 * model runs against itself, so each token passes twice; a token per second is one token through one model.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../dist/src/index.js";
import { compareQuality, engines } from "../dist/src/quality/index.js";
import { xorshift } from "./support/random.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tokens: { type: "string", default: "512" },
    context: { type: "string", default: "256" },
    repeat: { type: "string", default: "2" },
  },
});

/** SmolLM-135M with a third of its layers and of its vocabulary. */
const SHAPE = ["--layers", "10", "--width", "576", "--ffn", "1536", "--heads", "9", "--kv-heads", "3"];
const REST = ["--vocabulary", "16384", "--tied", "--shards", "1"];

function synthetic(directory) {
  const script = fileURLToPath(new URL("./make-model.mjs", import.meta.url));
  execFileSync(process.execPath, [script, directory, ...SHAPE, ...REST], { stdio: "ignore" });
  return directory;
}

async function measure(checkpoint, engine, threads) {
  const random = xorshift(7);
  const vocabulary = Number(checkpoint.config.vocab_size);
  const ids = Array.from({ length: Number(values.tokens) }, () => random() % vocabulary);
  const tokens = { sequences: [ids], prefix: [] };
  const options = { engine, threads, context: Number(values.context), maxTokens: ids.length };
  let best = Number.POSITIVE_INFINITY;
  let result;
  for (let run = 0; run <= Number(values.repeat); run++) {
    const started = performance.now();
    result = await compareQuality(checkpoint, checkpoint, tokens, options);
    // The first run compiles.
    if (run > 0) best = Math.min(best, (performance.now() - started) / 1000);
  }
  return { name: result.engine, threads, nll: result.nll.a, speed: (2 * ids.length) / best };
}

const temporary = mkdtempSync(join(tmpdir(), "weightmark-quality-"));
try {
  const checkpoint = await openCheckpoint(positionals[0] ?? synthetic(temporary));
  const rows = [];
  for (const { name, engine } of engines()) {
    if (engine === null) continue;
    for (const threads of name === "wasm" ? [0, 2] : [0]) rows.push(await measure(checkpoint, name, threads));
  }
  await checkpoint.close();
  for (const { name, threads, nll, speed } of rows) {
    const how = name === "wasm" ? (threads === 0 ? "one thread" : `${threads} worker threads`) : "its own threads";
    console.log(
      `${name.padEnd(20)} ${how.padEnd(18)} ${speed.toFixed(0).padStart(6)} tokens/s   NLL ${nll.toFixed(6)}`,
    );
  }
  const spread = Math.max(...rows.map(({ nll }) => nll)) - Math.min(...rows.map(({ nll }) => nll));
  if (!(spread < 1e-5)) throw new Error(`the engines disagree on the likelihood by ${spread}`);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
