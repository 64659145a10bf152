import { describe, expect, test } from "vitest";
import { coinBytesOf } from "../../../../../src/kernels/coins.ts";
import { kolmogorovP, normalDistance } from "../../../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../../../src/numerics/prng.ts";
import { addressOf } from "../../../../../src/rows/addressed-matrix.ts";
import { orientationEdits } from "../../../../../src/watermark/carriers/orientation/edits.ts";
import { planOrientation } from "../../../../../src/watermark/carriers/orientation/flips.ts";
import {
  type OrientationUnits,
  readOrientation,
} from "../../../../../src/watermark/carriers/orientation/projections.ts";
import { orientationDecoys, orientationReading } from "../../../../../src/watermark/carriers/orientation/reading.ts";
import { decoyStatistics } from "../../../../../src/watermark/evidence/decoys.ts";
import { hostModel } from "../../../../../src/watermark/host/host-checkpoint.ts";
import { keystream } from "../../../../../src/watermark/key/keystream.ts";
import { type ModelKey, modelKey } from "../../../../../src/watermark/key/model-key.ts";
import type { CarrierReading } from "../../../../../src/watermark/message/carrier-reading.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../../../../../src/watermark/message/payload-class.ts";
import { coinOf } from "../../../../oracles/coin.ts";
import { applySigns } from "../../../../support/apply-signs.ts";
import { refold } from "../../../../support/derive.ts";
import { type Model, randomModel } from "../../../../support/random-model.ts";
import { configOf, KINDS, smallTransformer } from "../../../../support/small-transformer.ts";
import { checkpointOf } from "../../../../support/stored-model.ts";

const [ZERO_BIT, , , BITS_128] = PAYLOAD_CLASSES as readonly PayloadClass[] as [
  PayloadClass,
  PayloadClass,
  PayloadClass,
  PayloadClass,
];
const CONFIG = { model_type: "llama", hidden_size: 128, num_attention_heads: 8, num_key_value_heads: 4 };
const KEY = keyOf(1);
const MODEL = randomModel({ init: 4 }, { width: 128, hidden: 384, layers: 3 });

function keyOf(n: number): ModelKey {
  const master = new Uint8Array(32);
  new DataView(master.buffer).setUint32(0, n);
  return modelKey(master, "release");
}

const unitsOf = async (model: Model, key = KEY): Promise<OrientationUnits> =>
  readOrientation(hostModel(await checkpointOf(model, { config: CONFIG })), key);

async function mark(
  model: Model,
  key: ModelKey,
  payloadClass = ZERO_BIT,
  symbols = ones(payloadClass),
): Promise<Model> {
  const flips = planOrientation(await unitsOf(model, key), symbols, payloadClass, key);
  return applySigns(model, orientationEdits(await checkpointOf(model, { config: CONFIG }), flips));
}

function ones(payloadClass: PayloadClass): Int8Array {
  return new Int8Array(chipCount(payloadClass)).fill(1);
}

/** Z of all chips against known symbols. */
function statistic({ values, energies }: CarrierReading, symbols: Int8Array): number {
  const sum = values.reduce((total, value, i) => total + value * symbols[i]!, 0);
  return sum / Math.sqrt(energies.reduce((a, b) => a + b, 0));
}

const zOf = async (model: Model, key = KEY): Promise<number> =>
  statistic(orientationReading(await unitsOf(model, key), ZERO_BIT, key), ones(ZERO_BIT));

