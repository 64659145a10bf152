import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { laidOver } from "../../../src/lineage/laid-over.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import type { LayerPair, Pairing } from "../../../src/lineage/pairing.ts";
import type { Stack } from "../../../src/lineage/stack.ts";

const matrix = (layer: number, rows: number, cols: number) => ({ layer, rows, cols }) as MatrixSketch;
const stack = (...sketches: MatrixSketch[]) => ({ sketches }) as unknown as Stack;
const over = (suspect: number, base: number) => ({ suspect, base }) as LayerPair;
const pairing = (layers: readonly LayerPair[], ...pairs: (readonly [MatrixSketch, MatrixSketch])[]) =>
  ({
    layers,
    pairs: pairs.map(([suspect, base]): MatrixPair => ({ suspect, base })),
  }) as unknown as Pairing;

describe("how much of each layer lies over one of the other", () => {
  const [q, rest] = [matrix(0, 4, 4), matrix(0, 4, 8)];
  const [otherQ, otherRest] = [matrix(3, 4, 4), matrix(3, 8, 4)];
  const [own, other] = [stack(q, rest), stack(otherQ, otherRest)];
  const asked = pairing([over(0, 3)], [q, otherQ]);

  test("counts what is paired, and what names kept from it where the other side has as many of that shape", () => {
    expect(laidOver(asked, "suspect", own, other).get(0)).toBe(16 + 32);
    expect(laidOver(asked, "base", other, own).get(3)).toBe(16 + 32);
  });

  test("counts no partners of others as left over", () => {
    const more = stack(otherQ, otherRest, matrix(3, 4, 4));
    expect(laidOver(asked, "suspect", stack(q, matrix(0, 4, 4)), more).get(0)).toBe(32);
    expect(laidOver(asked, "base", more, stack(q, matrix(0, 4, 4))).get(3)).toBe(32);
    expect(laidOver(asked, "suspect", stack(q, matrix(0, 4, 4)), stack(otherQ)).get(0)).toBe(16);
  });

  test("does not count experts that stand where one network stood, nor another shape of the same size", () => {
    const experts = stack(otherQ, otherRest, matrix(3, 8, 4), matrix(3, 8, 4));
    expect(laidOver(asked, "suspect", own, experts).get(0)).toBe(16);
    expect(laidOver(asked, "suspect", stack(q, matrix(0, 2, 16)), other).get(0)).toBe(16);
  });

  test("counts what lies outside of layers as -1, apart from them", () => {
    const [flat, otherFlat] = [matrix(-1, 16, 2), matrix(-1, 2, 16)];
    const found = laidOver(
      pairing([over(0, 3)], [q, otherQ], [flat, otherFlat]),
      "suspect",
      stack(q, flat),
      stack(otherQ, otherFlat),
    );
    expect([...found]).toEqual([
      [0, 16],
      [-1, 32],
    ]);
    expect(laidOver(asked, "suspect", own, other).get(-1)).toBe(0);
  });

  test("takes the best of several layers that one lies over", () => {
    const twice = stack(otherQ, otherRest, matrix(4, 4, 4));
    const both = pairing([over(0, 3), over(0, 4)], [q, otherQ]);
    expect(laidOver(both, "suspect", own, twice).get(0)).toBe(48);
    expect(laidOver(pairing([over(0, 4), over(0, 3)], [q, otherQ]), "suspect", own, twice).get(0)).toBe(48);
  });
});
