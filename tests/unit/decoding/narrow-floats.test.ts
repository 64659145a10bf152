import { describe, expect, it } from "vitest";
import { halfTable } from "../../../src/decoding/ggml/block-decoder.ts";
import { toBrain, toHalf } from "../../../src/decoding/narrow-floats.ts";

describe("floats of sixteen bits", () => {
  it("are themselves, and the nearest of their middles, ties to even", () => {
    const table = halfTable();
    for (let bits = 0; bits < 0x7c00; bits += 7) {
      const [low, high] = [table[bits]!, table[bits + 1]!];
      expect(toHalf(low)).toBe(low);
      if (!Number.isFinite(high)) continue;
      const middle = (low + high) / 2;
      expect(toHalf(middle)).toBe(bits % 2 === 0 ? low : high);
      expect(toHalf(Math.fround(middle + (high - low) / 8))).toBe(high);
      expect(toHalf(-middle) === -toHalf(middle)).toBe(true);
    }
  });

  it("end where they end", () => {
    expect([toHalf(65519), toHalf(65520), toHalf(-1e9)]).toEqual([65504, Infinity, -Infinity]);
    expect([toHalf(2 ** -25), toHalf(1.5 * 2 ** -25), toHalf(3e-39)]).toEqual([0, 2 ** -24, 0]);
    expect([toHalf(Number.NaN), toBrain(Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
  });

  it("of bf16 are cut f32, rounded", () => {
    expect(toBrain(1 + 2 ** -8)).toBe(1);
    expect(toBrain(1 + 3 * 2 ** -8)).toBe(1 + 2 ** -6);
    expect(toBrain(Math.fround(1 + 2 ** -8 + 2 ** -20))).toBe(1 + 2 ** -7);
    expect(toBrain(Infinity)).toBe(Infinity);
  });
});
