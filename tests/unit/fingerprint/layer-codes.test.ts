import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { layerCodes, sketchCode } from "../../../src/fingerprint/layer-codes.ts";
import { tokenRows } from "../../../src/fingerprint/sampling.ts";
import { popcount32 } from "../../../src/kernels/bits.ts";
import { subset } from "../../../src/numerics/prng.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

const ROOT = "ab".repeat(32);
const bitOf = (words: Uint32Array, i: number): number => (words[i >> 5]! >>> (i & 31)) & 1;
const random = (seed: number, cols: number): MatrixSketch => randomFingerprint({ seed, layers: 1, cols }).sketches[0]!;
const ones = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum + popcount32(byte), 0);

/** `height` rows of ones. */
function filled(height: number, cols: number): MatrixSketch {
  const rows = Array.from({ length: height }, (_, i) => i);
  const bits = new Uint32Array(height * Math.ceil(cols / 32)).fill(0xffffffff);
  return { ...random(1, cols), sampled: rows, valid: rows.map(() => true), bits };
}

function tokenTable(seed: number, vocabulary: number): MatrixSketch {
  const sampled = tokenRows(vocabulary);
  const whole = random(seed, 4096).bits;
  const bits = Uint32Array.from({ length: sampled.length * 2 }, (_, i) => whole[i]!);
  return { ...random(seed, 64), rows: vocabulary, tokens: true, sampled, valid: sampled.map(() => true), bits };
}

describe("codes", () => {
  test.each([
    { cols: 4096, height: 8, lanes: 2, bits: 128, rows: [2, 6] },
    { cols: 300, height: 64, lanes: 2, bits: 128, rows: [16, 48] },
    { cols: 100, height: 64, lanes: 4, bits: 64, rows: [8, 24, 40, 56] },
    { cols: 40, height: 64, lanes: 8, bits: 32, rows: [4, 12, 20, 28, 36, 44, 52, 60] },
  ])("are $lanes lanes of $bits signs, each of one row, at a fixed subset of $cols columns", (layout) => {
    const { cols, height, lanes, bits, rows } = layout;
    const sketch = random(1, cols);
    expect(sketch.sampled).toHaveLength(height);
    expect(lanes * bits).toBe(256);
    const columns = subset(cols, bits, "weightmark code columns");
    const words = Math.ceil(cols / 32);
    const expected = new Uint8Array(32);
    rows.forEach((row, lane) => {
      columns.forEach((j, c) => {
        const bit = lane * bits + c;
        expected[bit >> 3]! |= bitOf(sketch.bits.subarray(row * words, (row + 1) * words), j) << (bit & 7);
      });
    });
    expect(sketchCode(sketch, ROOT)).toEqual(expected);
  });

  test.each([
    [1, 256, 2],
    [1, 250, 1],
    [2, 256, 2],
    [3, 127, 3],
    [3, 128, 2],
    [5, 64, 4],
    [7, 63, 7],
    [4, 63, 4],
    [9, 63, 8],
  ])("of %i rows of %i columns have %i lanes with a row each, and coins in the others", (height, cols, known) => {
    const bits = cols >= 128 ? 128 : cols >= 64 ? 64 : 32;
    const lanes = 256 / bits;
    const [code, other] = [ROOT, "cd".repeat(32)].map((root) => sketchCode(filled(height, cols), root)!);
    for (let lane = 0; lane < lanes; lane++) {
      const [here, there] = [code, other].map((bytes) =>
        bytes!.subarray((lane * 32) / lanes, ((lane + 1) * 32) / lanes),
      );
      expect(ones(here!) === bits).toBe(lane < known);
      expect(Buffer.compare(here!, there!) === 0).toBe(lane < known);
    }
  });

  test.each([1, 2, 3])("have one row a lane where %i rows are sampled", (height) => {
    for (let row = 0; row < height; row++) {
      const sketch = filled(height, 256);
      sketch.bits.fill(0, row * 8, (row + 1) * 8);
      const code = sketchCode(sketch, ROOT)!;
      for (const lane of [code.subarray(0, 16), code.subarray(16)]) expect([0, 128]).toContain(ones(lane));
    }
  });

  test.each([2, 7, 31])("take all of %i columns and leave the rest of a lane zero", (cols) => {
    const code = sketchCode(filled(8, cols), ROOT)!;
    const lanes = new Uint32Array(code.buffer);
    expect([...lanes]).toEqual(Array(8).fill(2 ** cols - 1));
  });

  test("toss coins of the model's where there is no usable row, within the lane's width", () => {
    const sketch = { ...filled(2, 20), valid: [true, false] };
    const [one, same, other] = [ROOT, ROOT, "cd".repeat(32)].map((root) => sketchCode(sketch, root)!);
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
    const lanes = new Uint32Array(one!.buffer);
    expect(lanes[0]).toBe(2 ** 20 - 1);
    for (const lane of lanes) expect(lane).toBeLessThan(2 ** 20);
  });

  test("are of all that can be compared: token tables and experts too, after the content as a whole", () => {
    const fp = randomFingerprint({ seed: 2, layers: 1, roles: ["q", "k", "v", "up", "gate"] });
    const [q, k, v, up, gate] = fp.sketches as [MatrixSketch, MatrixSketch, MatrixSketch, MatrixSketch, MatrixSketch];
    const sketches: MatrixSketch[] = [
      q,
      { ...k, valid: k.valid.map(() => false) },
      { ...v, role: "embed", tokens: true },
      { ...up, expert: 0 },
      { ...gate, expert: 1 },
      { ...gate, cols: 1, bits: new Uint32Array(64) },
    ];
    const codes = layerCodes({ ...fp, sketches });
    expect(codes.map((c) => c.role)).toEqual(["other", "q", "embed", "up", "gate"]);
    expect(codes[0]).toMatchObject({ cols: 0, code: Uint8Array.from(Buffer.from(fp.roots.sampled, "hex")) });
  });

  test("of token tables do not know the size of the vocabulary", () => {
    const code = (vocabulary: number) => sketchCode(tokenTable(5, vocabulary), ROOT);
    for (const [few, many] of [
      [57, 240],
      [256, 50_257],
      [32_000, 152_064],
    ] as const) {
      expect(code(few)).toEqual(code(many));
    }
  });

  test("say nothing of a content of which nothing was sampled", () => {
    const vectors: Fingerprint = { ...randomFingerprint({ seed: 3 }), sketches: [] };
    expect(layerCodes(vectors)).toHaveLength(1);
    const unread = vectors.tensors.map((tensor) => ({ ...tensor, values: null }));
    expect(layerCodes({ ...vectors, tensors: unread })).toEqual([]);
  });
});
