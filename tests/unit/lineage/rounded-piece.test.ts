import { describe, expect, it } from "vitest";
import { countBlocks, noCount, type Piece } from "../../../src/lineage/image/rounded-piece.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

const SIZE = 32;

function drawn(count: number, seed: number): Float32Array {
  const next = randomWords(seed);
  return Float32Array.from({ length: count }, () => (next() / 2 ** 31 - 1) * 7.4);
}

/** Whole numbers from -8 on, sixteen of them. */
function pieceOf(original: Float32Array, image = original.map((value) => Math.round(value))): Piece {
  return { original, image, step: original.map(() => 1), low: original.map(() => -8), of: 16 };
}

function counted(piece: Piece) {
  const counts = noCount();
  countBlocks(piece, SIZE, null, counts);
  return counts;
}

describe("blocks of a rounded tensor", () => {
  it("are counted where every value is the nearest level", () => {
    const original = drawn(128, 1);
    expect(counted(pieceOf(original))).toMatchObject({ blocks: 4, nearest: 4, within: 128, values: 128 });
    const image = original.map((value) => Math.round(value));
    image[40]! += 1;
    const changed = counted(pieceOf(original, image));
    expect(changed).toMatchObject({ blocks: 4, nearest: 3, within: 127 });
    expect(changed.halfSteps).toBeCloseTo(2 * Math.abs(original[40]! - image[40]!), 5);
  });

  it("may hold values in the middle, and beyond the last level", () => {
    const original = drawn(32, 2);
    original.set([0.5, -0.5, 11, -30]);
    const image = original.map((value) => Math.max(-8, Math.min(7, Math.round(value))));
    image[0] = 0;
    expect(counted(pieceOf(original, image))).toMatchObject({ blocks: 1, nearest: 1 });
  });

  it("are not counted where they are alike in any model", () => {
    const constant = new Float32Array(32).fill(3);
    const outlier = new Float32Array(32);
    outlier[5] = 7;
    for (const original of [constant, outlier, new Float32Array(32)]) {
      expect(counted(pieceOf(original)).blocks).toBe(0);
    }
    for (const bad of [Number.NaN, Infinity]) {
      const original = drawn(64, 3);
      original[2] = bad;
      expect(counted(pieceOf(original))).toMatchObject({ blocks: 1, nearest: 1 });
    }
  });

  it("are not counted where scales alone tell neighbours apart", () => {
    const original = drawn(32, 4);
    const step = original.map((_, i) => 100 + i);
    // So coarse that every value is nearest to the middle, or scaled to nothing.
    const coarse: Piece = {
      original,
      image: step.map((one) => one * 1e-3),
      step,
      low: step.map((one) => -8 * one),
      of: 16,
    };
    expect(counted(coarse).blocks).toBe(0);
    const nothing: Piece = { ...coarse, step: new Float32Array(32), low: step, image: step };
    expect(counted(nothing).blocks).toBe(0);
  });

  it("may have a scale for each value", () => {
    const original = drawn(64, 7);
    const step = original.map((_, i) => 0.5 + (i % 8) / 16);
    const image = original.map((value, i) => step[i]! * Math.max(-8, Math.min(7, Math.round(value / step[i]!))));
    expect(counted({ original, image, step, low: step.map((one) => -8 * one), of: 16 })).toMatchObject({
      blocks: 2,
      nearest: 2,
    });
  });

  it("of scales that are no numbers are not the original's", () => {
    const original = drawn(32, 5);
    const counts = counted({ ...pieceOf(original), step: original.map(() => Number.NaN) });
    expect([counts.blocks, counts.nearest, counts.halfSteps]).toEqual([0, 0, 0]);
  });

  it("of a table have steps of their own", () => {
    const table = Float32Array.of(-1, -0.5, -0.2, 0, 0.1, 0.3, 1);
    const original = drawn(32, 6).map((value) => value / 7.4);
    const image = original.map((value) => table.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a)));
    const piece: Piece = { original, image, step: original.map(() => 1), low: null, of: table };
    const counts = counted(piece);
    expect(counts).toMatchObject({ blocks: 1, nearest: 1 });
    expect(counts.halfSteps).toBeLessThanOrEqual(1);
  });
});
