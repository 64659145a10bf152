import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { matchByContent } from "../../../src/lineage/content-match.ts";
import { layersOf } from "../../../src/lineage/layer-matrix.ts";
import { residualPairs, rowPairs, sharedLabels } from "../../../src/lineage/matrix-pair.ts";
import { namedPairings } from "../../../src/lineage/named-pairings.ts";
import { log10Reach } from "../../../src/lineage/reach.ts";
import { beyondLimits } from "../../../src/lineage/stack.ts";
import { logFactorial } from "../../../src/numerics/gamma.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

const [sketch] = randomFingerprint({ seed: 1, layers: 1, cols: 64, roles: ["q"] }).sketches as [MatrixSketch];

/** `count` copies of one sketch at places of their own. */
function copies(count: number, place: (i: number) => Partial<MatrixSketch>): MatrixSketch[] {
  return Array.from({ length: count }, (_, i) => ({ ...sketch, ...place(i) }));
}

function holding(sketches: readonly MatrixSketch[]): Fingerprint {
  return { ...randomFingerprint({ seed: 1, layers: 1 }), sketches };
}

/** What a fingerprint declares is free; what comparing it costs is not. */
describe("a hostile fingerprint", () => {
  test("offers one axis no more rows than can be held, taken from all of its layers", () => {
    const pairs = copies(200, (layer) => ({ layer })).map((s) => ({ suspect: s, base: s }));
    const kept = residualPairs(pairs);
    expect(kept.flatMap(rowPairs)).toHaveLength(4096);
    expect(kept.filter((p) => p.base.layer < 100)).toHaveLength(32);
    expect(residualPairs(pairs.slice(0, 64))).toHaveLength(64);
  });

  test("offers no more labels than are transposed at once", () => {
    const wide = { ...sketch, cols: 100_000 };
    expect(sharedLabels([{ suspect: wide, base: wide }])).toBe(65_536);
  });

  test("is compared however wide its matrices are", async () => {
    const wide = (seed: number) => ({
      name: `${seed}`,
      root: false,
      checkpoint: null,
      fingerprint: randomFingerprint({ seed, layers: 1, cols: 70_000, roles: ["q", "down"] }),
    });
    const { verdict, tests } = await compareSubjects(wide(1), wide(2));
    expect([verdict, ...new Set(tests.map((t) => t.axis))]).toEqual(["no-evidence", "residual", "neurons"]);
  });

  test("has no deeper and no larger layers than a model", () => {
    const rows = (sketches: readonly MatrixSketch[]) => sketches.reduce((n, s) => n + s.sampled.length, 0);
    const [large] = layersOf(copies(40, () => ({})));
    expect(rows(large!.sketches)).toBe(1024);
    const many = layersOf(copies(1200, (i) => ({ layer: i >> 1 })));
    expect(many.flatMap((l) => l.sketches).length * 64).toBeLessThanOrEqual(32_768);
    expect(layersOf(copies(600, (layer) => ({ layer, sampled: [0] })))).toHaveLength(512);
  });

  test("has no more components and tables than a model", () => {
    const components = holding(copies(100, (i) => ({ component: `part ${i}`, layer: 0 })));
    expect(namedPairings(components, components)).toHaveLength(64);
    const tables = holding(
      copies(100, (i) => ({ tokens: true, layer: -1, digest: { ...sketch.digest, f32: `${i}` } })),
    );
    expect(namedPairings(tables, tables).map(([way]) => way!.pairs.length)).toEqual([64]);
  });

  test("is matched by content only up to a number of matrices of one shape", () => {
    const shape = (count: number) => copies(count, () => ({ role: "unknown" }));
    const other = copies(2, (i) => ({ role: "unknown", digest: { ...sketch.digest, f32: `other ${i}` } }));
    expect(matchByContent(shape(1025), other)).toMatchObject({ pairs: [], leftOut: 2 });
    expect(matchByContent(shape(1024), other)).toMatchObject({ pairs: { length: 2 }, leftOut: 0 });
  });

  test("has equal matrices matched however many there are, and the rest where it is few enough", () => {
    const own = (from: number, count: number) =>
      copies(count, (i) => ({ role: "unknown", digest: { ...sketch.digest, f32: `${from + i}` } }));
    const { pairs, log10Tried, leftOut } = matchByContent(own(0, 5000), own(0, 5000).reverse());
    expect(leftOut).toBe(0);
    expect(pairs).toHaveLength(5000);
    for (const pair of pairs) expect(pair.suspect.digest.f32).toBe(pair.base.digest.f32);
    expect(log10Tried).toBeCloseTo(logFactorial(5000) / Math.LN10, 6);
    expect(matchByContent(own(0, 1100), own(100, 1100))).toMatchObject({ pairs: { length: 1100 }, leftOut: 0 });
    expect(matchByContent(own(0, 3000), own(1500, 3000))).toMatchObject({ pairs: { length: 1500 }, leftOut: 1500 });
  });

  test("is told of what no test looked at", async () => {
    const subject = (name: string, fingerprint: Fingerprint) => ({ name, root: false, checkpoint: null, fingerprint });
    const stacks = (seed: number): Fingerprint => {
      const plain = randomFingerprint({ seed, layers: 70, cols: 64, roles: ["q", "k"] });
      return { ...plain, sketches: plain.sketches.map((s) => ({ ...s, component: `part ${s.layer}`, layer: 0 })) };
    };
    const many = await compareSubjects(subject("a", stacks(1)), subject("b", stacks(2)), { monteCarlo: false });
    expect(many.caveats).toContain("no test looked at the 6 smallest stacks of a");
    const deep = randomFingerprint({ seed: 1, layers: 530, cols: 8, roles: ["q"] });
    expect(beyondLimits(deep)).toEqual({ stacks: 0, layers: 18 });
    const few = randomFingerprint({ seed: 3 });
    const plain = await compareSubjects(subject("a", few), subject("b", few), { monteCarlo: false });
    expect(plain.caveats.join()).not.toContain("no test looked");
  });
});

test("one narrow matrix does not shorten the reach of the others", () => {
  const base = randomFingerprint({ seed: 5, layers: 3, cols: 256 }).sketches;
  const narrow = randomFingerprint({ seed: 6, layers: 1, cols: 8, roles: ["q", "down"] }).sketches;
  const reach = (sketches: readonly MatrixSketch[]) =>
    log10Reach({
      component: "model.layers",
      suspectComponent: "model.layers",
      pairs: sketches.map((s) => ({ suspect: s, base: s })),
      layers: [],
      log10Tried: 0,
    });
  expect(reach([...base, ...narrow])).toBeLessThanOrEqual(0.99 * reach(base));
});