describe("projections", () => {
  test.each(["qwen3", "gpt2", "gpt_neox", "glm4"])("are what plain loops find in %s", async (name) => {
    const kind = KINDS.get(name)!;
    const host = hostModel(await checkpointOf(smallTransformer(kind, 5), { config: configOf(kind) }));
    for (const { generators, projections } of (await readOrientation(host, KEY)).blocks) {
      const { source } = generators;
      const gain = (await source.gain!())!;
      const weights = (await source.read(0, source.rows)).map((w, i) => w * gain[i % source.cols]!);
      const signs = new Uint8Array(source.rows * coinBytesOf(source.cols));
      keystream(KEY.subkey("orientation/directions"), addressOf(source)).fill(signs, 0);
      projections.forEach((y, g) => {
        let [dot, energy] = [0, 0];
        for (const row of generators.sourceRows(g)) {
          const coins = signs.subarray(row * coinBytesOf(source.cols));
          for (let j = 0; j < source.cols; j++) {
            const w = weights[row * source.cols + j]!;
            dot += coinOf(coins, j) * w;
            energy += w * w;
          }
        }
        expect(y).toBeCloseTo(dot / Math.sqrt(energy), 5);
      });
    }
  });

  test.each(["F32", "BF16", "F16"] as const)("are the same from stored %s rows as from decoded ones", async (dtype) => {
    for (const name of ["llama", "gpt_neox"]) {
      const kind = KINDS.get(name)!;
      const model = new Map([...smallTransformer(kind, 9)].map(([tensor, t]) => [tensor, { ...t, dtype }]));
      const host = hostModel(await checkpointOf(model, { config: configOf(kind) }));
      expect(host.matrices.every(({ stored }) => stored !== undefined)).toBe(true);
      const decoded = { ...host, matrices: host.matrices.map(({ stored: _, ...matrix }) => matrix) };
      const [fast, plain] = [await readOrientation(host, KEY), await readOrientation(decoded, KEY)];
      expect(fast.blocks.map((b) => b.projections)).toEqual(plain.blocks.map((b) => b.projections));
    }
  });

  test("do not depend on where the gains of norms are kept", async () => {
    const [before, after] = [await unitsOf(MODEL), await unitsOf(refold(MODEL))];
    expect(after.blocks.map((b) => b.projections)).toEqual(before.blocks.map((b) => b.projections));
  });

  test("do not depend on the scale of a row, and rows without values have none", async () => {
    const before = await unitsOf(MODEL);
    const up = "model.layers.1.mlp.up_proj.weight";
    const { values, ...rest } = MODEL.get(up)!;
    const scaled = values.map((w, i) => {
      const row = Math.floor(i / 128);
      return row === 0 ? 0 : row === 1 && i % 128 === 7 ? Number.NaN : row === 2 ? Number.POSITIVE_INFINITY : 16 * w;
    });
    const after = await unitsOf(new Map([...MODEL, [up, { ...rest, values: scaled }]]));
    expect(after.present).toBe(before.present - 3);
    after.blocks.forEach(({ generators, projections }, b) => {
      const expected = Float32Array.from(before.blocks[b]!.projections);
      if (generators.source.layer === 1 && generators.kind === "neuron") expected.fill(0, 0, 3);
      expect(projections).toEqual(expected);
    });
    const reading = orientationReading(after, BITS_128, KEY);
    expect(reading.values.every(Number.isFinite)).toBe(true);
  });
});

