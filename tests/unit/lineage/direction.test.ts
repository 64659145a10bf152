import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { directionOf, isParentsShare } from "../../../src/lineage/direction.ts";
import { mirrored } from "../../../src/lineage/mirror.ts";
import { type ComponentVerdict, EMBEDDINGS, type Verdict } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { findingOf, type GivenFinding, learnedOf, modelOf, subjectOf } from "../../support/findings.ts";

/** L and b of the parent's training in the child, and of the child's in the parent. */
type Shares = readonly [number, number, number, number];

const learned = ([share, bulk, back, backBulk]: Shares): ComponentVerdict["learned"] => {
  const common = { error: 0.002, spread: 0, directions: 12, slices: 16 };
  return { baseInSuspect: { ...common, share, bulk }, suspectInBase: { ...common, share: back, bulk: backBulk } };
};

describe("the shares that a child and its parent hold of each other", () => {
  test.each<[string, Shares]>([
    ["a light fine-tune", [1, 1, 1, 1]],
    ["a fine-tune on another text", [0.95, 0.983, 0.997, 0.963]],
    ["a continued pretraining", [0.895, 0.89, 0.705, 0.808]],
    ["another one", [0.923, 0.935, 0.65, 0.775]],
    ["a long one", [0.97, 0.94, 0.73, 0.84]],
    ["an average with a stranger", [0.501, 0.508, 0.901, 1.021]],
    ["nine tenths of a merge", [0.9, 0.9, 1.08, 1.09]],
  ])("%s", (_, shares) => {
    expect(isParentsShare(learned(shares), "base")).toBe(true);
  });

  test.each<[string, Shares]>([
    ["a tenth of a merge", [0.1, 0.1, 0.3, 0.3]],
    ["the checkpoint half-way to the parent", [0.9, 0.91, 0.97, 1.01]],
    ["another one", [0.94, 0.92, 0.95, 1]],
    ["a fine-tune of that", [0.91, 0.92, 0.95, 0.99]],
    ["the checkpoint half-way, in 4 bits", [0.896, 0.914, 0.977, 0.897]],
    ["the checkpoint half-way, under as much noise", [0.893, 0.918, 1.043, 0.38]],
    ["the checkpoint half-way, a tenth of it zero", [0.81, 0.82, 1.05, 0.9]],
    ["half of the weights pruned, which such a checkpoint resembles", [0.93, 0.935, 1, 1]],
    ["the checkpoint half-way of a model that decayed since", [0.909, 0.797, 0.604, 0.634]],
    ["one that had more of the start then", [0.889, 1.081, 0.755, 0.701]],
    ["one of a model that decayed since, in 4 bits", [0.937, 1.13, 0.75, 0.68]],
    ["one that decayed more", [0.757, 0.748, 0.453, 0.371]],
    ["one that did not, and grew", [0.855, 0.876, 1.052, 1.067]],
    ["one that was trained slowly", [0.878, 0.892, 1.03, 1.05]],
    ["a continued pretraining under decay, which resembles these", [0.91, 0.94, 0.76, 0.78]],
    ["a checkpoint long before", [0.6, 0.7, 0.99, 1]],
  ])("not of %s", (_, shares) => {
    expect(isParentsShare(learned(shares), "base")).toBe(false);
  });

  test("of both sides the one that is asked for, and of neither where nothing is known", () => {
    const went = learned([0.895, 0.89, 0.705, 0.808]);
    expect(isParentsShare(went, "base")).toBe(true);
    expect(isParentsShare(went, "suspect")).toBe(false);
    expect(isParentsShare(null, "base")).toBe(false);
  });
});

