import { describe, expect, test } from "vitest";
import { decide } from "../../../../src/watermark/evidence/decide.ts";
import {
  cancellingStrength,
  chooseClass,
  decodesTo,
  detectsTo,
  expectedStatistic,
  markEnergy,
  type Strength,
} from "../../../../src/watermark/evidence/strength.ts";
import { classOf } from "../../../../src/watermark/message/payload.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../../../src/watermark/message/payload-class.ts";
import { KEY, markedReading, randomPayload } from "../readings.ts";

const [ZERO, , , LARGEST] = PAYLOAD_CLASSES as [Strength["payloadClass"], ...Strength["payloadClass"][]];
const billion = cancellingStrength(markEnergy(1e9, 0.002), LARGEST!)!;

test("energy is spent on cancelling the host and on the mark", () => {
  expect(markEnergy(1e9, 0.002)).toBeCloseTo(4000, 9);
  expect(chipCount(LARGEST!) * (billion.alpha ** 2 + 1)).toBeCloseTo(4000, 9);
  expect(cancellingStrength(683, LARGEST!)).toBeNull();
  expect(expectedStatistic(billion)).toBeCloseTo(Math.sqrt(4000 - 683), 9);
});

describe("a billion weights at default strength", () => {
  test("carry 128 bits", () => {
    expect(chooseClass(128, (one) => cancellingStrength(4000, one))).toEqual(billion);
  });

  test("are read to r = .4 and found at 2^-128 to r = .3", () => {
    expect(decodesTo(billion)).toBeLessThan(0.4);
    expect(detectsTo(billion, "forensic")).toBeLessThan(0.3);
  });
});

describe("smaller models", () => {
  const choose = (weights: number, bits: number): number | undefined =>
    chooseClass(bits, (one) => cancellingStrength(markEnergy(weights, 0.002), one))?.payloadClass.payloadBits;

  test("fall back to a mark without payload, then to none", () => {
    expect(choose(3e8, 128)).toBe(128);
    expect(choose(1e8, 128)).toBe(0);
    expect(choose(1e8, 32)).toBe(32);
    expect(choose(6e7, 32)).toBe(0);
    expect(choose(1e7, 0)).toBeUndefined();
  });
});

test("what is not cancelled stays noise: orientation", () => {
  const alpha = Math.sqrt((2 / Math.PI) * (131_072 / chipCount(LARGEST!)));
  const orientation = { payloadClass: LARGEST!, alpha, cancelled: 2 / Math.PI };
  expect(expectedStatistic(orientation)).toBeCloseTo(Math.sqrt((2 * 131_072) / Math.PI), 6);
  expect(decodesTo(orientation)).toBeLessThan(0.1);
  const weak = { ...orientation, alpha: 0.5 };
  expect(decodesTo(weak)).toBeNull();
  expect(decodesTo({ ...weak, payloadClass: ZERO })).toBeNull();
});

describe("predictions hold where they are tight", () => {
  const strengths = [0.9, 1.2, 2.2].flatMap((alpha) =>
    PAYLOAD_CLASSES.slice(1).map((payloadClass) => ({ payloadClass, alpha, cancelled: 1 })),
  );

  test.each(strengths)("payload of $payloadClass.payloadBits bits at alpha $alpha", (strength) => {
    const r = decodesTo(strength)!;
    const bits = strength.payloadClass.payloadBits as 32 | 64 | 128;
    let missed = 0;
    for (let seed = 0; seed < 25; seed++) {
      const payload = randomPayload(bits, seed);
      const reading = markedReading(payload, KEY, { gain: strength.alpha * r, noise: Math.sqrt(1 - r * r), seed });
      const read = decide([reading], KEY).payload;
      if (read === null) missed += 1;
      else expect(read.bytes).toEqual(payload.bytes);
    }
    // At most 2.3 % expected: .6 of 25.
    expect(missed).toBeLessThanOrEqual(4);
  });

  test.each(["evidence", "strong", "forensic"] as const)("zero-bit mark found as %s", (level) => {
    const strength = { payloadClass: ZERO, alpha: 2.5, cancelled: 1 };
    const r = detectsTo(strength, level)!;
    const threshold = { evidence: -40, strong: -64, forensic: -128 }[level];
    const missed = Array.from({ length: 200 }, (_, seed) => {
      const reading = markedReading(null, KEY, { gain: 2.5 * r, noise: Math.sqrt(1 - r * r), seed });
      return decide([reading], KEY, { keysTried: 128 }).log2P > threshold;
    }).filter((missing) => missing).length;
    // 2.3 % expected: 4.6 of 200.
    expect(missed).toBeLessThanOrEqual(14);
    expect(classOf(null)).toBe(ZERO);
  });
});
