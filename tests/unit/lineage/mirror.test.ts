import { expect, test } from "vitest";
import { mirrored } from "../../../src/lineage/mirror.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import { findingOf, learnedOf, modelOf } from "../../support/findings.ts";

const [own, other] = [modelOf(1, { encoder: { layers: 2 } }), modelOf(2, { "model.layers": { layers: 3 } })];

test("what was found says the same of the models in the other order", () => {
  const learned = { baseInSuspect: learnedOf(0.9), suspectInBase: learnedOf(0.7) };
  const given = { suspectComponent: "encoder", layers: [[0, 2]], verdict: { learned } } as const;
  const finding = findingOf(own, other, "derived", { ...given, support: {} });
  const { pairs } = finding.pairing;
  const found = mirrored({ ...finding, support: { ...finding.support!, pairs } });
  expect(found.verdict).toMatchObject({ component: "encoder", suspectComponent: "model.layers", verdict: "derived" });
  expect(found.verdict.learned).toEqual({ baseInSuspect: learnedOf(0.7), suspectInBase: learnedOf(0.9) });
  expect(found.pairing).toMatchObject({ component: "encoder", suspectComponent: "model.layers" });
  expect(found.pairing.layers).toMatchObject([{ component: "encoder", suspect: 2, base: 0 }]);
  for (const of of [found.pairing, found.support!]) {
    expect(of.pairs).toEqual([{ suspect: pairs[0]!.base, base: pairs[0]!.suspect }]);
  }
  expect(mirrored(findingOf(own, other, "no-evidence")).verdict.learned).toBeNull();
  expect(mirrored(findingOf(own, other, "no-evidence")).support).toBeNull();
});

test("a slice is turned round without asking for what is dear", () => {
  const asked: string[] = [];
  const slice = {
    role: "q",
    layer: 3,
    turned: () => ({ forward: "there", backward: "back", scale: 3, reverseScale: 0.3, drift: 0.1 }),
    drift: 0.5,
    forward: "forward",
    backward: "backward",
    scale: 2,
    reverseScale: 0.25,
    get rank() {
      asked.push("rank");
      return "rank";
    },
    get random() {
      asked.push("random");
      return true;
    },
    get departure() {
      asked.push("departure");
      return { suspect: "of suspect", base: "of base" };
    },
  } as unknown as SliceRetention;
  const [back] = mirrored(findingOf(own, other, "derived", { slices: [slice] })).slices;
  expect(asked).toEqual([]);
  expect(back).toMatchObject({ role: "q", layer: 3, drift: 0.5, scale: 0.25, reverseScale: 2, rank: "rank" });
  expect(back).toMatchObject({ forward: "backward", backward: "forward", random: true });
  expect(back!.departure).toEqual({ suspect: "of base", base: "of suspect" });
  expect(back!.turned()).toEqual({ forward: "back", backward: "there", scale: 0.3, reverseScale: 3, drift: 0.1 });
});
