import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { caveatsOf, NOTHING_COMPARABLE } from "../../../src/lineage/caveats.ts";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import { type Difference, type Direction, EMBEDDINGS, type Image, type Verdict } from "../../../src/lineage/result.ts";
import type { SameContent } from "../../../src/lineage/same-content.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { findingOf, type GivenFinding, modelOf, subjectOf } from "../../support/findings.ts";

const [own, other] = [1, 2].map((seed) => modelOf(seed, { "model.layers": { layers: 3 } })) as [
  Fingerprint,
  Fingerprint,
];
const found = (verdict: Verdict, given: GivenFinding = {}) => findingOf(own, other, verdict, given);

interface Given {
  readonly verdict?: Verdict;
  readonly direction?: Direction;
  readonly content?: SameContent;
  readonly findings?: readonly ComponentFinding[];
  readonly frozen?: number;
  readonly leftOut?: number;
  readonly suspect?: Partial<Subject>;
  readonly base?: Partial<Subject>;
  /** What is said otherwise of the fingerprints. */
  readonly own?: Partial<Fingerprint>;
  readonly other?: Partial<Fingerprint>;
}

function caveats(given: Given = {}): string[] {
  const { verdict = "shared-init", direction = "not-established", content = null, findings = [found(verdict)] } = given;
  const suspect = subjectOf("a", { ...own, ...given.own }, given.suspect);
  const base = subjectOf("b", { ...other, ...given.other }, given.base);
  const difference = { frozenTensors: given.frozen ?? 0, comparedTensors: 9 } as Difference;
  return caveatsOf(verdict, direction, suspect, base, content, findings, difference, given.leftOut ?? 0);
}

const dead = (fingerprint: Fingerprint): Partial<Fingerprint> => ({
  sketches: fingerprint.sketches.map((s) => ({ ...s, moments: { ...s.moments, zeroFraction: 1 } })),
});
const identical = (more: object = {}, everywhere = false) => ({ kind: "identical", everywhere, ...more }) as const;

test("of a common start, all of which was looked at, nothing more must be known", () => {
  expect(caveats()).toEqual([]);
});

test("weights that were named with an adapter are told before all else, on either side", () => {
  const said = caveats({ suspect: { givenBase: "x" }, base: { givenBase: "y" }, own: dead(own) });
  expect(said.slice(0, 2)).toEqual([
    expect.stringMatching(/^a: an adapter with the weights of x, which were named with it/),
    expect.stringMatching(/^b: an adapter with the weights of y/),
  ]);
  expect(said[2]).toMatch(/^of the 3 matrices of a that were sampled 3 are all zero/);
});

test("damage is told of both, but of equal models once", () => {
  const damaged = { own: dead(own), other: dead(other) };
  expect(caveats(damaged).map((caveat) => caveat.slice(0, 24))).toEqual([
    "of the 3 matrices of a t",
    "of the 3 matrices of b t",
  ]);
  expect(caveats({ ...damaged, verdict: "identical", content: identical({}, true) })).toHaveLength(1);
});