describe("the floors of what a parent's share is", () => {
  test.each<[string, Shares, Shares]>([
    ["half of a parent at least", [0.5, 0.5, 0.97, 1], [0.499, 0.499, 0.97, 1]],
    ["all of its training, whatever is left of the start", [0.96, 1.2, 1.02, 1], [0.959, 1.2, 1.02, 1]],
    ["or nearly all of it", [0.93, 1, 0.95, 0.9], [0.929, 1, 0.95, 0.9]],
    ["with all of the start", [0.93, 0.96, 0.95, 0.97], [0.93, 0.959, 0.95, 0.97]],
    ["and no more than that", [0.93, 1.04, 0.95, 0.97], [0.93, 1.041, 0.95, 0.97]],
    ["not clearly less than it has of the child's", [0.96, 1, 1.019, 0.97], [0.96, 1, 1.021, 0.97]],
    ["as much of a training as of a start", [0.873, 0.9, 0.5, 1], [0.872, 0.9, 0.5, 1]],
    ["clearly less of the child's than of its start", [0.875, 0.875, 0.449, 0.5], [0.875, 0.875, 0.451, 0.5]],
    ["of what went on by itself most", [0.85, 0.85, 0.45, 0.5], [0.849, 0.85, 0.45, 0.5]],
    ["of what may be a merge the half, if it is not as small", [0.849, 0.85, 1, 1.05], [0.85, 0.85, 1, 1.05]],
    ["of a merge all of the start in its parent", [0.6, 0.6, 0.99, 0.98], [0.6, 0.6, 0.99, 0.979]],
    ["and more of a merge than there is", [0.9, 0.9, 1.055, 1.1], [0.9, 0.9, 1.05, 1.1]],
  ])("%s", (_, within, beyond) => {
    expect(isParentsShare(learned(within), "base")).toBe(true);
    expect(isParentsShare(learned(beyond), "base")).toBe(false);
  });
});

const CHILD = { baseInSuspect: learnedOf(1), suspectInBase: learnedOf(1) };
const TRAINED: GivenFinding = { verdict: { learned: CHILD } };

describe("a parent is named", () => {
  const [suspect, base] = [1, 2].map((seed) => modelOf(seed, { "model.layers": { layers: 4 } })) as [
    Fingerprint,
    Fingerprint,
  ];
  const asked = (verdict: Verdict, roots: readonly ("suspect" | "base")[], given: GivenFinding = TRAINED) => {
    const [one, other] = [
      subjectOf("a", suspect, { root: roots.includes("suspect") }),
      subjectOf("b", base, { root: roots.includes("base") }),
    ];
    return directionOf(verdict, null, [findingOf(suspect, base, "derived", given)], one, other);
  };

  test("where one side alone is a root, and its training is shared", () => {
    expect(asked("derived", ["base"])).toBe("suspect-from-base");
    expect(asked("derived", ["suspect"])).toBe("base-from-suspect");
    expect(asked("derived", [])).toBe("not-established");
    expect(asked("derived", ["suspect", "base"])).toBe("not-established");
  });

  test("only by verdicts that say that training is shared", () => {
    const said = (["shared-init", "no-evidence", "not-testable"] as const).map((verdict) => asked(verdict, ["base"]));
    expect(new Set(said)).toEqual(new Set(["not-established"]));
    expect(["identical", "recast"].map((verdict) => asked(verdict as Verdict, ["base"]))).toEqual([
      "suspect-from-base",
      "suspect-from-base",
    ]);
  });

  test.each<[string, GivenFinding]>([
    ["the training is shared as two runs of one recipe share it", { ...TRAINED, isSimple: true }],
    ["only a start is shared", { ...TRAINED, sharesTraining: false }],
    ["some of its layers do not agree", { ...TRAINED, support: { whole: false } }],
    ["its share is not a parent's", { verdict: { learned: { ...CHILD, baseInSuspect: learnedOf(0.4) } } }],
  ])("not where %s", (_, given) => {
    expect(asked("derived", ["base"], given)).toBe("not-established");
  });

  test("by equal values alone, but never with the side whose values are the other's, rounded", () => {
    const said = (narrower: "suspect" | "base", root: "suspect" | "base") =>
      directionOf(
        "recast",
        { kind: "recast", narrower },
        [],
        subjectOf("a", suspect, { root: root === "suspect" }),
        subjectOf("b", base, { root: root === "base" }),
      );
    expect(said("suspect", "base")).toBe("suspect-from-base");
    expect(said("base", "base")).toBe("not-established");
    expect(said("base", "suspect")).toBe("base-from-suspect");
    expect(said("suspect", "suspect")).toBe("not-established");
    expect(directionOf("derived", null, [], subjectOf("a", suspect), subjectOf("b", base, { root: true }))).toBe(
      "not-established",
    );
  });
});

