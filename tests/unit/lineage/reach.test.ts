import { expect, test } from "vitest";
import { contentPairing } from "../../../src/lineage/content-pairing.ts";
import { log10Reach } from "../../../src/lineage/reach.ts";
import { scramble } from "../../support/derive.ts";
import { randomModel } from "../../support/random-model.ts";
import { subjectOf } from "../../support/stored-model.ts";

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

test("a pairing without comparable rows reaches nothing", () => {
  expect(log10Reach({ component: "a", suspectComponent: "b", pairs: [], layers: [], log10Tried: 2 })).toBe(2);
});
