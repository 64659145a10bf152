import { describe, expect, test } from "vitest";
import {
  agreements,
  hardLog2P,
  levelOf,
  softLog2P,
  softStatistic,
} from "../../../../src/watermark/evidence/statistics.ts";
import { PAYLOAD_CLASSES } from "../../../../src/watermark/message/payload-class.ts";

/** P(Bin(n, 1/2) >= k) * 2^n, exactly. */
function upperCount(k: number, n: number): bigint {
  let term = 1n;
  let sum = 0n;
  for (let j = 0; j <= n; j++) {
    if (j >= k) sum += term;
    term = (term * BigInt(n - j)) / BigInt(j + 1);
  }
  return sum;
}

function log2(value: bigint): number {
  const digits = value.toString(2).length;
  const shift = Math.max(0, digits - 60);
  return Math.log2(Number(value >> BigInt(shift))) + shift;
}

describe("hard p-value", () => {
  test.each([1, 2, 7, 64, 171, 683, 1500])("equals the exact binomial tail of %i chips", (n) => {
    for (let k = 0; k <= n; k += Math.max(1, Math.floor(n / 40))) {
      const exact = log2(upperCount(k, n)) - n;
      expect(Math.abs(hardLog2P(k, n) - exact)).toBeLessThan(1e-9 * Math.max(1, Math.abs(exact)));
    }
  });

  test("reaches 2^-128 at about 400 of 512, as the design says", () => {
    expect(hardLog2P(400, 512)).toBeCloseTo(log2(upperCount(400, 512)) - 512, 9);
    expect(hardLog2P(400, 512)).toBeLessThan(-120);
  });

  test("keeps its digits at 100,000 chips", () => {
    for (const k of [49_000, 50_001, 51_000, 55_000, 70_000, 100_000]) {
      // P(X >= k) + P(X <= k - 1) = 1, and the lower tail is the upper tail of its mirror image.
      const upper = hardLog2P(k, 100_000);
      const lower = hardLog2P(100_001 - k, 100_000);
      expect(2 ** upper + 2 ** lower).toBeCloseTo(1, 10);
    }
    expect(hardLog2P(100_000, 100_000)).toBeCloseTo(-100_000, 6);
    // 51,000 is 6.32 deviations of 158.1 above the mean; with half a step back, the normal tail of 6.3214 is 2^-32.86.
    expect(hardLog2P(51_000, 100_000)).toBeCloseTo(-32.84, 1);
  });

  test("at its ends", () => {
    expect(hardLog2P(0, 10)).toBe(0);
    expect(hardLog2P(11, 10)).toBe(Number.NEGATIVE_INFINITY);
    expect(hardLog2P(0, 0)).toBe(0);
  });
});

describe("soft p-value", () => {
  test("13.32 is forensic, as the design says, 13.31 is not", () => {
    expect(levelOf(softLog2P(13.33))).toBe("forensic");
    expect(levelOf(softLog2P(13.31))).toBe("strong");
  });

  test("says nothing for a negative or an unreadable statistic", () => {
    expect(softLog2P(-5)).toBe(0);
    expect(softLog2P(0)).toBe(0);
    expect(softLog2P(Number.NaN)).toBe(0);
  });

  test("counts only chips whose symbol is known, over their own energy", () => {
    const reading = {
      carrier: "spread",
      payloadClass: PAYLOAD_CLASSES[0]!,
      values: Float64Array.of(3, -1, 100, 2),
      energies: Float64Array.of(4, 1, 50, 0),
    } as const;
    const symbols = Int8Array.of(1, -1, 0, 1);
    expect(softStatistic(reading, symbols)).toBeCloseTo(6 / Math.sqrt(5), 12);
    expect(agreements(reading, symbols)).toEqual({ agree: 2, chips: 2 });
    expect(softStatistic(reading, new Int8Array(4))).toBe(0);
  });
});

test.each([
  [0, "none"],
  [-39.9, "none"],
  [-40, "evidence"],
  [-63.9, "evidence"],
  [-64, "strong"],
  [-128, "forensic"],
])("2^%f is %s", (log2P, level) => {
  expect(levelOf(log2P)).toBe(level);
});
