/**
 * What wrong keys find in weights that were marked under another: is Z standard normal, and is no p-value too small?
 *
 *   node benchmarks/null-marked.mjs [--keys 10000] [--seed 1]
 *
 * The weights are one matrix of 256 x 256 in bf16, heavy-tailed and with column scales of its own, the smallest that the
 * spread carrier reads, marked at a strength that its own key sees at once. Every wrong key reads all of it.
 *
 * Prints a Markdown table. Exit code 1 when the mark is not there under its own key, when the Kolmogorov-Smirnov p is not
 * above .01, when the largest Z is one that so many keys reach once in a hundred times, or when more keys pass a threshold
 * than its claimed p allows: P(Z >= t) <= exp(-t^2 / 2).
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { memorySource } from "../dist/src/bytes/memory-source.js";
import { kolmogorovP, normalDistance } from "../dist/src/numerics/kolmogorov.js";
import { addressOf } from "../dist/src/rows/addressed-matrix.js";
import { editsWith } from "../dist/src/watermark/carriers/spread/amplitudes.js";
import { applySpread } from "../dist/src/watermark/carriers/spread/apply.js";
import { spreadMatrices } from "../dist/src/watermark/carriers/spread/matrices.js";
import { readSpread } from "../dist/src/watermark/carriers/spread/read.js";
import { spreadReading } from "../dist/src/watermark/carriers/spread/spread-units.js";
import { modelKey } from "../dist/src/watermark/key/model-key.js";
import { PAYLOAD_CLASSES } from "../dist/src/watermark/message/payload-class.js";
import { summariseZ } from "./null/summary.mjs";
import { fillGaussian, xorshift } from "./support/random.mjs";

const SIDE = 256;
const NAME = "model.layers.0.self_attn.q_proj.weight";
const ZERO_BIT = PAYLOAD_CLASSES.find(({ payloadBits }) => payloadBits === 0);
/** In units of the Sinkhorn form: far above the default, for the smallest of matrices has few weights to add up. */
const AMPLITUDE = 0.05;
const KS_BAR = 0.01;
const LOG2_BOUNDS = [2, 4, 6, 8];

const { values } = parseArgs({
  options: { keys: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
const keys = Number(values.keys);
const key = keyOf("right key");
const marked = await markedCheckpoint();
const own = await statistic(key);
const z = new Float64Array(keys);
for (let i = 0; i < keys; i++) {
  z[i] = await statistic(keyOf(`wrong key ${values.seed}/${i}`));
  if (i % 1000 === 0) process.stderr.write(`${i} keys\n`);
}
const distance = normalDistance(z);
const ksP = kolmogorovP(distance, keys);
const { mean, deviation, largest } = summariseZ(z);
const shares = LOG2_BOUNDS.map((log2P) => {
  const threshold = Math.sqrt(2 * Math.LN2 * log2P);
  return z.filter((value) => value >= threshold).length / keys;
});
process.stdout.write(table());
const leastExpected = 1 / (100 * keys);
const holds =
  own > 10 &&
  ksP > KS_BAR &&
  Math.exp(-(Math.max(largest, 0) ** 2) / 2) > leastExpected &&
  shares.every((share, i) => share <= 2 ** -LOG2_BOUNDS[i]);
process.exitCode = holds ? 0 : 1;

function keyOf(label) {
  return modelKey(createHash("sha256").update(label).digest(), "null");
}

async function statistic(candidate) {
  const reading = spreadReading(await readSpread(marked, candidate, { threads: 0 }), ZERO_BIT);
  const total = (of) => of.reduce((a, b) => a + b, 0);
  return total(reading.values) / Math.sqrt(total(reading.energies));
}

/** Squares of normal values with their signs, column j times 1 + j / 16, as bf16. */
function weights() {
  const drawn = fillGaussian(new Float32Array(SIDE * SIDE), xorshift(Number(values.seed)), 0.02);
  const heavy = drawn.map((x, i) => x * Math.abs(x) * (1 + (i % SIDE) / 16));
  return new Uint8Array(Uint16Array.from(new Uint32Array(heavy.buffer), (word) => word >>> 16).buffer);
}

async function markedCheckpoint() {
  const bytes = weights();
  const plain = checkpointOf(bytes);
  const [view] = spreadMatrices(plain);
  const units = await readSpread(plain, key, { threads: 0, marking: true });
  const amplitudes = new Float64Array(ZERO_BIT.pilots).fill(AMPLITUDE);
  const address = addressOf(view);
  const spread = editsWith(units, amplitudes, key, 1).get(address);
  const copy = bytes.slice();
  const rows = { first: 0, count: SIDE, offset: (row) => 2 * SIDE * row };
  applySpread(copy, "BF16", { address, colStride: 1, cols: SIDE, rowSigns: null, colSigns: null, spread }, rows);
  return checkpointOf(copy);
}

function checkpointOf(bytes) {
  const info = { name: NAME, dtype: "BF16", shape: [SIDE, SIDE], begin: 0, end: bytes.length, file: 0 };
  return {
    location: "memory",
    container: "safetensors",
    files: [{ path: "memory", absolutePath: null, source: memorySource(bytes, "memory") }],
    tensors: new Map([[NAME, info]]),
    config: null,
    notes: [],
    verifyUnchanged: async () => {},
    close: async () => {},
  };
}

function table() {
  const head = ["keys", "Z of its own key", "mean Z", "SD of Z", "KS D", "KS p", "largest Z"];
  const bounds = LOG2_BOUNDS.map((log2P) => `share at p <= 2^-${log2P} (${(2 ** -log2P).toFixed(4)})`);
  const figures = [keys, own.toFixed(1), mean.toFixed(4), deviation.toFixed(4), distance.toFixed(5), ksP.toFixed(3)];
  const lines = [
    [...head, ...bounds],
    [...head, ...bounds].map(() => "---"),
    [...figures, largest.toFixed(2), ...shares.map((share) => share.toFixed(4))],
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
