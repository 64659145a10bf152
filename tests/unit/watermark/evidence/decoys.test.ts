import { describe, expect, test } from "vitest";
import { kolmogorovP, normalDistance } from "../../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../../src/numerics/prng.ts";
import { type DecoySource, decoyStatistics, rankAmongDecoys } from "../../../../src/watermark/evidence/decoys.ts";

const COUNT = 4095;

/** Units of standard normal values, each with a mean of its own. */
function source(units: number, seed: number | string, mean: (unit: number) => number = () => 0): DecoySource {
  const random = prng(seed);
  return {
    carrier: "spread",
    unitValues: Float32Array.from({ length: units }, (_, u) => mean(u) + random.normal()),
    unitEnergies: new Float32Array(units).fill(1),
  };
}

describe("decoy statistics", () => {
  test("are signed sums of the units over the root of their energy", () => {
    // A unit alone shows its signs; two units show the product of theirs.
    const signs = (unit: number): Float64Array => {
      const unitValues = new Float32Array(50);
      unitValues[unit] = 1;
      const one = { carrier: "spread", unitValues, unitEnergies: new Float32Array(50).fill(1 / 50) } as const;
      return decoyStatistics(one)!;
    };
    const all = Array.from({ length: 50 }, (_, unit) => signs(unit));
    for (const z of all) for (const value of z) expect(Math.abs(value)).toBeCloseTo(1, 6);
    const { unitValues, unitEnergies } = source(50, 1);
    const z = decoyStatistics({ carrier: "spread", unitValues, unitEnergies })!;
    for (const x of [0, 1, 7, 2048, COUNT - 1]) {
      const sum = unitValues.reduce((total, value, u) => total + value * Math.sign(all[u]![x]!), 0);
      expect(z[x]).toBeCloseTo(sum / Math.sqrt(50), 5);
    }
  });

  test("give every unit as many + as -, but for the one decoy left out", () => {
    const unitValues = new Float32Array(3000);
    unitValues[2999] = 1;
    const z = decoyStatistics({ carrier: "head", unitValues, unitEnergies: unitValues })!;
    expect(z).toHaveLength(COUNT);
    expect(Math.abs(z.reduce((sum, value) => sum + value, 0))).toBeLessThanOrEqual(COUNT);
    expect(new Set(z)).toEqual(new Set([1, -1]));
  });

  test.each([5000, 200_000])("are standard normal for %i units of noise", (units) => {
    const z = decoyStatistics(source(units, units))!;
    expect(kolmogorovP(normalDistance(z), z.length)).toBeGreaterThan(0.01);
  });

  test("are standard normal on a strongly marked model too", () => {
    const random = prng(6);
    const symbols = Float64Array.from({ length: 683 }, (_, i) => (i < 171 ? 1 : 1 - 2 * random.below(2)));
    const marked = source(200_000, 2, (unit) => 0.12 * symbols[unit % 683]!);
    const whole = marked.unitValues.reduce((sum, value, u) => sum + symbols[u % 683]! * value, 0) / Math.sqrt(200_000);
    expect(whole).toBeGreaterThan(50);
    const rank = rankAmongDecoys([marked], whole)!;
    expect(rank).toMatchObject({ count: COUNT, rank: 1 });
    expect(rank.ks.p).toBeGreaterThan(0.01);
  });
});

describe("rank", () => {
  test("is uniform for a key that has nothing to do with the weights", () => {
    const ranks = Array.from({ length: 100 }, (_, seed) => {
      const units = source(600, `rank/${seed}`);
      const own = units.unitValues.reduce((sum, value) => sum + value, 0) / Math.sqrt(600);
      return rankAmongDecoys([units], own)!.rank / (COUNT + 1);
    }).sort((a, b) => a - b);
    const distance = Math.max(...ranks.map((share, i) => Math.abs(share - (i + 0.5) / ranks.length)));
    expect(kolmogorovP(distance, ranks.length)).toBeGreaterThan(0.001);
  });

  test("counts a decoy once that reaches the key in any carrier", () => {
    const low = rankAmongDecoys([source(500, 1)], 1)!.rank;
    const both = rankAmongDecoys([source(500, 1), { ...source(500, 2), carrier: "head" }], 1)!;
    expect(both.rank).toBeGreaterThan(low);
    expect(both.rank).toBeLessThan(2 * low + 200);
    expect(both.count).toBe(COUNT);
    expect(rankAmongDecoys([source(500, 1)], -100)!.rank).toBe(COUNT + 1);
  });

  test("is null where nothing is left to try decoys on", () => {
    expect(rankAmongDecoys([], 3)).toBeNull();
    const gone = { carrier: "spread", unitValues: new Float32Array(9), unitEnergies: new Float32Array(9) } as const;
    expect(rankAmongDecoys([gone], 3)).toBeNull();
  });
});
