import { describe, expect, it } from "vitest";
import { prng } from "../../../src/numerics/prng.ts";
import { blockLengths, meanInterval, studentQuantile } from "../../../src/quality/mean-difference.ts";
import { batchesOf, cutWindows } from "../../../src/quality/windows.ts";

describe("the interval of a mean", () => {
  // Published tables of Student's t, .975.
  it.each([
    [3, 3.1824],
    [5, 2.5706],
    [10, 2.2281],
    [30, 2.0423],
    [120, 1.9799],
  ])("uses the quantile of t with %i degrees", (degrees, quantile) => {
    expect(Math.abs(studentQuantile(degrees) / quantile - 1)).toBeLessThan(2e-3);
  });

  it("covers the truth in 95 % of samples, whatever the lengths of blocks", () => {
    const random = prng("coverage");
    const lengths = [40, 40, 13, 40, 25, 40, 40, 9, 40, 40];
    const total = lengths.reduce((a, b) => a + b);
    let covered = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const values = new Float64Array(total);
      let at = 0;
      for (const length of lengths) {
        // Tokens of a block share an offset: intervals over tokens would be far too short.
        const offset = random.normal();
        for (let i = 0; i < length; i++) values[at++] = 3 + offset + random.normal();
      }
      const { low, high } = meanInterval(values, lengths)!;
      if (low <= 3 && 3 <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.915);
    expect(covered / trials).toBeLessThan(0.97);
  });

  it("does not exist for fewer than four blocks", () => {
    expect(meanInterval(new Float64Array(9), [3, 3, 3])).toBeNull();
    expect(meanInterval(new Float64Array(12), [3, 3, 3, 3])).toMatchObject({ low: 0, high: 0, blocks: 4 });
  });

  it("cuts few windows into blocks and leaves many whole", () => {
    expect(blockLengths(Array.from({ length: 20 }, () => 511))).toEqual(Array.from({ length: 20 }, () => 511));
    expect(blockLengths([511, 511])).toHaveLength(16);
    expect(blockLengths([100])).toEqual([33, 33, 34]);
    expect(blockLengths([5, 600]).reduce((a, b) => a + b)).toBe(605);
  });
});

describe("windows", () => {
  const cut = (sequences: number[][], context: number, maxTokens: number, prefix: number[] = []) =>
    cutWindows({ sequences, prefix }, { context, maxTokens }, 10);

  it("do not overlap and leave out what predicts nothing", () => {
    expect(cut([[1, 2, 3, 4, 5]], 2, 99)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(cut([[1, 2, 3], [4], [5, 6]], 3, 99)).toEqual([
      [1, 2, 3],
      [5, 6],
    ]);
  });

  it("start with the prefix, which does not count", () => {
    expect(cut([[1, 2, 3]], 3, 3, [9])).toEqual([
      [9, 1, 2],
      [9, 3],
    ]);
    expect(cut([[1, 2, 3, 4]], 3, 3, [9])).toEqual([
      [9, 1, 2],
      [9, 3],
    ]);
  });

  it.each([
    ["an id of another vocabulary", [[1, 10]], "TOKENS_INVALID"],
    ["no whole number", [[1, 2.5]], "TOKENS_INVALID"],
    ["a negative one", [[1, -1]], "TOKENS_INVALID"],
    ["too few tokens", [[1], []], "TOKENS_INVALID"],
    ["no tokens", [], "TOKENS_INVALID"],
  ])("refuse %s", (_, sequences, code) => {
    expect(() => cut(sequences, 5, 99)).toThrow(expect.objectContaining({ code }));
  });

  it("refuse a context that holds nothing beside the prefix", () => {
    expect(() => cut([[1, 2]], 2, 9, [1, 1])).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("run in batches that keep their order", () => {
    const windows = [[1, 2, 3], [4, 5, 6], [7], [8, 9, 10, 11, 12], [13]];
    expect(batchesOf(windows, 4)).toEqual([[[1, 2, 3]], [[4, 5, 6], [7]], [[8, 9, 10, 11, 12]], [[13]]]);
    expect(batchesOf(windows, 99)).toEqual([windows]);
  });
});
