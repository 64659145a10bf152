import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { prng } from "../../src/numerics/prng.ts";
import { tokenNames } from "../../src/watermark/carriers/tokens/token-names.ts";
import { planTokens } from "../../src/watermark/carriers/tokens/token-plan.ts";
import { tokenReading } from "../../src/watermark/carriers/tokens/token-reading.ts";
import { readTokenUnits } from "../../src/watermark/carriers/tokens/token-units.ts";
import { modelKey } from "../../src/watermark/key/model-key.ts";
import { chipMoves } from "../../src/watermark/message/chip-moves.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../src/watermark/message/payload-class.ts";
import { randomRotation, rotated, tokenMatrix, trainedRows } from "../support/token-rows.ts";

const COLS = 40;
const seed = fc.integer({ min: 0, max: 2 ** 31 });
const payloadClass = fc.constantFrom(...PAYLOAD_CLASSES.slice(0, 2));
const keyOf = (n: number) => modelKey(new Uint8Array(32).fill(n & 255), `release ${n}`);

describe("token mark", () => {
  test.prop([seed, payloadClass, fc.double({ min: -8, max: 8, noNaN: true })], { numRuns: 15 })(
    "a reading does not change under a random rotation and scale, marked or not",
    async (s, one, log) => {
      const rows = trainedRows(s, 900, COLS);
      const turned = rotated(rows, randomRotation(COLS, prng(s)), 2 ** log);
      const [a, b] = await Promise.all(
        [rows, turned].map(async (values) => (await readTokenUnits(tokenMatrix(values, COLS), keyOf(s), null))!),
      );
      expect(b!.tokens).toEqual(a!.tokens);
      const [before, after] = [tokenReading(a!, one), tokenReading(b!, one)];
      before.values.forEach((value, i) => {
        expect(Math.abs(value - after.values[i]!)).toBeLessThan(1e-3);
      });
    },
  );

  test.prop([seed, payloadClass, fc.double({ min: 0.05, max: 0.3, noNaN: true })], { numRuns: 15 })(
    "whatever is planned is what a reader finds, and costs what was allowed",
    async (s, one, rho) => {
      const rows = trainedRows(s, 900, COLS);
      const random = prng(s);
      const symbols = Int8Array.from({ length: chipCount(one) }, () => (random.below(2) === 0 ? 1 : -1));
      const matrix = tokenMatrix(rows, COLS);
      const units = (await readTokenUnits(matrix, keyOf(s), null))!;
      const plan = planTokens(matrix, units, symbols, one, keyOf(s), rho);
      if (plan === null) return;
      const { rank, coefficients, directions } = plan.edit;
      const copy = rows.map((value, at) => {
        let sum = value;
        for (let k = 0; k < rank; k++) {
          sum += coefficients[Math.floor(at / COLS) * rank + k]! * directions[k * COLS + (at % COLS)]!;
        }
        return sum;
      });
      expect(plan.rms / rho).toBeCloseTo(1, 1);
      const found = (await readTokenUnits(tokenMatrix(copy, COLS), keyOf(s), null))!;
      // A row may pass the limit of lengths that take part once it is moved.
      if (found.tokens.length !== units.tokens.length) return;
      const predicted = tokenReading(plan.predicted, one).values;
      tokenReading(found, one).values.forEach((value, i) => {
        expect(Math.abs(value - predicted[i]!)).toBeLessThan(2e-3);
      });
    },
  );

  test.prop([
    fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 40 }),
    seed,
    payloadClass,
  ])("moves of chips spend the energy exactly, whatever they cost", (start, s, one) => {
    const random = prng(s);
    const values = Float64Array.from(start);
    const symbols = Int8Array.from(start, () => (random.below(2) === 0 ? 1 : -1));
    const costs = Float64Array.from(start, () => 0.1 + random.float());
    const energy = 200 * random.float() * start.length;
    const moves = chipMoves(values, symbols, costs, energy, one);
    if (moves === null) return;
    const spent = moves.distances.reduce((sum, d, i) => sum + costs[i]! * d * d, 0);
    expect(Math.abs(spent - energy)).toBeLessThan(1e-9 * (1 + energy));
    const after = values.map((value, i) => (value + moves.distances[i]!) * symbols[i]!);
    expect(after.reduce((a, b) => a + b, 0) / after.length).toBeCloseTo(moves.alpha, 9);
  });

  test.prop([fc.jsonValue()])("any JSON gives distinct names or none", (json) => {
    const names = tokenNames({ model: { vocab: json }, added_tokens: json }) ?? tokenNames(json) ?? [];
    const given = names.filter((name) => name !== null).map((name) => Buffer.from(name, "utf8").toString("hex"));
    expect(new Set(given).size).toBe(given.length);
  });
});
