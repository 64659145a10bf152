import { describe, expect, test } from "vitest";
import { kolmogorovP, normalDistance } from "../../../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../../../src/numerics/prng.ts";
import { DIRECTIONS } from "../../../../../src/watermark/carriers/tokens/token-draws.ts";
import type { TokenMatrix } from "../../../../../src/watermark/carriers/tokens/token-matrix.ts";
import { planTokens, type TokenPlan } from "../../../../../src/watermark/carriers/tokens/token-plan.ts";
import { tokenDecoys, tokenReading } from "../../../../../src/watermark/carriers/tokens/token-reading.ts";
import { readTokenUnits, type TokenUnits } from "../../../../../src/watermark/carriers/tokens/token-units.ts";
import { decoyStatistics } from "../../../../../src/watermark/evidence/decoys.ts";
import { modelKey } from "../../../../../src/watermark/key/model-key.ts";
import type { CarrierReading } from "../../../../../src/watermark/message/carrier-reading.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../../../../../src/watermark/message/payload-class.ts";
import { randomRotation, rotated, tokenMatrix, trainedRows } from "../../../../support/token-rows.ts";

const COLS = 64;
const ROWS = 4096;
const RHO = 0.06;
const [ZERO_BIT, WORD] = PAYLOAD_CLASSES as [PayloadClass, PayloadClass];
const key = modelKey(new Uint8Array(32).fill(5), "release");
const host = trainedRows(1, ROWS, COLS);

const ones = (payloadClass: PayloadClass): Int8Array => new Int8Array(chipCount(payloadClass)).fill(1);
const mixed = (payloadClass: PayloadClass): Int8Array =>
  Int8Array.from(ones(payloadClass), () => (random.below(2) === 0 ? 1 : -1));
const random = prng("token mark");

function statistic({ values, energies }: CarrierReading, symbols: Int8Array): number {
  return values.reduce((sum, v, i) => sum + v * symbols[i]!, 0) / Math.sqrt(energies.reduce((a, b) => a + b, 0));
}

async function unitsOf(values: Float32Array, options: Parameters<typeof tokenMatrix>[2] = {}): Promise<TokenUnits> {
  return (await readTokenUnits(tokenMatrix(values, COLS, options), key, null))!;
}

function plan(matrix: TokenMatrix, units: TokenUnits, symbols: Int8Array, payloadClass: PayloadClass): TokenPlan {
  return planTokens(matrix, units, symbols, payloadClass, key, RHO)!;
}

