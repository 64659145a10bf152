import { describe, expect, test } from "vitest";
import { chipMoves } from "../../../../src/watermark/message/chip-moves.ts";
import { PAYLOAD_CLASSES, type PayloadClass } from "../../../../src/watermark/message/payload-class.ts";

const [ZERO_BIT, WORD] = PAYLOAD_CLASSES as [PayloadClass, PayloadClass];
const values = Float64Array.from([0.5, -1, 2, 0]);
const symbols = Int8Array.from([1, 1, -1, -1]);
const costs = Float64Array.from([1, 2, 1, 0.5]);
const spent = (distances: Float64Array): number => distances.reduce((sum, d, i) => sum + costs[i]! * d * d, 0);

describe("moves of chips", () => {
  test("bits: every chip ends at alpha times its symbol, all energy is spent", () => {
    const { alpha, distances } = chipMoves(values, symbols, costs, 30, WORD)!;
    distances.forEach((d, i) => {
      expect(values[i]! + d).toBeCloseTo(alpha * symbols[i]!, 12);
    });
    expect(spent(distances)).toBeCloseTo(30, 9);
    expect(alpha).toBeGreaterThan(0);
  });

  test("zero-bit: all chips move alike, all energy is spent", () => {
    const { alpha, distances } = chipMoves(values, symbols, costs, 30, ZERO_BIT)!;
    const step = Math.sqrt(30 / 4.5);
    expect([...distances]).toEqual([step, step, -step, -step]);
    expect(alpha).toBeCloseTo((0.5 - 1 - 2 + 0) / 4 + step, 12);
    expect(spent(distances)).toBeCloseTo(30, 9);
  });

  test("nothing fits below an alpha of one, with no energy, or with no chip that can be moved", () => {
    expect(chipMoves(values, symbols, costs, 8, WORD)).toBeNull();
    expect(chipMoves(values, symbols, costs, 0, ZERO_BIT)).toBeNull();
    expect(chipMoves(values, symbols, new Float64Array(4), 30, WORD)).toBeNull();
    expect(chipMoves(values, symbols, new Float64Array(4), 30, ZERO_BIT)).toBeNull();
  });

  test("a chip without weights stays where it is", () => {
    const { distances, alpha } = chipMoves(values, symbols, Float64Array.from([1, 1, 1, 0]), 30, WORD)!;
    expect(distances[3]).toBe(0);
    expect(alpha).toBeGreaterThan(2);
  });
});
