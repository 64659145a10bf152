import { describe, expect, test } from "vitest";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import type { LayerPair, Pairing } from "../../../src/lineage/pairing.ts";
import { LOG10_THRESHOLD } from "../../../src/lineage/result.ts";
import { testWays } from "../../../src/lineage/tried-ways.ts";
import { fingerprintOf, matrixPairs } from "../../support/sketches.ts";

const copies = matrixPairs(1, 6, 6, {}, 0.05);
const strangers = matrixPairs(9, 6, 0, {}, 0.05);
const way = (pairs: readonly MatrixPair[], agreements: readonly (number | null)[], log10Tried = 0): Pairing => ({
  component: "model.layers",
  suspectComponent: "model.layers",
  pairs,
  layers: agreements.map((agreement, i) => ({ suspect: i, base: i, agreement }) as LayerPair),
  log10Tried,
});

function best(ways: readonly Pairing[], log10Hypotheses = 0) {
  const [suspect, base] = (["suspect", "base"] as const).map((side) =>
    fingerprintOf([...copies, ...strangers].map((pair) => pair[side])),
  );
  return testWays(suspect!, base!, ways, { monteCarlo: false, log10Hypotheses }, new Set());
}

describe("the best of several ways to lay layers over layers", () => {
  const agreeing = way(copies, [0.9, 0.9]);

  test("is that with the smaller p, whatever is said to agree", () => {
    const silent = way(strangers, [1, 1]);
    const [first, second] = [best([agreeing, silent]), best([silent, agreeing])];
    expect([first.pairing, second.pairing]).toEqual([agreeing, agreeing]);
    expect(first.log10P).toBeLessThan(LOG10_THRESHOLD);
    expect(best([silent]).log10P).toBeGreaterThan(LOG10_THRESHOLD);
  });

  test("is that whose layers clearly agree more, where both claim, though its p be larger", () => {
    const less = way(copies, [0.9, 0.5]);
    const paid = way(copies, [0.9, 0.9], 3);
    expect(best([less, paid]).pairing).toBe(paid);
    expect(best([paid, less]).pairing).toBe(paid);
  });

  test("has the smaller p again where agreement hardly differs, and comes first where nothing does", () => {
    const hardly = way(copies, [0.02], 0);
    const none = way(copies, [0], 3);
    expect(best([none, hardly]).pairing).toBe(hardly);
    const [one, other] = [way(copies, [0]), way(copies, [0.02])];
    expect(best([one, other]).pairing).toBe(one);
    expect(best([other, one]).pairing).toBe(other);
  });

  test("counts a layer of unknown agreement as none that agrees", () => {
    const unknown = way(copies, [null, null], 0);
    expect(best([unknown, way(copies, [0.5], 2)]).pairing.layers).toHaveLength(1);
    expect(best([way(copies, []), way(copies, [0.5], 2)]).pairing.layers).toHaveLength(1);
  });
});

test("p pays for every way that was tried, and for what else shares its budget", () => {
  const alone = best([way(copies, [])]);
  const ofTen = best(Array.from({ length: 10 }, () => way(copies, [])));
  expect(ofTen.log10P! - alone.log10P!).toBeCloseTo(1, 9);
  expect(best([way(copies, [], 2)], 3).log10P! - alone.log10P!).toBeCloseTo(5, 9);
  expect(best([way(copies, [], 2)], 3).reach - alone.reach).toBeCloseTo(5, 9);
  expect(best([way(strangers, [], 300)]).log10P).toBe(0);
});
