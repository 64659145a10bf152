import { expect, test } from "vitest";
import type { Axis } from "../../../src/anatomy/anatomy.ts";
import { contentPairing } from "../../../src/lineage/content-pairing.ts";
import { log10Reach } from "../../../src/lineage/reach.ts";
import { scramble } from "../../support/derive.ts";
import { randomModel } from "../../support/random-model.ts";
import { matrixPairs } from "../../support/sketches.ts";
import { subjectOf } from "../../support/stored-model.ts";

const NOTHING = { component: "a", suspectComponent: "b", pairs: [], layers: [] } as const;

test("a pairing by content reaches far for the same weights and nowhere for unrelated ones", async () => {
  const base = await subjectOf(randomModel({ init: 1 }));
  const same = contentPairing((await subjectOf(scramble(randomModel({ init: 1 })))).fingerprint, base.fingerprint)!;
  const other = contentPairing((await subjectOf(randomModel({ init: 2 }))).fingerprint, base.fingerprint)!;
  expect(log10Reach(same)).toBeLessThan(-100);
  expect(log10Reach(other)).toBeGreaterThan(0);
});

test("the assignments a pairing was chosen from are paid for", async () => {
  const base = await subjectOf(randomModel({ init: 1 }));
  const pairing = contentPairing(base.fingerprint, base.fingerprint)!;
  const dearer = { ...pairing, log10Tried: pairing.log10Tried + 5 };
  expect(log10Reach(dearer)).toBeCloseTo(log10Reach(pairing) + 5, 9);
});

test("what columns of the model's own say counts beside what the stream says, not with it", () => {
  const reachOf = (axis: Axis | null, equal: number) =>
    log10Reach({ ...NOTHING, pairs: matrixPairs(1, 8, equal, { axis }), log10Tried: 0 });
  for (const axis of ["residual", "neurons", "channels"] as const) {
    expect(reachOf(axis, 8)).toBeLessThan(-100);
    expect(reachOf(axis, 0)).toBeGreaterThan(-3);
  }
  expect(reachOf(null, 8)).toBe(0);
  const both = [...matrixPairs(1, 8, 8, { axis: "neurons" }), ...matrixPairs(2, 64, 0, { axis: "residual" })];
  expect(log10Reach({ ...NOTHING, pairs: both, log10Tried: 0 })).toBeCloseTo(reachOf("neurons", 8), 9);
});

test("a pairing without comparable rows reaches nothing", () => {
  expect(log10Reach({ ...NOTHING, log10Tried: 2 })).toBe(2);
});
