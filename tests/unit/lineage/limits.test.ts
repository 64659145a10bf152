import { describe, expect, test } from "vitest";
import type { Fingerprint, Sketch } from "../../../src/fingerprint/fingerprint.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { matchByContent } from "../../../src/lineage/content-match.ts";
import { layersOf } from "../../../src/lineage/layer-matrix.ts";
import { residualPairs, rowPairs, sharedLabels } from "../../../src/lineage/matrix-pair.ts";
import { namedPairings } from "../../../src/lineage/pairing.ts";
import { log10Reach } from "../../../src/lineage/reach.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

const [sketch] = randomFingerprint({ seed: 1, layers: 1, cols: 64, roles: ["q"] }).sketches as [Sketch];

/** `count` copies of one sketch at places of their own. */
function copies(count: number, place: (i: number) => Partial<Sketch>): Sketch[] {
  return Array.from({ length: count }, (_, i) => ({ ...sketch, ...place(i) }));
}

function holding(sketches: readonly Sketch[]): Fingerprint {
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
    const rows = (sketches: readonly Sketch[]) => sketches.reduce((n, s) => n + s.sampled.length, 0);
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
    expect(matchByContent(shape(1025), shape(2)).pairs).toHaveLength(0);
    expect(matchByContent(shape(1024), shape(2)).pairs).toHaveLength(2);
  });
});

test("one narrow matrix does not shorten the reach of the others", () => {
  const base = randomFingerprint({ seed: 5, layers: 3, cols: 256 }).sketches;
  const narrow = randomFingerprint({ seed: 6, layers: 1, cols: 8, roles: ["q", "down"] }).sketches;
  const reach = (sketches: readonly Sketch[]) =>
    log10Reach({
      component: "model.layers",
      suspectComponent: "model.layers",
      pairs: sketches.map((s) => ({ suspect: s, base: s })),
      layers: [],
      log10Tried: 0,
    });
  expect(reach([...base, ...narrow])).toBeLessThanOrEqual(0.99 * reach(base));
});
