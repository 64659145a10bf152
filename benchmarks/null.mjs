/**
 * What the detectors say to keys that marked nothing: the claimed null distribution against the measured one.
 *
 *   node benchmarks/null.mjs MODEL... [--keys 100000] [--decide 1000] [--weights 300000] [--threads 2] [--seed 1]
 *
 * MODEL is a checkpoint, marked or not; about --weights weights of it are held in memory for every carrier, decoded once,
 * and read by the library under every key. For each carrier: the statistic Z of the zero-bit class under --keys keys, its
 * moments, the Kolmogorov-Smirnov test against N(0, 1), the largest Z and its log2 p. The whole decision, with all payload
 * classes and decoding, is made for the first --decide keys.
 *
 * Prints a Markdown table. Exit code 1 when a key was found present, a log2 p fell below -40, or a KS p is below .01 over
 * the number of tests (Bonferroni).
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { kolmogorovP, normalDistance } from "../dist/src/numerics/kolmogorov.js";
import { softLog2P } from "../dist/src/watermark/evidence/statistics.js";
import { summariseZ } from "./null/summary.mjs";

const BATCH = 500;
const LOG2_BAR = -40;
const KS_BAR = 0.01;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    keys: { type: "string", default: "100000" },
    decide: { type: "string", default: "1000" },
    weights: { type: "string", default: "300000" },
    threads: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
  },
});
if (positionals.length === 0) throw new Error("name a model");
const rows = [];
let alarms = 0;
for (const model of positionals) rows.push(...(await measureModel(model)));
process.stdout.write(tableOf(rows));
process.exitCode =
  alarms === 0 && rows.every(({ ksP, log2P }) => ksP > KS_BAR / rows.length && log2P > LOG2_BAR) ? 0 : 1;

async function measureModel(model) {
  const keys = Number(values.keys);
  const decided = Math.min(keys, Number(values.decide));
  const found = await runBatches(model, keys, decided);
  const decisions = found.flatMap(({ decisions }) => decisions);
  const present = decisions.filter(({ log2P }) => log2P <= LOG2_BAR).length;
  alarms += present;
  const lowest = decisions.reduce((least, { log2P }) => Math.min(least, log2P), 0);
  process.stderr.write(
    `${basename(model)}: ${decided} decisions, ${present} present, lowest log2 p ${lowest.toFixed(1)}\n`,
  );
  return found[0].carriers.flatMap(({ name, weights }, at) => {
    const z = Float64Array.from(found.flatMap(({ carriers }) => carriers[at].z));
    if (z.length === 0) {
      // A part of the model that is too small to be read tests nothing.
      process.stderr.write(`${basename(model)}: no key read the ${name} carrier; raise --weights\n`);
      alarms++;
      return [];
    }
    const distance = normalDistance(z);
    const { mean, deviation, largest } = summariseZ(z);
    return {
      model: basename(model),
      carrier: name,
      weights,
      keys: z.length,
      mean,
      deviation,
      largest,
      distance,
      ksP: kolmogorovP(distance, z.length),
      log2P: softLog2P(largest),
      decided,
      lowest,
      present,
    };
  });
}

/** Keys in batches over worker threads; results in the order of the keys. */
async function runBatches(model, keys, decided) {
  const starts = Array.from({ length: Math.ceil(keys / BATCH) }, (_, i) => i * BATCH);
  const results = new Array(starts.length);
  let next = 0;
  const serve = async () => {
    const workerData = { model, weights: Number(values.weights) };
    const worker = new Worker(new URL("./null/worker.mjs", import.meta.url), { workerData });
    while (next < starts.length) {
      const at = next++;
      const first = starts[at];
      const masters = Array.from({ length: Math.min(BATCH, keys - first) }, (_, i) => masterOf(first + i));
      results[at] = await ask(worker, { masters, decided: Math.max(0, decided - first) });
      if (at % 20 === 0) process.stderr.write(`${basename(model)}: ${first} keys\n`);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Number(values.threads) }, serve));
  return results;
}

function masterOf(i) {
  return createHash("sha256").update(`wrong key ${values.seed}/${i}`).digest();
}

async function ask(worker, message) {
  worker.postMessage(message);
  // Rejects when the worker fails.
  const [answer] = await once(worker, "message");
  return answer;
}

function tableOf(rows) {
  const head = ["model", "carrier", "weights", "keys", "mean Z", "SD of Z", "KS D", "KS p", "largest Z", "its log2 p"];
  const lines = [[...head, "decisions", "present", "lowest log2 p"], Array.from({ length: 13 }, () => "---")];
  for (const row of rows) {
    const { model, carrier, weights, keys, mean, deviation, distance, ksP, largest, log2P, decided, present, lowest } =
      row;
    const figures = [mean.toFixed(4), deviation.toFixed(4), distance.toFixed(5), ksP.toFixed(3), largest.toFixed(2)];
    lines.push([model, carrier, weights, keys, ...figures, log2P.toFixed(1), decided, present, lowest.toFixed(1)]);
  }
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