describe("all of a parent must be found", () => {
  /** What is said of a child and of its parent, the same if they change places. */
  const said = (own: Fingerprint, other: Fingerprint, findings: readonly Finding[], root: Partial<Subject> = {}) => {
    const found = findings.map(({ verdict = "derived", ...given }) =>
      findingOf(own, other, verdict, { ...TRAINED, ...given }),
    );
    const [child, parent] = [subjectOf("a", own), subjectOf("b", other, { root: true, ...root })];
    const direction = directionOf("derived", null, found, child, parent);
    const back = directionOf("derived", null, found.map(mirrored), parent, child);
    expect(back).toBe(direction === FROM ? "base-from-suspect" : direction);
    return direction;
  };
  type Finding = Omit<GivenFinding, "verdict"> & { readonly verdict?: Verdict };
  const FROM = "suspect-from-base";
  const NOT = "not-established";

  test("every main stack of it, but for those that come from elsewhere", () => {
    const [own, other] = [1, 2].map((seed) => modelOf(seed, { tower: { layers: 4 }, text: { layers: 4 } })) as [
      Fingerprint,
      Fingerprint,
    ];
    const [tower, text] = [{ component: "tower" }, { component: "text" }];
    expect(said(own, other, [tower, text])).toBe(FROM);
    expect(said(own, other, [text])).toBe(NOT);
    const parts = [{ component: "tower", of: "another" }];
    expect(said(own, other, [text], { parts })).toBe(FROM);
    expect(said(own, other, [tower], { parts })).toBe(NOT);
    expect(said(own, other, [{ ...tower, verdict: "no-evidence" }, text], { parts })).toBe(FROM);
  });

  test("a stack is main from a fifth of it on", () => {
    const text = (layers: number) => {
      const [own, other] = [1, 2].map((seed) => modelOf(seed, { text: { layers }, head: { layers: 2 } }));
      return said(own!, other!, [{ component: "text" }]);
    };
    expect([8, 9].map(text)).toEqual([NOT, FROM]);
    expect(said(modelOf(1, { text: { layers: 2 } }), modelOf(2, {}), [])).toBe(NOT);
  });

  test("no stack of it, however small, may be another's", () => {
    const [own, other] = [1, 2].map((seed) => modelOf(seed, { text: { layers: 9 }, head: { layers: 1 } })) as [
      Fingerprint,
      Fingerprint,
    ];
    const head = { component: "head" } as const;
    const beside = (finding: Finding) => said(own, other, [{ component: "text" }, finding]);
    expect(said(own, other, [{ component: "text" }])).toBe(FROM);
    expect(beside({ ...head, verdict: "no-evidence" })).toBe(NOT);
    expect(beside({ ...head, verdict: "not-testable" })).toBe(FROM);
    expect(beside({ component: EMBEDDINGS, verdict: "no-evidence" })).toBe(FROM);
    // A start alone is another training, where one shows in the parent.
    const start = { ...head, verdict: "shared-init", sharesTraining: false } as const;
    expect(beside(start)).toBe(NOT);
    const [one, rest] = [findingOf(own, other, "derived", { component: "text", ...TRAINED }), subjectOf("a", own)];
    const untrained = { baseInSuspect: learnedOf(1, 1, { directions: 1 }), suspectInBase: learnedOf(1) };
    const fresh = (learned: ComponentVerdict["learned"]) =>
      findingOf(own, other, "shared-init", { ...head, sharesTraining: false, verdict: { learned } });
    const asked = (learned: ComponentVerdict["learned"], swapped = false) => {
      const base = subjectOf("b", other, { root: !swapped });
      return directionOf("derived", null, [one, fresh(learned)], { ...rest, root: swapped }, base);
    };
    expect(asked(untrained)).toBe(FROM);
    expect(asked(untrained, true)).toBe(NOT);
    expect([asked(null), asked(null, true)]).toEqual([FROM, "base-from-suspect"]);
    // Found beside something else of the same name, it is no other's.
    expect(said(own, other, [{ component: "text" }, { component: "text", verdict: "no-evidence" }])).toBe(FROM);
  });

  test("nearly all of its layers, or all that the child has are of it", () => {
    const [deep, shallow] = [
      modelOf(1, { "model.layers": { layers: 10 } }),
      modelOf(2, { "model.layers": { layers: 6 } }),
    ];
    const of = (count: number) => Array.from({ length: count }, (_, i) => [i, i] as const);
    const twin = modelOf(3, { "model.layers": { layers: 10 } });
    expect(said(deep, twin, [{ layers: of(8) }])).toBe(FROM);
    expect(said(deep, twin, [{ layers: of(7) }])).toBe(NOT);
    expect(said(shallow, deep, [{ layers: of(6) }])).toBe(FROM);
    expect(said(shallow, deep, [{ layers: of(4) }])).toBe(NOT);
    // As many layers of the child as there are, twice over, are as many.
    const upscaled = [...of(6), ...of(4).map(([i]) => [i + 6, i] as const)];
    expect(said(deep, shallow, [{ layers: upscaled }])).toBe(FROM);
    // Two findings of one stack count each layer once.
    expect(said(deep, twin, [{ layers: of(5) }, { layers: of(5) }])).toBe(NOT);
    expect(said(deep, twin, [{ layers: of(5) }, { layers: of(8).slice(5) }])).toBe(FROM);
  });

  test("only layers that agree count, where that is known", () => {
    const [own, other] = [1, 2].map((seed) => modelOf(seed, { "model.layers": { layers: 10 } })) as [
      Fingerprint,
      Fingerprint,
    ];
    const agreeing = (count: number) => {
      const { pairs } = findingOf(own, other, "derived").pairing;
      return said(own, other, [{ support: { pairs: pairs.slice(0, count) } }]);
    };
    expect([8, 7].map(agreeing)).toEqual([FROM, NOT]);
    const { pairs } = findingOf(own, other, "derived").pairing;
    expect(said(own, other, [{ support: { pairs, whole: false } }])).toBe(NOT);
  });

  test("matrices that names keep from being paired count with their layer", () => {
    const roles = ["q", "up", "gate"] as const;
    const stacks = { a: { layers: 5, roles }, b: { layers: 5, cols: 32, roles } };
    const [own, other] = [1, 2].map((seed) => modelOf(seed, stacks));
    const ofQ = (component: string): Finding => {
      const { pairs } = findingOf(own!, other!, "derived", { component }).pairing;
      return { component, pairing: { pairs: pairs.filter(({ base }) => base.role === "q") } };
    };
    expect(said(own!, other!, [ofQ("a"), ofQ("b")])).toBe(FROM);
  });

  test("matrices that content chose count one by one, and most of them for all", () => {
    const [own, other] = [1, 2].map((seed) => modelOf(seed, { "model.layers": { layers: 10 } })) as [
      Fingerprint,
      Fingerprint,
    ];
    const chosen = (count: number, isEqual = false) => {
      const { pairs } = findingOf(own, other, "derived").pairing;
      const some = pairs.slice(0, count);
      return said(own, other, [{ pairing: { pairs: some, layers: [], isChosen: true, isEqual } }]);
    };
    expect([6, 5].map((count) => chosen(count))).toEqual([FROM, NOT]);
    // What lies in one stack is not there twice.
    const [two, pair] = [1, 2].map((seed) => modelOf(seed, { a: { layers: 5 }, b: { layers: 5 } }));
    const ofStack = (component: string, count: number): Finding => {
      const pairs = findingOf(two!, pair!, "derived", { component }).pairing.pairs.slice(0, count);
      return { component, pairing: { pairs, layers: [], isChosen: true } };
    };
    expect(said(two!, pair!, [ofStack("a", 5), ofStack("b", 3)])).toBe(FROM);
    expect(said(two!, pair!, [ofStack("a", 5), ofStack("b", 0)])).toBe(NOT);
    // Equal matrices were looked for everywhere: those that are not found are not there.
    expect([8, 7].map((count) => chosen(count, true))).toEqual([FROM, NOT]);
    const { pairs } = findingOf(own, other, "derived").pairing;
    const equal: Finding = { pairing: { pairs: pairs.slice(0, 6), layers: [], isChosen: true, isEqual: true } };
    expect(said(own, other, [equal, { layers: [[0, 0]] }])).toBe(NOT);
  });

  test("stacks that the child calls otherwise count as well", () => {
    const [own, other] = [modelOf(1, { encoder: { layers: 4 } }), modelOf(2, { "model.layers": { layers: 4 } })];
    expect(said(own, other, [{ suspectComponent: "encoder" }])).toBe(FROM);
    const deep = modelOf(3, { "model.layers": { layers: 7 } });
    expect(said(own, deep, [{ suspectComponent: "encoder" }])).toBe(FROM);
    expect(said(own, deep, [{ suspectComponent: "encoder", layers: [[0, 6]] }])).toBe(NOT);
  });
});
