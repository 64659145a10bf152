import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { matchByContent } from "../../../src/lineage/content-match.ts";
import { axisOf, residualPairs, rowPairs } from "../../../src/lineage/matrix-pair.ts";
import { logFactorial } from "../../../src/numerics/gamma.ts";
import { shuffled } from "../../support/derive.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

function distance(a: MatrixSketch, b: MatrixSketch): number {
  return a.bits.reduce((sum, word, i) => {
    let x = (word ^ b.bits[i]!) >>> 0;
    let count = 0;
    for (; x > 0; x = (x & (x - 1)) >>> 0) count++;
    return sum + count;
  }, 0);
}

describe("content matching", () => {
  const base = randomFingerprint({ seed: 1, layers: 4, cols: 40 }).sketches;

  test("takes the closest pair of a shape first, each matrix once", () => {
    const noisy = randomFingerprint({ seed: 1, layers: 4, cols: 40 });
    const suspect = shuffled(
      randomFingerprint({ seed: 2, layers: 4, cols: 40, from: noisy, noise: 0.3 }).sketches.slice(0, 9),
      3,
    );
    const free = { suspect: new Set(suspect), base: new Set(base) };
    const expected: string[] = [];
    while (free.suspect.size > 0) {
      let best: [MatrixSketch, MatrixSketch] | null = null;
      for (const s of free.suspect) {
        for (const b of free.base) if (best === null || distance(s, b) < distance(...best)) best = [s, b];
      }
      free.suspect.delete(best![0]);
      free.base.delete(best![1]);
      expected.push(`${suspect.indexOf(best![0])}-${base.indexOf(best![1])}`);
    }
    const { pairs, log10Tried } = matchByContent(suspect, base);
    const found = pairs.map((p) => `${suspect.indexOf(p.suspect)}-${base.indexOf(p.base)}`);
    expect(found).toEqual(expected);
    expect(log10Tried).toBeCloseTo((logFactorial(12) - logFactorial(3)) / Math.LN10, 9);
    for (const { suspect: s, base: b } of pairs) expect([s.layer, s.role]).toEqual([b.layer, b.role]);
  });

  test("never pairs different shapes", () => {
    const wide = randomFingerprint({ seed: 3, layers: 2, cols: 48 }).sketches;
    expect(matchByContent(wide, base)).toEqual({ pairs: [], log10Tried: 0, leftOut: 0 });
  });
});

describe("rows of a pair", () => {
  const [one, two] = randomFingerprint({ seed: 4, layers: 1, cols: 64 }).sketches as [MatrixSketch, MatrixSketch];

  test("stand at equal positions and are usable in both", () => {
    const holed = { ...two, valid: two.valid.map((ok, i) => ok && i !== 3) };
    const rows = rowPairs({ suspect: holed, base: one });
    expect(rows).toHaveLength(one.sampled.length - 1);
    expect(rows[3]!.a).toEqual(one.bits.subarray(8, 10));
    expect(rows[3]!.b).toEqual(two.bits.subarray(8, 10));
  });

  test("of token matrices are the same tokens, whatever was appended", () => {
    const tokens = (sampled: number[]): MatrixSketch => ({
      ...one,
      tokens: true,
      sampled,
      valid: sampled.map(() => true),
    });
    const rows = rowPairs({ suspect: tokens([0, 8, 16, 24]), base: tokens([8, 24, 32]) });
    expect(rows.map(({ a, b }) => [a[0], b[0]])).toEqual([
      [one.bits[0], one.bits[2]],
      [one.bits[2], one.bits[6]],
    ]);
  });

  test("belong to the axis that both sides know, or the one that knows its role", () => {
    const side = (role: MatrixSketch["role"], axis: MatrixSketch["axis"]): MatrixSketch => ({ ...one, role, axis });
    const both = (x: MatrixSketch, y: MatrixSketch) => [
      axisOf({ suspect: x, base: y }),
      axisOf({ suspect: y, base: x }),
    ];
    const [q, down, open, conv] = [
      side("q", "residual"),
      side("down", "neurons"),
      side("unknown", "channels"),
      side("conv", "channels"),
    ];
    expect(both(q, q)).toEqual(["residual", "residual"]);
    expect(both(down, open)).toEqual(["neurons", "neurons"]);
    expect(both(q, open)).toEqual(["residual", "residual"]);
    expect(both(conv, conv)).toEqual(["channels", "channels"]);
    expect(both(open, side("unknown", "residual"))).toEqual(["channels", "channels"]);
    // Contradictions, and labels that nobody may exchange.
    for (const [x, y] of [
      [q, down],
      [q, conv],
      [side("o", null), q],
      [side("o", null), open],
      [side("unknown", null), open],
      [side("position", null), side("position", null)],
    ] as const) {
      expect(both(x, y)).toEqual([null, null]);
    }
  });

  test("of the most common width are the residual stream; a narrower reader is left out", () => {
    const narrow = randomFingerprint({ seed: 5, layers: 1, cols: 32 }).sketches[0]!;
    const pairs = [one, one, narrow].map((s) => ({ suspect: s, base: s }));
    expect(residualPairs(pairs)).toEqual(pairs.slice(0, 2));
  });
});
