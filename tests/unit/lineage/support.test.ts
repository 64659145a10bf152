import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { supportOf } from "../../../src/lineage/support.ts";
import { randomWords } from "../../support/random-fingerprint.ts";
import { fingerprintOf, matrixPairs } from "../../support/sketches.ts";
import { turnedRows } from "../../support/turned-rows.ts";

const NAMED = { isChosen: false, depth: 0, matrices: 0 };
const CHOSEN = { ...NAMED, isChosen: true };

function strange({ suspect, base }: MatrixPair, { suspect: { bits } }: MatrixPair): MatrixPair {
  return { suspect: { ...suspect, bits }, base };
}

describe("support of a verdict", () => {
  test.each([
    [10, 10, true],
    [10, 9, true],
    [10, 8, false],
    [3, 3, true],
    [3, 2, false],
  ])("of %i layers, %i of them related, is of the whole: %s", (layers, related, whole) => {
    expect(supportOf(matrixPairs(1, layers, related), NAMED).whole).toBe(whole);
    expect(supportOf(matrixPairs(1, layers, related), { ...NAMED, depth: 2 * layers }).whole).toBe(false);
  });

  test.each([
    [6, 0, false],
    [6, 1, false],
    [6, 2, true],
    [20, 1, false],
    [20, 2, true],
    [30, 2, false],
    [30, 3, true],
    [6, 6, true],
  ])("of %i layers, %i of them related: %s", (layers, related, enough) => {
    expect(supportOf(matrixPairs(1, layers, related), NAMED)).toMatchObject({
      of: "layers",
      agreeing: related,
      tested: layers,
      enough,
    });
  });

  test("is by matrices where there is one layer", () => {
    const inOne = (related: number) =>
      supportOf(
        matrixPairs(1, 5, related).map(({ suspect, base }) => ({
          suspect: { ...suspect, layer: 0 },
          base: { ...base, layer: 0 },
        })),
        NAMED,
      );
    expect(inOne(1)).toMatchObject({ of: "matrices", agreeing: 1, tested: 5, enough: false });
    expect(inOne(2)).toMatchObject({ of: "matrices", agreeing: 2, tested: 5, enough: true });
  });

  test("counts layers that match nothing as layers", () => {
    const pairs = matrixPairs(1, 3, 3);
    expect(supportOf(pairs, { ...NAMED, depth: 30 })).toMatchObject({ agreeing: 3, tested: 30, enough: true });
    expect(supportOf(pairs, { ...NAMED, depth: 31 })).toMatchObject({ agreeing: 3, tested: 31, enough: false });
    expect(supportOf(pairs, { ...NAMED, depth: 2 })).toMatchObject({ agreeing: 3, tested: 3, enough: true });
  });

  test("is by matrices, and asks for more, where content laid one over the other", () => {
    const found = supportOf(matrixPairs(1, 8, 4), { ...CHOSEN, depth: 30 });
    expect(found).toMatchObject({ of: "matrices", agreeing: 4, tested: 8, enough: true, whole: false });
    // Those that agree must lie in several layers, as many as layers would have to, and be some of all matrices.
    const inOne = matrixPairs(1, 8, 4).map(({ suspect, base }) => ({ suspect, base: { ...base, layer: 0 } }));
    expect(supportOf(inOne, { ...CHOSEN, depth: 8 })).toMatchObject({ agreeing: 4, enough: false });
    expect(supportOf(matrixPairs(1, 8, 4), { ...CHOSEN, depth: 41 })).toMatchObject({ agreeing: 4, enough: false });
    expect(supportOf(matrixPairs(1, 8, 4), { ...CHOSEN, matrices: 41 })).toMatchObject({ tested: 41, enough: false });
    expect(supportOf(matrixPairs(1, 8, 4), { ...CHOSEN, matrices: 40 })).toMatchObject({ tested: 40, enough: true });
    // 4 to 6 standard deviations: a few signs more than half agree.
    const weak = matrixPairs(1, 8, 8, {}, 0.46);
    const [named, chosen] = [supportOf(weak, NAMED), supportOf(weak, CHOSEN)];
    expect(named.agreeing).toBeGreaterThan(chosen.agreeing + 3);
    expect([...named.sigmas.values()].filter((sigma) => sigma >= 6)).toHaveLength(chosen.agreeing);
  });

  /** `count` matrices, `each` to a layer, of which the first `related` are. */
  function inLayers(count: number, each: number, related: number): MatrixPair[] {
    const laid = (sketch: MatrixSketch, i: number) => ({ ...sketch, layer: Math.floor(i / each) });
    return matrixPairs(1, count, related).map(({ suspect, base }, i) => ({
      suspect: laid(suspect, i),
      base: laid(base, i),
    }));
  }

  test("is of a layer where one of its matrices agrees, and of all its matrices then", () => {
    const pairs = inLayers(12, 2, 3);
    const found = supportOf(pairs, NAMED);
    expect(found).toMatchObject({ of: "layers", agreeing: 2, tested: 6, agreeingMatrices: 3, matrices: 12 });
    expect(found.pairs).toEqual(pairs.slice(0, 4));
    expect([...found.sigmas.keys()]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(found.sigmas.get(0)).toBeGreaterThan(4);
    expect(found.sigmas.get(5)).toBeLessThan(4);
  });

  test("is by matrices of what no layer holds, and keeps no deviations of those", () => {
    const outside = inLayers(6, 6, 3).map(({ suspect, base }) => ({ suspect, base: { ...base, layer: -1 } }));
    expect(supportOf(outside, { ...NAMED, depth: 2 })).toMatchObject({ agreeing: 3, tested: 6 });
    const alone = supportOf(inLayers(6, 6, 3), NAMED);
    expect([alone.of, alone.sigmas.size, alone.pairs.length]).toEqual(["matrices", 0, 3]);
    expect(supportOf(inLayers(6, 6, 3), { ...NAMED, depth: 2 })).toMatchObject({
      of: "layers",
      agreeing: 1,
      tested: 2,
    });
  });

  test.each([
    [10, 8, 20, true],
    [10, 7, 20, false],
    [10, 8, 21, false],
  ])("of %i matrices, %i of them related, of %i in all, is of the whole: %s", (paired, related, matrices, whole) => {
    // Five layers of two: the first matrix of each is related, so that every layer agrees, and some of the second.
    const pairs = inLayers(paired, 2, paired);
    const strangers = matrixPairs(50, paired, 0);
    const mixed = pairs.map((pair, i) =>
      i % 2 === 0 || i / 2 < related - paired / 2 ? pair : strange(pair, strangers[i]!),
    );
    expect(supportOf(mixed, { ...NAMED, matrices })).toMatchObject({ agreeing: 5, agreeingMatrices: related, whole });
  });

  test.each([
    [12, 20, true],
    [11, 20, false],
  ])("that content chose: %i of %i matrices are the whole: %s", (related, matrices, whole) => {
    const found = supportOf(matrixPairs(1, 14, related), { isChosen: true, depth: 14, matrices });
    expect(found).toMatchObject({ agreeing: related, tested: matrices, matrices, enough: true, whole });
  });

  test("that content chose in a model of one layer has to lie in no more", () => {
    const inOne = inLayers(8, 8, 4);
    expect(supportOf(inOne, { ...CHOSEN, depth: 1 })).toMatchObject({ agreeing: 4, enough: true });
    expect(supportOf(inOne, { ...CHOSEN, depth: 2 })).toMatchObject({ agreeing: 4, enough: false });
    expect(supportOf(inLayers(8, 4, 8), { ...CHOSEN, depth: 2 })).toMatchObject({ agreeing: 8, enough: true });
  });

  test.each([64, 192])("counts layers whose rows were turned, of %i labels", (labels) => {
    const next = randomWords(3);
    const pairs = matrixPairs(1, 8, 4, {}, 0.02, labels).map(({ suspect, base }) => ({
      suspect: turnedRows(suspect, () => next() % 2 === 0),
      base,
    }));
    expect(supportOf(pairs, NAMED)).toMatchObject({ agreeing: 4, tested: 8, enough: true });
  });

  test("of strangers is none, whatever they have in common", () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(supportOf(matrixPairs(1000 * seed, 12, 0), NAMED)).toMatchObject({ agreeing: 0, enough: false });
    }
  });

  test("is of nothing where nothing can be tested", () => {
    expect(supportOf([], NAMED)).toMatchObject({ agreeing: 0, tested: 0, enough: false });
    expect(supportOf(matrixPairs(1, 4, 4, { axis: null }), NAMED)).toMatchObject({ tested: 0, enough: false });
  });

  test("makes no relative of one tensor that agrees, however wide and deep", async () => {
    for (const [related, verdict] of [
      [1, "no-evidence"],
      [2, "shared-init"],
    ] as const) {
      const pairs = matrixPairs(7, 10, related, {}, 0.02);
      const side = (name: "suspect" | "base", seed: number) => ({
        name,
        root: false,
        checkpoint: null,
        fingerprint: fingerprintOf(
          pairs.map((pair) => pair[name]),
          seed,
        ),
      });
      const result = await compareSubjects(side("suspect", 1), side("base", 2), { monteCarlo: false });
      expect(result.verdict).toBe(verdict);
      const [found] = result.components;
      if (related === 2) expect(found!.log10P).toBeLessThan(-9);
      else
        expect(found).toMatchObject({
          log10P: null,
          reason: expect.stringMatching(/^labels agree \(p = 1e-\d+\), but 1 of 10 layers by itself/),
        });
    }
  });
});
