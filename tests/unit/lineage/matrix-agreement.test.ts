import { describe, expect, test } from "vitest";
import { matrixAgreement } from "../../../src/lineage/matrix-agreement.ts";
import { randomWords } from "../../support/random-fingerprint.ts";
import { matrixPairs } from "../../support/sketches.ts";
import { turnedRows } from "../../support/turned-rows.ts";

const CHANNELS = { role: "conv", axis: "channels" } as const;
const THRESHOLD = -9;
const agreement = (...args: [count: number, equal: number, seed?: number]) =>
  matrixAgreement(matrixPairs(args[2] ?? 1, args[0], args[1], CHANNELS), 0)!;

describe("agreement matrix by matrix", () => {
  test.each([1, 2, 4, 7])("of %i matrices of 32 makes no claim", (equal) => {
    expect(agreement(32, equal)).toMatchObject({ tested: 32, needed: 8 });
    expect(agreement(32, equal).log10P).toBeGreaterThan(-2);
  });

  test("of a quarter of them, and of all, does; two of few must agree at least", () => {
    for (const [count, needed] of [
      [2, 2],
      [4, 2],
      [8, 2],
      [9, 3],
      [32, 8],
    ] as const) {
      expect(agreement(count, needed)).toMatchObject({ tested: count, needed });
      expect(agreement(count, needed).log10P).toBeLessThan(THRESHOLD);
      expect(agreement(count, needed - 1).log10P).toBeGreaterThan(-2);
      const { log10P, reach } = agreement(count, count);
      expect(reach).toBeLessThanOrEqual(log10P);
    }
  });

  test("is found where rows were turned", () => {
    const next = randomWords(5);
    const pairs = matrixPairs(1, 12, 3, CHANNELS).map(({ suspect, base }) => ({
      suspect: turnedRows(suspect, () => next() % 2 === 0),
      base,
    }));
    expect(matrixAgreement(pairs, 0)!.log10P).toBeLessThan(THRESHOLD);
  });

  test("pays for the matrices that each was chosen from", () => {
    const pairs = matrixPairs(1, 8, 8, CHANNELS);
    expect(matrixAgreement(pairs, 3)!.log10P).toBeCloseTo(matrixAgreement(pairs, 0)!.log10P + 3, 9);
    expect(matrixAgreement(pairs, 3)!.reach).toBeCloseTo(matrixAgreement(pairs, 0)!.reach + 3, 9);
  });

  test.each([
    ["by themselves", (seed: number) => matrixPairs(100 * seed, 6, 0, CHANNELS)],
    // The very same pair again and again, and neighbours that share half of theirs: all p hang together.
    ["all of them one", (seed: number) => Array(6).fill(matrixPairs(100 * seed, 1, 0, CHANNELS)[0]!)],
  ])("of unrelated matrices has a p that chance gives, %s", (_, make) => {
    const p = Array.from({ length: 150 }, (_, seed) => matrixAgreement(make(seed), 0)!.log10P);
    for (const level of [0.1, 0.02]) {
      const share = p.filter((x) => x <= Math.log10(level)).length / p.length;
      expect(share).toBeLessThanOrEqual(level + 4 * Math.sqrt(level / p.length));
    }
  });

  test("says nothing of one matrix, of labels that are not exchangeable and of unusable rows", () => {
    expect(matrixAgreement([], 0)).toBeNull();
    expect(matrixAgreement(matrixPairs(1, 1, 1, CHANNELS), 0)).toBeNull();
    expect(matrixAgreement(matrixPairs(1, 8, 8, { ...CHANNELS, block: 1 }), 0)).toBeNull();
    const dead = matrixPairs(1, 8, 8, CHANNELS).map(({ suspect, base }) => ({
      suspect: { ...suspect, valid: suspect.valid.map(() => false) },
      base,
    }));
    expect(matrixAgreement(dead, 0)).toBeNull();
  });

  test("where labels are exchangeable in runs only, exchanges neighbours and nothing else", () => {
    const whole = agreement(8, 8);
    const runs = matrixAgreement(matrixPairs(1, 8, 8, { ...CHANNELS, block: 16 }), 0)!;
    // 32 exchanges of 64 labels show less than 64 labels in place.
    expect(runs.log10P).toBeGreaterThan(whole.log10P);
    expect(runs.log10P).toBeLessThan(-3);
    expect(runs.reach).toBeLessThanOrEqual(runs.log10P);
  });
});