describe("of equal models", () => {
  const said = (given: Given) => caveats({ verdict: "identical", findings: [], ...given });

  test("it is told that bytes between samples were not compared, and what would compare them", () => {
    const equal = "equal at every sampled position; bytes between them were not compared";
    expect(said({ content: identical({}, true) })).toEqual([]);
    expect(said({ content: identical() })).toEqual([`${equal} (use \`depth: full\` on both)`]);
    const full = { depth: "full" } as const;
    expect(said({ content: identical(), own: full })).toEqual([`${equal} (use \`depth: full\` on both)`]);
    expect(said({ content: identical(), own: full, other: full })).toEqual([
      `${equal} (the files lay their matrices differently)`,
    ]);
  });

  test("what only one of them stores is counted", () => {
    expect(said({ content: identical({ empty: 2 }, true) })).toEqual([
      "2 tensors that only one of both stores are empty",
    ]);
    expect(said({ content: identical({ indices: 3 }, true) })).toEqual([
      "3 tensors of whole numbers or flags are stored by only one of both, and were not compared",
    ]);
  });

  test("the rounded one is named, or what is known of an image is told", () => {
    const recast = (more: object) => said({ verdict: "recast", content: { kind: "recast", ...more } as SameContent });
    expect(recast({ narrower: "suspect" })).toEqual(["every sampled value of a is the other's, rounded"]);
    expect(recast({ narrower: "base" })).toEqual(["every sampled value of b is the other's, rounded"]);
    const image = { everywhere: false, tensors: 3, requantised: null, nearest: { blocks: 9, equal: 9 } } as Image;
    const [first, ...more] = recast({ narrower: "base", image });
    expect(first).toMatch(/^blocks were sampled evenly from 3 tensors/);
    expect(more.join()).not.toContain("the other's, rounded");
  });

  test("neither reasons of components nor equal matrices are told", () => {
    const reason = found("shared-init", { verdict: { reason: "why" } });
    expect(said({ content: identical({}, true), findings: [reason], frozen: 3 })).toEqual([]);
  });
});

test("reasons are told by component, and equal matrices counted", () => {
  const findings = [found("shared-init", { verdict: { reason: "why" } }), found("shared-init")];
  expect(caveats({ findings, frozen: 2 })).toEqual([
    "model.layers: why",
    "2 of 9 matrices are equal bit for bit wherever they were read",
  ]);
});

