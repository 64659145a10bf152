import { expect, test } from "vitest";
import { kolmogorovP, normalDistance } from "../../../../../src/numerics/kolmogorov.ts";
import { editsWith } from "../../../../../src/watermark/carriers/spread/amplitudes.ts";
import { readSpread } from "../../../../../src/watermark/carriers/spread/read.ts";
import { spreadReading } from "../../../../../src/watermark/carriers/spread/spread-units.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import type { Model } from "../../../../support/random-model.ts";
import { checkpointOfModel, gaussianLlama, marked, testKey } from "../../../../support/spread-model.ts";

/** Always the same ones; `benchmarks/null-marked.mjs` asks ten thousand others. */
const WRONG_KEYS = 500;
const FIRST = 1000;

/** One matrix of heavy-tailed weights with scales of their own: the smallest that is read. */
function oneMatrix(): Model {
  const { values, ...rest } = gaussianLlama(1, { dtype: "BF16" }).get("model.layers.0.self_attn.q_proj.weight")!;
  const heavy = values.map((x, i) => x * Math.abs(x) * (1 + (i % 256) / 16));
  return new Map([["model.layers.0.self_attn.q_proj.weight", { ...rest, values: heavy }]]);
}

test(`${WRONG_KEYS} wrong keys on marked weights: Z is standard normal and no p-value is too small`, async () => {
  const payloadClass = PAYLOAD_CLASSES[0]!;
  const plain = await checkpointOfModel(oneMatrix());
  const key = testKey(1);
  const units = await readSpread(plain, key, { threads: 0, marking: true });
  const amplitudes = new Float64Array(64).fill(0.05);
  const { checkpoint } = await marked(plain, editsWith(units, amplitudes, key, 1));
  const statistic = async (seed: number): Promise<number> => {
    const { values, energies } = spreadReading(
      await readSpread(checkpoint, testKey(seed), { threads: 0 }),
      payloadClass,
    );
    return values.reduce((a, b) => a + b, 0) / Math.sqrt(energies.reduce((a, b) => a + b, 0));
  };
  expect(await statistic(1)).toBeGreaterThan(10);
  const z = new Float64Array(WRONG_KEYS);
  for (let i = 0; i < WRONG_KEYS; i++) z[i] = await statistic(FIRST + i);
  expect(kolmogorovP(normalDistance(z), z.length)).toBeGreaterThan(0.01);
  // P(Z >= t) <= exp(-t^2 / 2): among n keys the least p is below 1 / (100 n) once in a hundred times.
  const most = z.reduce((a, b) => Math.max(a, b), 0);
  expect(Math.exp(-(most ** 2) / 2)).toBeGreaterThan(1 / (100 * WRONG_KEYS));
  for (const log2P of [2, 4, 6, 8]) {
    const threshold = Math.sqrt(2 * Math.LN2 * log2P);
    const found = z.filter((value) => value >= threshold).length / WRONG_KEYS;
    expect(found).toBeLessThanOrEqual(2 ** -log2P);
  }
});