describe("a marked model", () => {
  test("shows the predicted statistic, in every payload class and for any symbols", async () => {
    const random = prng("symbols");
    for (const payloadClass of PAYLOAD_CLASSES) {
      const symbols = ones(payloadClass).map(() => (random.below(2) === 0 ? 1 : -1));
      const marked = await mark(MODEL, KEY, payloadClass, symbols);
      const units = await unitsOf(marked);
      const reading = orientationReading(units, payloadClass, KEY);
      reading.values.forEach((value, i) => {
        if (reading.energies[i]! > 0) expect(value * symbols[i]!).toBeGreaterThan(0);
      });
      // Every generator is set: the mean of |y| is sqrt(2 / pi).
      const predicted = Math.sqrt((2 * units.present) / Math.PI);
      expect(statistic(reading, symbols) / predicted).toBeGreaterThan(0.96);
      expect(statistic(reading, symbols) / predicted).toBeLessThan(1.04);
      // Another class has another map: there the same signs mean nothing.
      const other = payloadClass === ZERO_BIT ? BITS_128 : ZERO_BIT;
      if (payloadClass !== ZERO_BIT) {
        expect(Math.abs(statistic(orientationReading(units, other, KEY), ones(other)))).toBeLessThan(4);
      }
    }
  });

  test("keeps it under noise and int8 rounding as the correlation predicts", async () => {
    const marked = await mark(MODEL, KEY);
    const z0 = await zOf(marked);
    for (const size of [0.1, 0.3, 0.5, 1]) {
      const random = prng(`noise ${size}`);
      const noisy = new Map(
        [...marked].map(([name, t]) => {
          if (t.shape.length !== 2) return [name, t];
          const sigma = Math.sqrt(t.values.reduce((sum, w) => sum + w * w, 0) / t.values.length);
          return [name, { ...t, values: t.values.map((w) => w + size * sigma * random.normal()) }];
        }),
      );
      const r = 1 / Math.sqrt(1 + size ** 2);
      expect(Math.abs((await zOf(noisy)) - r * z0)).toBeLessThan(4 * Math.sqrt(1 - r * r) + 0.02 * z0);
    }
    const rounded = new Map(
      [...marked].map(([name, t]) => {
        if (t.shape.length !== 2) return [name, t];
        const cols = t.shape[1]!;
        const values = t.values.slice();
        for (let at = 0; at < values.length; at += cols) {
          const row = values.subarray(at, at + cols);
          const step = Math.max(...row.map(Math.abs)) / 127;
          row.forEach((w, j) => {
            row[j] = Math.round(w / step) * step;
          });
        }
        return [name, { ...t, values }];
      }),
    );
    expect((await zOf(rounded)) / z0).toBeGreaterThan(0.998);
  });

  test("loses it to anybody who draws the signs anew, and nothing but signs", async () => {
    const small = randomModel({ init: 4 }, { width: 128, hidden: 128, layers: 1 });
    const marked = await mark(small, KEY);
    const sample = new Float64Array(60);
    for (let i = 0; i < sample.length; i++) sample[i] = await zOf(await mark(marked, keyOf(1000 + i)));
    expect(kolmogorovP(normalDistance(sample), sample.length)).toBeGreaterThan(0.01);
    const attacked = await mark(marked, keyOf(1));
    for (const [name, { values }] of attacked)
      expect(values.map(Math.abs)).toEqual(small.get(name)!.values.map(Math.abs));
  });
});

describe("the null", () => {
  test("is not left to a sketch, which knows the signs of the marked model", async () => {
    const host = hostModel(await checkpointOf(await mark(MODEL, KEY), { config: CONFIG }));
    expect((await readOrientation({ ...host, synchronised: true }, KEY)).present).toBe(0);
  });

  test("wrong keys find nothing in marked and unmarked models", async () => {
    for (const model of [MODEL, await mark(MODEL, KEY)]) {
      const host = hostModel(await checkpointOf(model, { config: CONFIG }));
      const sample = new Float64Array(250);
      for (let i = 0; i < sample.length; i++) {
        const key = keyOf(5000 + i);
        sample[i] = statistic(orientationReading(await readOrientation(host, key), ZERO_BIT, key), ones(ZERO_BIT));
      }
      expect(kolmogorovP(normalDistance(sample), sample.length)).toBeGreaterThan(0.01);
    }
  });

  test("decoys are standard normal on a marked model, whose key stands far above them", async () => {
    const units = await unitsOf(await mark(MODEL, KEY));
    const decoys = decoyStatistics(orientationDecoys(units))!;
    expect(kolmogorovP(normalDistance(decoys), decoys.length)).toBeGreaterThan(0.01);
    expect(Math.max(...decoys)).toBeLessThan(6);
  });

  test("chip values are Rademacher sums with the energies stated", async () => {
    const units = await unitsOf(MODEL);
    const sums = new Float64Array(chipCount(ZERO_BIT));
    const draws = 1500;
    let energies = new Float64Array();
    for (let i = 0; i < draws; i++) {
      // The projections stay those of KEY; only map and coins are drawn anew.
      const reading = orientationReading(units, ZERO_BIT, keyOf(90_000 + i));
      energies = reading.energies as typeof energies;
      reading.values.forEach((value, chip) => {
        sums[chip]! += value ** 2 / reading.energies[chip]!;
      });
    }
    expect(energies.every((e) => e > 0.2 && e < 3)).toBe(true);
    for (const sum of sums) expect(Math.abs(sum / draws - 1)).toBeLessThan(5 * Math.sqrt(2 / draws));
  });
});
