import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { bestAlignment, identityAlignment } from "../../../src/lineage/layer-alignment.ts";
import { type LayerMatrix, layerMatrix, layersOf } from "../../../src/lineage/layer-matrix.ts";
import { permutationZ } from "../../../src/lineage/permutation-test.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { stackOf } from "../../support/signs.ts";

/** A map without the layers that resemble theirs less than half as much as another one on the same does. */
function withoutWeaker(map: readonly number[], { z, base }: LayerMatrix): number[] {
  const size = (i: number): number => Math.abs(z[i * base.length + map[i]!]!);
  return map.map((j, i) => (map.some((k, other) => k === j && size(i) < size(other) / 2) ? -1 : j));
}

/** Score of a map by its definition: |z| - 3 for every matched layer, less 1 for a skip and 2 for going back. */
function scoreOf(map: readonly number[], matrix: LayerMatrix): number {
  const cols = matrix.base.length;
  let score = 0;
  map.forEach((j, i) => {
    if (j === cols) return;
    score += Math.abs(matrix.z[i * cols + j]!) - 3;
    const before = i === 0 ? cols : map[i - 1]!;
    if (before !== cols && j !== before + 1) score -= j > before ? 1 : 2;
  });
  return score;
}

function randomMatrix(rows: number, cols: number, seed: number): LayerMatrix {
  const random = prng(`layers ${seed}`);
  const layers = (count: number) => Array.from({ length: count }, (_, number) => ({ number, sketches: [] }));
  const z = Float64Array.from({ length: rows * cols }, () => 4 * random.normal());
  return { suspect: layers(rows), base: layers(cols), z, agreement: z };
}

describe("layer alignment", () => {
  test.each([
    [1, 1],
    [2, 3],
    [3, 3],
    [4, 2],
    [4, 3],
    [5, 3],
  ])("is the best of all maps of %i layers to %i and a gap, less repeats that resemble far less", (rows, cols) => {
    for (let seed = 0; seed < 30; seed++) {
      const matrix = randomMatrix(rows, cols, seed);
      let best: { map: number[]; score: number } = { map: [], score: Number.NEGATIVE_INFINITY };
      for (let code = 0; code < (cols + 1) ** rows; code++) {
        const map = Array.from({ length: rows }, (_, i) => Math.floor(code / (cols + 1) ** i) % (cols + 1));
        const score = scoreOf(map, matrix);
        if (score > best.score) best = { map, score };
      }
      const { map, log10Tried } = bestAlignment(matrix);
      const gaps = best.map.map((j) => (j === cols ? -1 : j));
      expect(map).toEqual(withoutWeaker(gaps, matrix));
      expect(log10Tried).toBeCloseTo(rows * Math.log10(cols + 1), 12);
    }
  });

  test("layer on layer costs nothing and needs the same numbers", () => {
    const matrix = randomMatrix(3, 3, 1);
    expect(identityAlignment(matrix)).toEqual({ map: [0, 1, 2], log10Tried: 0 });
    expect(identityAlignment(randomMatrix(3, 4, 1))).toBeNull();
    const renumbered = matrix.base.map((layer) => ({ ...layer, number: layer.number + 1 }));
    expect(identityAlignment({ ...matrix, base: renumbered })).toBeNull();
  });
});

describe("layer matrix", () => {
  const unpack = (s: MatrixSketch): number[][] =>
    s.sampled.map((_, i) =>
      Array.from({ length: s.cols }, (_, j) =>
        (s.bits[i * Math.ceil(s.cols / 32) + (j >> 5)]! >>> (j & 31)) & 1 ? -1 : 1,
      ),
    );

  /** Rows that stand against each other, by role. */
  function bruteForce(
    suspect: readonly MatrixSketch[],
    base: readonly MatrixSketch[],
  ): { z: number; agreement: number } {
    const [a, b]: [number[][], number[][]] = [[], []];
    for (const one of base) {
      const other = suspect.find((s) => s.role === one.role);
      if (other === undefined || one.role === "down") continue;
      const [left, right] = [unpack(one), unpack(other)];
      one.sampled.forEach((_, i) => {
        if (!one.valid[i] || !other.valid[i]) return;
        a.push(left[i]!);
        b.push(right[i]!);
      });
    }
    const t1 = permutationZ(stackOf(a, b))!;
    return { z: t1.z, agreement: t1.agreement };
  }

  test("every entry is T1 of the two layers' stacked rows, whichever rows are unusable", () => {
    const base = randomFingerprint({ seed: 1, layers: 3, cols: 64 });
    const suspect = randomFingerprint({ seed: 2, layers: 3, cols: 64, from: base, noise: 0.2 });
    // Other rows are missing in every layer, but as many: a cache by count alone would mix them up.
    const holed = { ...suspect, sketches: suspect.sketches.map((s, k) => withoutRow(s, 5 * k)) };
    const left = layersOf(holed.sketches);
    const right = layersOf(base.sketches);
    const matrix = layerMatrix(left, right);
    left.forEach((s, i) => {
      right.forEach((b, j) => {
        const brute = bruteForce(s.sketches, b.sketches);
        expect(matrix.z[i * 3 + j]).toBeCloseTo(brute.z, 9);
        expect(matrix.agreement[i * 3 + j]).toBeCloseTo(brute.agreement, 12);
      });
    });
    for (let i = 0; i < 3; i++) expect(matrix.z[i * 3 + i]).toBeGreaterThan(20);
  });

  function withoutRow(s: MatrixSketch, row: number): MatrixSketch {
    return { ...s, valid: s.valid.map((ok, i) => ok && i !== row % s.sampled.length) };
  }
});