describe("of shared training", () => {
  const derived = (direction: Direction, suspect = false, base = false) =>
    caveats({ verdict: "derived", direction, suspect: { root: suspect }, base: { root: base } });

  test("it is told why no direction is, or what looks like one", () => {
    const [none, ...more] = derived("not-established");
    expect(none).toMatch(/^neither side is registered as trained from scratch, or both are/);
    expect(more).toHaveLength(2);
    expect(derived("not-established", true, true)[0]).toBe(none);
    expect(derived("not-established", false, true)[0]).toMatch(/^only a part of the registered root is found/);
    expect(derived("suspect-from-base", false, true)[0]).toMatch(/^a late checkpoint of the root's own training/);
    expect(derived("suspect-from-base", false, true)).toHaveLength(3);
  });

  test("it is told what siblings and second runs reach", () => {
    expect(derived("not-established").slice(1)).toEqual([
      expect.stringMatching(/^what siblings of one initialisation reach is calibrated/),
      expect.stringMatching(/^a second run of one recipe/),
    ]);
    expect(caveats({ verdict: "shared-init" })).toEqual([]);
    const same = { verdict: "identical", direction: "suspect-from-base", content: identical({}, true) } as const;
    expect(caveats(same)).toEqual([]);
  });
});

describe("of silence", () => {
  /** Matrices of three axes, and a norm, which have one in common. */
  const stacked: Partial<Fingerprint> = {
    sketches: [],
    tensors: ["q", "k", "v", "norm"].map((name) => {
      return { ...other.tensors[0]!, name, component: null, shape: name === "norm" ? [12, 64] : [12, 64, 64] };
    }),
  };

  test("it is told what the tests cannot see", () => {
    expect(caveats({ verdict: "no-evidence" })).toEqual([expect.stringMatching(/^silent against permuted or rotated/)]);
  });

  test("it is told why a side cannot be tested, and which", () => {
    const none = { tensors: [], sketches: [] };
    expect(caveats({ verdict: "not-testable", other: none })).toEqual(["b: no tensors: nothing was saved"]);
    expect(caveats({ verdict: "not-testable", own: none })[0]).toBe("a: no tensors: nothing was saved");
    expect(caveats({ verdict: "no-evidence", other: none })).toHaveLength(1);
  });

  test("it is told once where layers are stored in one", () => {
    const [silent, layers, ...more] = caveats({ verdict: "no-evidence", other: stacked });
    expect(silent).toMatch(/^silent/);
    expect(layers).toMatch(/^b: /);
    expect(more).toEqual([]);
    expect(caveats({ verdict: "not-testable", other: stacked })).toEqual([layers]);
    expect(caveats({ verdict: "shared-init", other: stacked })).toEqual([]);
    // A side that can be tested keeps some layers so, and the other side is why nothing was.
    const { tensors } = stacked;
    const said = caveats({ verdict: "not-testable", own: { tensors: [], sketches: [] }, other: { tensors: tensors! } });
    expect(said).toEqual(["a: no tensors: nothing was saved", layers]);
  });
});

test("it is told where nothing but tables, or nothing, can be compared", () => {
  const table = found("not-testable", { component: EMBEDDINGS });
  const beside = "beside token tables nothing of the models can be compared";
  expect(caveats({ findings: [table] })).toEqual([beside]);
  expect(caveats({ findings: [] })).toEqual([NOTHING_COMPARABLE]);
  expect(caveats({ findings: [table, found("shared-init")] })).toEqual([]);
  expect(caveats({ findings: [], content: identical({}, true) })).toEqual([]);
});

test("it is told what of either was not read", () => {
  const coverage = { sketched: 3, worth: 4, matrices: 4, digested: 5, tensors: 6 };
  expect(caveats({ own: { coverage } })).toEqual([
    "of a 3 of 4 matrices were sampled, the largest of each stack; the rest was not tested",
    "of a 5 of 6 tensors were read at all",
  ]);
  expect(caveats({ other: { coverage: { ...coverage, digested: 6 } } })).toHaveLength(1);
  expect(caveats({ own: { coverage: { ...coverage, worth: 3 } } })).toEqual([]);
  expect(caveats({ other: { confidence: 0.9 } })).toEqual(["tensor roles of b were partly recovered from shapes"]);
});

test("an adapter that lies beside weights is told, one that is all there is not", () => {
  const adapter = { kind: "lora", tensors: 2, ofTensors: 5, base: null } as NonNullable<Fingerprint["adapter"]>;
  expect(caveats({ own: { adapter } })).toEqual([
    expect.stringMatching(/^a holds an adapter beside its weights \(lora, 2 of 5 tensors\): .*; merge it first$/),
  ]);
  expect(caveats({ own: { adapter: { ...adapter, tensors: 5 } } })).toEqual([]);
});

describe("what lies beyond the limits of searches", () => {
  const many = (stacks: number) =>
    modelOf(3, Object.fromEntries(Array.from({ length: stacks }, (_, i) => [`s${i}`, { layers: 1 }])));

  test("is told first, but not of equal models", () => {
    const findings = [found("shared-init", { verdict: { reason: "why" } })];
    const { sketches } = many(66);
    const beyond = "no test looked at the 2 smallest stacks of a";
    expect(caveats({ own: { sketches }, findings })).toEqual([beyond, "model.layers: why"]);
    expect(caveats({ other: { sketches: many(65).sketches } })).toEqual([
      "no test looked at the 1 smallest stacks of b",
    ]);
    expect(caveats({ own: { sketches }, content: identical({}, true) })).toEqual([]);
  });

  test("are layers, and matrices of one shape that are too many", () => {
    const deep = modelOf(4, { deep: { layers: 600, cols: 32 } });
    const [layers] = caveats({ own: { sketches: deep.sketches } });
    expect(layers).toMatch(/^no test looked at \d+ layers of a$/);
    const [both] = caveats({ own: { sketches: [...deep.sketches, ...many(65).sketches] } });
    expect(both).toMatch(/^no test looked at the 2 smallest stacks and \d+ layers of a$/);
    expect(caveats({ leftOut: 7 })).toEqual([
      "there are too many matrices of one shape: 7 were not matched by their content",
    ]);
  });
});