function edited(values: Float32Array, { edit: { rank, coefficients, directions } }: TokenPlan): Float32Array {
  return values.map((value, at) => {
    const [row, c] = [Math.floor(at / COLS), at % COLS];
    let sum = value;
    for (let k = 0; k < rank; k++) sum += coefficients[row * rank + k]! * directions[k * COLS + c]!;
    return sum;
  });
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

const hostUnits = await unitsOf(host);
const symbols = mixed(WORD);
const marked = plan(tokenMatrix(host, COLS), hostUnits, symbols, WORD);
const copy = edited(host, marked);
const zeroBit = plan(tokenMatrix(host, COLS), hostUnits, ones(ZERO_BIT), ZERO_BIT);
const zeroBitCopy = edited(host, zeroBit);

describe("reading", () => {
  test("does not change under rotation and scaling", async () => {
    const turned = rotated(copy, randomRotation(COLS, random), 0.37);
    const [before, after] = [tokenReading(await unitsOf(copy), WORD), tokenReading(await unitsOf(turned), WORD)];
    before.values.forEach((value, i) => {
      expect(Math.abs(value - after.values[i]!)).toBeLessThan(1e-3);
      expect(Math.abs(before.energies[i]! - after.energies[i]!)).toBeLessThan(1e-3);
    });
  });

  test("does not change with the sign of all rows", async () => {
    const turned = tokenReading(await unitsOf(copy.map((x) => -x)), WORD);
    tokenReading(await unitsOf(copy), WORD).values.forEach((value, i) => {
      expect(turned.values[i]).toBeCloseTo(value, 4);
    });
  });

  test("energies are the mean square of the units of a chip, and values their signed sum", () => {
    const chips = chipCount(WORD);
    const { values, energies } = tokenReading(hostUnits, WORD);
    for (const chip of [0, 1, chips - 1]) {
      const own = [...hostUnits.values.keys()].filter(
        (i) => Math.floor((hostUnits.places[i]! * chips) / 65536) === chip,
      );
      const sum = own.reduce((total, i) => total + hostUnits.coins[i]! * hostUnits.values[i]!, 0);
      const squares = own.reduce((total, i) => total + hostUnits.values[i]! ** 2, 0);
      expect(own.length).toBeGreaterThan(100);
      expect(values[chip]).toBeCloseTo(sum / Math.sqrt(own.length), 9);
      expect(energies[chip]).toBeCloseTo(squares / own.length, 9);
    }
  });

  test("coins are fair and belong to one unit each", () => {
    const sum = hostUnits.coins.reduce((total: number, coin) => total + coin, 0);
    expect(Math.abs(sum)).toBeLessThan(4.5 * Math.sqrt(hostUnits.coins.length));
    const half = hostUnits.coins.length / 2;
    const product = hostUnits.coins
      .subarray(0, half)
      .reduce((t: number, c, i) => t + c * hostUnits.coins[half + i]!, 0);
    expect(Math.abs(product)).toBeLessThan(4.5 * Math.sqrt(half));
  });

  test("decoys are the units of the same sum", () => {
    const { unitValues, unitEnergies } = tokenDecoys(hostUnits);
    const { values, energies } = tokenReading(hostUnits, ZERO_BIT);
    expect(unitEnergies.reduce((a, b) => a + b, 0)).toBeGreaterThan(0.9 * energies.length);
    expect(values.length).toBe(64);
    expect(unitValues.length).toBe(hostUnits.tokens.length * DIRECTIONS);
    const z = decoyStatistics(tokenDecoys(hostUnits))!;
    expect(kolmogorovP(normalDistance(z), z.length)).toBeGreaterThan(1e-3);
  });

  test("refuses what is too small", async () => {
    expect(await readTokenUnits(tokenMatrix(host.slice(0, 300 * COLS), COLS), key, null)).toBeNull();
    expect(await readTokenUnits(tokenMatrix(new Float32Array(ROWS * 32), 32), key, null)).toBeNull();
    expect(await readTokenUnits(tokenMatrix(new Float32Array(ROWS * COLS), COLS), key, null)).toBeNull();
  });

  test("leaves out rows that are no numbers, huge or empty", async () => {
    const damaged = copy.slice();
    damaged.fill(Number.NaN, 600 * COLS, 620 * COLS);
    damaged.fill(3e38, 700 * COLS, 720 * COLS);
    damaged.fill(0, 800 * COLS, 820 * COLS);
    const units = await unitsOf(damaged);
    expect(units.tokens.some((t) => (t >= 600 && t < 620) || (t >= 700 && t < 720))).toBe(false);
    expect(units.values.every(Number.isFinite)).toBe(true);
    expect(statistic(tokenReading(units, WORD), symbols)).toBeGreaterThan(0.9 * marked.statistic);
  });
});

describe("marking", () => {
  test("brings every chip to alpha times its symbol", async () => {
    const { values } = tokenReading(await unitsOf(copy), WORD);
    expect(marked.alpha).toBeGreaterThan(1);
    values.forEach((value, i) => {
      expect(Math.abs(value - marked.alpha * symbols[i]!)).toBeLessThan(0.05);
    });
  });

  test("is read as predicted", async () => {
    const predicted = tokenReading(marked.predicted, WORD).values;
    tokenReading(await unitsOf(copy), WORD).values.forEach((value, i) => {
      expect(Math.abs(value - predicted[i]!)).toBeLessThan(1e-3);
    });
  });

  test("spends the energy that was given, in carrier rows alone", () => {
    const carriers = new Set(hostUnits.tokens);
    let energy = 0;
    copy.forEach((value, at) => {
      const change = value - host[at]!;
      energy += change * change;
      if (!carriers.has(Math.floor(at / COLS))) expect(change).toBe(0);
    });
    const spent = Math.sqrt(energy / (carriers.size * COLS)) / hostUnits.rms;
    expect(spent / RHO).toBeCloseTo(1, 2);
    expect(marked.rms / RHO).toBeCloseTo(1, 3);
  });

  test("zero-bit: the sum gains the root of the energy over a chip's cost", async () => {
    const before = tokenReading(hostUnits, ZERO_BIT).values.reduce((a, b) => a + b, 0) / 8;
    const cost = hostUnits.scales.reduce((sum, s) => sum + s * s, 0) / DIRECTIONS / hostUnits.rms ** 2;
    const gained = Math.sqrt((RHO ** 2 * hostUnits.tokens.length * COLS) / cost);
    // The reader divides by the RMS of projections that the mark itself has raised.
    const raised = Math.sqrt(1 + (RHO ** 2 * COLS) / DIRECTIONS / cost);
    expect(Math.abs((zeroBit.statistic * raised - before) / gained - 1)).toBeLessThan(0.03);
    const found = statistic(tokenReading(await unitsOf(zeroBitCopy), ZERO_BIT), ones(ZERO_BIT));
    expect(found).toBeCloseTo(zeroBit.statistic, 3);
  });

  test("takes no energy from the leading directions: they cost several times the rest", () => {
    const mean = hostUnits.scales.reduce((sum, s) => sum + s * s, 0) / DIRECTIONS;
    expect(mean / hostUnits.rms ** 2).toBeLessThan(0.75);
  });

  test("does not fit where the energy gives less than one noise per chip", () => {
    expect(planTokens(tokenMatrix(host, COLS), hostUnits, symbols, WORD, key, RHO / 6)).toBeNull();
  });

  test("a head is marked as its gain shows it, whether folded in or not", async () => {
    const gain = Float32Array.from({ length: COLS }, () => 0.5 + random.float());
    const units = await unitsOf(host, { carrier: "head", gain });
    const planned = plan(tokenMatrix(host, COLS, { carrier: "head", gain }), units, symbols, WORD);
    const stored = edited(host, planned);
    const folded = stored.map((value, at) => value * gain[at % COLS]!);
    for (const found of [
      await unitsOf(stored, { carrier: "head", gain }),
      await unitsOf(folded, { carrier: "head" }),
    ]) {
      tokenReading(found, WORD).values.forEach((value, i) => {
        expect(Math.abs(value - planned.alpha * symbols[i]!)).toBeLessThan(0.05);
      });
    }
    expect(rms(stored.map((x, i) => x - host[i]!)) / rms(host)).toBeLessThan(1.05 * RHO);
  });

  test("a gain that silences most columns is refused", async () => {
    const gain = Float32Array.from({ length: COLS }, (_, c) => (c < 8 ? 1 : 1e-9));
    const matrix = tokenMatrix(host, COLS, { carrier: "head", gain });
    const units = await readTokenUnits(matrix, key, null);
    expect(units === null ? null : planTokens(matrix, units, symbols, WORD, key, RHO)).toBeNull();
  });
});

describe("survival", () => {
  test("noise of 30 % takes what it adds to the projections, and a little for the directions", async () => {
    const spread = hostUnits.scales[0]!;
    const noisy = zeroBitCopy.map((x) => x + 0.3 * spread * random.normal());
    const found = statistic(tokenReading(await unitsOf(noisy), ZERO_BIT), ones(ZERO_BIT));
    expect(found / zeroBit.statistic).toBeGreaterThan(0.78);
    expect(found / zeroBit.statistic).toBeLessThan(1);
  });

  test("padding rows of zeros change nothing but the share of references", async () => {
    const padded = new Float32Array(copy.length + 64 * COLS);
    padded.set(copy);
    const found = statistic(tokenReading(await unitsOf(padded), WORD), symbols);
    expect(found / marked.statistic).toBeGreaterThan(0.95);
  });

  test("tokens that were added dilute, no more", async () => {
    const extended = new Float32Array(copy.length + 300 * COLS);
    extended.set(copy);
    extended.set(trainedRows(9, 300, COLS), copy.length);
    const found = statistic(tokenReading(await unitsOf(extended), WORD), symbols);
    expect(found / marked.statistic).toBeGreaterThan(0.7);
    expect(found / marked.statistic).toBeLessThan(0.97);
  });

  test("a wrong key and the unmarked host say nothing", async () => {
    const z: number[] = [];
    for (let i = 0; i < 400; i++) {
      const wrong = modelKey(new Uint8Array(32).fill(6), `release ${i}`);
      const units = (await readTokenUnits(tokenMatrix(zeroBitCopy.subarray(0, 1024 * COLS), COLS), wrong, null))!;
      z.push(statistic(tokenReading(units, ZERO_BIT), ones(ZERO_BIT)));
    }
    expect(kolmogorovP(normalDistance(Float64Array.from(z)), z.length)).toBeGreaterThan(1e-3);
    expect(Math.max(...z)).toBeLessThan(5);
    expect(Math.abs(statistic(tokenReading(hostUnits, WORD), symbols))).toBeLessThan(5);
  });
});
