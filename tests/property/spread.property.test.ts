import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { DirectDtype } from "../../src/kernels/coins.ts";
import { prng } from "../../src/numerics/prng.ts";
import { scaleRows } from "../../src/watermark/carriers/spread/column-scales.ts";
import { planSpread } from "../../src/watermark/carriers/spread/plan.ts";
import { readSpread } from "../../src/watermark/carriers/spread/read.ts";
import { readHostSpread } from "../../src/watermark/carriers/spread/read-host.ts";
import { spreadResidual, TOLERANCE } from "../../src/watermark/carriers/spread/residual.ts";
import { spreadReading } from "../../src/watermark/carriers/spread/spread-units.ts";
import { hostModel } from "../../src/watermark/host/host-checkpoint.ts";
import { PAYLOAD_CLASSES } from "../../src/watermark/message/payload-class.ts";
import type { Model } from "../support/random-model.ts";
import { checkpointOfModel, marked, testKey } from "../support/spread-model.ts";

const ZERO_BIT = PAYLOAD_CLASSES[0]!;
const NAME = "model.layers.0.mlp.up_proj.weight";

/** One matrix whose tails are as heavy as `power` makes them, some of it zero. */
function matrix(seed: number, rows: number, cols: number, dtype: DirectDtype, power: number, zeros: number): Model {
  const random = prng(`spread ${seed}`);
  const values = Float32Array.from({ length: rows * cols }, () => {
    const x = random.normal();
    return random.float() < zeros ? 0 : 0.02 * Math.sign(x) * Math.abs(x) ** power;
  });
  return new Map([[NAME, { shape: [rows, cols], dtype, values }]]);
}

const model = fc.record({
  seed: fc.nat(1e6),
  rows: fc.integer({ min: 230, max: 400 }),
  cols: fc.integer({ min: 300, max: 530 }),
  dtype: fc.constantFrom<DirectDtype>("BF16", "F16", "F32"),
  power: fc.constantFrom(0.7, 1, 1.6),
  zeros: fc.constantFrom(0, 0, 0.5),
});

describe("the spread carrier", () => {
  test.prop([model, fc.nat(1e6), fc.double({ min: 0.04, max: 0.06, noNaN: true })], { numRuns: 12 })(
    "comes home within the three passes that embedding makes, spends its budget, and reads the same through a host model",
    async ({ seed, rows, cols, dtype, power, zeros }, keySeed, rho) => {
      const key = testKey(keySeed);
      const checkpoint = await checkpointOfModel(matrix(seed, rows, cols, dtype, power, zeros));
      const units = await readSpread(checkpoint, key, { threads: 0, marking: true });
      const random = prng(`symbols ${seed}`);
      const symbols = Int8Array.from({ length: 64 }, () => (random.float() < 0.5 ? -1 : 1));
      const plan = planSpread(units, symbols, ZERO_BIT, key, rho);
      fc.pre(plan !== null);
      expect(plan.rms.planned).toBeCloseTo(rho, 9);
      let copy = await marked(checkpoint, plan.edits);
      let residual = spreadResidual(units, plan, copy.achieved, key, 1);
      for (let pass = 2; pass <= 3 && residual.edits !== null; pass++) {
        copy = await marked(copy.checkpoint, residual.edits);
        residual = spreadResidual(units, plan, copy.achieved, key, pass);
      }
      expect(residual.worst).toBeLessThanOrEqual(TOLERANCE);

      const direct = spreadReading(await readSpread(copy.checkpoint, key, { threads: 0 }), ZERO_BIT);
      const host = spreadReading(await readHostSpread(hostModel(copy.checkpoint), key), ZERO_BIT);
      expect(host).toEqual(direct);
      // What the soft statistic promises: alpha sqrt m, up to the scales that the mark itself has moved.
      const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
      const z = sum(direct.values.map((value, i) => value * symbols[i]!)) / Math.sqrt(sum(direct.energies));
      expect(Math.abs(z / (plan.alpha * 8) - 1)).toBeLessThan(0.05);
      const wrong = spreadReading(await readSpread(copy.checkpoint, testKey(keySeed + 1), { threads: 0 }), ZERO_BIT);
      expect(Math.abs(sum(wrong.values)) / Math.sqrt(sum(wrong.energies))).toBeLessThan(7);
    },
  );

  test.prop([fc.nat(1e6), fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 1 << 18 })])(
    "takes scales from rows that are there, none twice, in bounded memory",
    (seed, rows, cols) => {
      const runs = scaleRows(testKey(seed).subkey("rows"), "language/0/up/-1", rows, cols);
      let end = 0;
      for (const { first, count } of runs) {
        expect(first).toBeGreaterThanOrEqual(end);
        end = first + count;
      }
      expect(end).toBeLessThanOrEqual(rows);
      const all = runs.reduce((n, { count }) => n + count, 0);
      expect(all).toBeGreaterThanOrEqual(Math.min(rows, 16));
      expect(all * cols).toBeLessThanOrEqual(1 << 23);
    },
  );
});
