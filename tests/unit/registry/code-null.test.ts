import { describe, expect, it, test } from "vitest";
import { nullOfSmallest } from "../../../src/registry/code-null.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

function ones(word: number): number {
  let bits = 0;
  for (let x = word; x !== 0; x &= x - 1) bits++;
  return bits;
}

describe("nullOfSmallest", () => {
  it("is the folded binomial's for one code, and falls with their number", () => {
    // E|h - 16| of Binomial(32, 1/2) is 16 C(32, 16) / 2^32, and its variance 8.
    const deviation = (16 * 601_080_390) / 2 ** 32;
    const { mean, sd } = nullOfSmallest(1, 32);
    expect(mean).toBeCloseTo(8 * (16 - deviation), 9);
    expect(sd).toBeCloseTo(Math.sqrt(8 * (8 - deviation ** 2)), 9);
    const means = [1, 2, 8, 225, 10_000].map((count) => nullOfSmallest(count, 32).mean);
    expect(means).toEqual([...means].sort((a, b) => b - a));
  });

  it("is nothing where lanes have one bit, and a coin a lane where they have two", () => {
    expect(nullOfSmallest(3, 1).mean).toBe(0);
    expect(nullOfSmallest(1, 2)).toEqual({ mean: 4, sd: Math.sqrt(2) });
  });

  test.each([
    [1, 128],
    [7, 64],
    [225, 128],
    [225, 32],
    [4, 31],
    [3, 5],
  ])("is what %i random codes with lanes of %i bits show", (count, bits) => {
    const next = randomWords(count * 100 + bits);
    const rounds = Math.floor(400_000 / count / 8) * 2;
    let [first, second] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      let least = 256;
      for (let code = 0; code < count; code++) {
        let distance = 0;
        const words = Math.max(1, bits / 32);
        for (let lane = 0; lane < 8 / words; lane++) {
          let h = 0;
          for (let word = 0; word < words; word++) h += ones(next() >>> (bits < 32 ? 32 - bits : 0));
          distance += Math.min(h, bits - h);
        }
        least = Math.min(least, distance);
      }
      first += least;
      second += least ** 2;
    }
    const mean = first / rounds;
    const sd = Math.sqrt(second / rounds - mean ** 2);
    const expected = nullOfSmallest(count, bits);
    // Five standard errors; that of a standard deviation is about sd / sqrt(2 n), more with heavier tails.
    expect(Math.abs(mean - expected.mean)).toBeLessThan((5 * expected.sd) / Math.sqrt(rounds));
    expect(Math.abs(sd - expected.sd)).toBeLessThan((6 * expected.sd) / Math.sqrt(2 * rounds));
  });
});
