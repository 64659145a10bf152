import { describe, expect, test } from "vitest";
import type { Role } from "../../../src/anatomy/anatomy.ts";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import type { Fingerprint, Slice } from "../../../src/fingerprint/fingerprint.ts";
import { sliceOf } from "../../../src/fingerprint/slice.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import { FOREIGN, FORMULA, GIVEN, ONE_TENSOR } from "../../../src/lineage/reason.ts";
import { EMBEDDINGS } from "../../../src/lineage/result.ts";
import { type OwnLabels, retentionShown, settle } from "../../../src/lineage/settle.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import type { Tried } from "../../../src/lineage/tried-ways.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { learnedOf, modelOf, subjectOf } from "../../support/findings.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { fingerprintOf } from "../../support/sketches.ts";

const [HEIGHT, WIDTH] = [64, 96];
/** Slices of each model: of its first matrices. */
const SLICES = 4;
const NETWORK: readonly Role[] = ["q", "k", "v", "o", "up", "down"];
const LINEARS: readonly Role[] = ["q", "up"];

type Values = (slice: number) => Float32Array;

const draw = (name: string, length: number): Float32Array => {
  const random = prng(name);
  return Float32Array.from({ length }, () => random.normal());
};
/** Values that are drawn once, for they are asked for again and again. */
function once(values: Values): Values {
  const known = new Map<number, Float32Array>();
  return (slice) => {
    const found = known.get(slice) ?? values(slice);
    known.set(slice, found);
    return found;
  };
}
const start = (name: string): Values => once((slice) => draw(`${name} ${slice}`, HEIGHT * WIDTH));

/** What so many directions add to a start. */
function trained(from: Values, name: string, directions = 8): Values {
  return once((slice) => {
    const out = from(slice).slice();
    for (let k = 0; k < directions; k++) {
      const [left, right] = [HEIGHT, WIDTH].map((n) => draw(`${name} ${slice} ${k} ${n}`, n));
      const strength = 0.6 - k / 40;
      for (let i = 0; i < out.length; i++) out[i]! += strength * left![Math.floor(i / WIDTH)]! * right![i % WIDTH]!;
    }
    return out;
  });
}
function mixed(one: Values, weight: number, other: Values): Values {
  return once((slice) => {
    const [a, b] = [one(slice), other(slice)];
    return a.map((x, i) => weight * x + (1 - weight) * b[i]!);
  });
}

const BASE = trained(start("start"), "training");
const CHILD = mixed(BASE, 0.999, start("more"));
const SIBLING = trained(start("start"), "another training");

function sliced(fingerprint: Fingerprint, values: Values | null, length = SLICES): Fingerprint {
  if (values === null) return fingerprint;
  const slices = Array.from({ length }, (_, sketch): Slice => {
    return sliceOf(values(sketch), { sketch, firstRow: 0, height: HEIGHT })!;
  });
  return { ...fingerprint, slices };
}

interface Given {
  readonly roles?: readonly Role[];
  readonly layers?: number;
  /** Values of the slices of suspect and base; none of either where left out. */
  readonly values?: readonly [Values, Values] | null;
  /** How many layers are the base's. */
  readonly related?: number;
  readonly pairing?: Partial<Pairing>;
  readonly tried?: Partial<Tried>;
  readonly labels?: OwnLabels;
  /** How many slices there are. */
  readonly count?: number;
  readonly suspect?: Partial<Subject>;
  readonly base?: Partial<Subject>;
  readonly isSame?: boolean;
  /** Sketches that either model has beside. */
  readonly beside?: Partial<Record<"suspect" | "base", Fingerprint>>;
}

function settled(given: Given = {}) {
  const { roles = NETWORK, layers = 3, values = null, isSame = false, labels = "own", beside = {} } = given;
  const from = randomFingerprint({ seed: 1, layers, roles });
  const other = randomFingerprint({ seed: 3, layers, roles });
  const copy = isSame ? from : randomFingerprint({ seed: 2, layers, roles, from, noise: 0.05 });
  const mine = copy.sketches.map((s, i) => (s.layer < (given.related ?? layers) ? s : other.sketches[i]!));
  const [suspect, base] = [
    sliced(fingerprintOf([...mine, ...(beside.suspect?.sketches ?? [])]), values?.[0] ?? null, given.count),
    sliced(fingerprintOf([...from.sketches, ...(beside.base?.sketches ?? [])]), values?.[1] ?? null, given.count),
  ];
  const component = "model.layers";
  const pairing: Pairing = {
    component,
    suspectComponent: component,
    pairs: mine.map((sketch, i) => ({ suspect: sketch, base: from.sketches[i]! })),
    layers: Array.from({ length: layers }, (_, i) => {
      return { component, suspect: i, base: i, log10P: -20, agreement: 0.9 };
    }),
    log10Tried: 0,
    ...given.pairing,
  };
  const tested = { tests: [], log10P: -100, reach: -200, r: 0.5 };
  const tried = { pairing, tested, excluded: new Set<never>(), log10P: -100, reach: -200, ...given.tried };
  return settle(subjectOf("a", suspect, given.suspect), subjectOf("b", base, given.base), tried, labels, undefined);
}

const said = async (given: Given) => {
  const { verdict, sharesTraining } = await settled(given);
  return { verdict: verdict.verdict, reason: verdict.reason, log10P: verdict.log10P, sharesTraining };
};

test("tables are judged as tables", async () => {
  const { verdict } = await settled({ isSame: true, pairing: { component: EMBEDDINGS } });
  expect(verdict).toMatchObject({ verdict: "identical", reason: "the table is the same wherever sampled" });
  const agreeing = await settled({ pairing: { component: EMBEDDINGS } });
  expect(agreeing.verdict.verdict).toBe("not-testable");
});

describe("equal stacks", () => {
  test("are identical, and share training where it shows and labels agree", async () => {
    const values = [BASE, BASE] as const;
    expect(await said({ isSame: true, values })).toMatchObject({ verdict: "identical", sharesTraining: true });
    const silent = { log10P: -8 };
    expect(await said({ isSame: true, values, tried: silent })).toMatchObject({ sharesTraining: false });
    expect(await said({ isSame: true })).toMatchObject({ verdict: "identical", sharesTraining: false });
  });

  test("count little where nothing says that they are weights", async () => {
    const minor = async (given: Given) => (await settled({ isSame: true, roles: LINEARS, ...given })).isMinor;
    expect(await minor({})).toBe(false);
    expect(await minor({ tried: { log10P: -8 } })).toBe(true);
    expect(await minor({ roles: NETWORK, tried: { log10P: -8 } })).toBe(false);
  });

  test("are not asked for where content chose the pairs", async () => {
    const pairing = { isChosen: true };
    expect(await said({ isSame: true, pairing })).toMatchObject({ verdict: "shared-init" });
  });
});

describe("without a p that rejects", () => {
  test("it is told why nothing was tested", async () => {
    const none = await said({ tried: { log10P: null } });
    expect(none).toMatchObject({ verdict: "not-testable", reason: "too few comparable labels", log10P: null });
    const ordered = await said({ tried: { log10P: null, excluded: new Set(["residual"] as const) } });
    expect(ordered.reason).toMatch(/^labels carry an order of their own/);
  });

  test("nothing is found, if something could have been", async () => {
    const silent = (log10P: number, reach: number) => said({ tried: { log10P, reach } });
    expect(await silent(-8.9, -9)).toMatchObject({ verdict: "no-evidence", reason: null, log10P: -8.9 });
    const few = await silent(-8.9, -8.9);
    expect(few.verdict).toBe("not-testable");
    expect(few.reason).toMatch(/^too few rows or labels/);
    expect(await said({ roles: ["q"], layers: 2, tried: { log10P: -1 } })).toMatchObject({ verdict: "no-evidence" });
    expect(await silent(Number.NaN, -9)).toMatchObject({ verdict: "no-evidence", reason: null });
    expect(await silent(-9, -9)).toMatchObject({ verdict: "shared-init" });
    const one = { roles: ["q"] as const, layers: 1, tried: { log10P: -1 } };
    expect(await said(one)).toMatchObject({ verdict: "not-testable", reason: ONE_TENSOR });
  });
});

test("what is read alike and written otherwise is no evidence", async () => {
  expect(await said({ labels: "foreign" })).toMatchObject({ verdict: "no-evidence", reason: FOREIGN });
});

describe("one layer that agrees", () => {
  test("is no relative, and has no p", async () => {
    const one = await said({ roles: ["q"], layers: 8, related: 1 });
    expect(one).toMatchObject({ verdict: "no-evidence", log10P: null });
    expect(one.reason).toMatch(/but 1 of 8 layers by itself/);
    expect(await said({ roles: ["q"], layers: 8, related: 2 })).toMatchObject({ verdict: "shared-init", log10P: -100 });
  });

  test("is held against all layers of the shallower stack", async () => {
    const deep = modelOf(7, { "model.layers": { layers: 40 } }).sketches.map((s) => ({ ...s, layer: s.layer + 3 }));
    const beside = { sketches: deep } as unknown as Fingerprint;
    const of = (beside: Given["beside"]) => said({ roles: ["q"], layers: 3, ...(beside && { beside }) });
    expect(await of({ base: beside })).toMatchObject({ verdict: "shared-init" });
    expect(await of({ suspect: beside, base: beside })).toMatchObject({ verdict: "no-evidence" });
  });

  test("is held against all usable matrices of the smaller model, where content chose", async () => {
    const more = (axis: "residual" | null, valid = true) =>
      modelOf(7, { other: { layers: 40 } }).sketches.map((s) => ({ ...s, axis, valid: s.valid.map(() => valid) }));
    const of = (sketches: ReturnType<typeof more>, pairing: Partial<Pairing> = {}) => {
      const both = { sketches } as unknown as Fingerprint;
      return settled({ roles: ["q"], beside: { suspect: both, base: both }, pairing: { isChosen: true, ...pairing } });
    };
    expect((await of(more("residual"))).support).toMatchObject({ tested: 43, enough: false });
    expect((await of(more(null))).support).toMatchObject({ tested: 3, enough: true });
    expect((await of(more("residual", false))).support).toMatchObject({ tested: 3 });
    const half = more("residual").map((s) => ({ ...s, valid: s.valid.map((_, i) => i > 0) }));
    expect((await of(half)).support).toMatchObject({ tested: 43 });
    const one = { suspect: { sketches: half } as unknown as Fingerprint };
    const chosen = await settled({ roles: ["q"], beside: one, pairing: { isChosen: true } });
    expect(chosen.support).toMatchObject({ tested: 3 });
    expect((await of(more(null), { isEqual: true })).support).toMatchObject({ tested: 43 });
  });
});

describe("without slices", () => {
  test("a start is claimed of labels that are a stack's own", async () => {
    const found = await said({});
    expect(found).toMatchObject({ verdict: "shared-init", sharesTraining: false });
    const takes =
      "learned retention takes 3 slices, and 0 slices are comparable, so a common initialisation is not ruled out";
    const more = `${takes}: compare the weights of both, not their fingerprints`;
    expect(found.reason).toBe(more);
    const weights = { checkpoint: {} as unknown as Checkpoint };
    expect((await said({ suspect: weights })).reason).toBe(more);
    expect((await said({ base: weights })).reason).toBe(more);
    const { verdict } = await settled({});
    expect([verdict.retention, verdict.learned]).toEqual([null, null]);
  });

  test.each(["silent", "none"] as const)("nothing is of labels that are %s", async (labels) => {
    const found = await said({ labels });
    expect(found).toMatchObject({ verdict: "not-testable", log10P: null });
    expect(found.reason).toMatch(/^labels agree \(p = 1e-100\), but they may have been given/);
  });
});

describe("slices tell", () => {
  test("a child from a sibling", async () => {
    const child = await settled({ values: [CHILD, BASE] });
    expect(child).toMatchObject({ sharesTraining: true, isSimple: false, stacks: 1, isMinor: false });
    expect(child.verdict).toMatchObject({ verdict: "derived", reason: null, log10P: -100, r: 0.5 });
    const { learned, retention } = child.verdict;
    expect(retention).toBe(learned!.baseInSuspect.share);
    expect(child.slices).toHaveLength(SLICES);
    const sibling = await settled({ values: [SIBLING, BASE] });
    expect(sibling.verdict.verdict).toBe("shared-init");
    expect(sibling.verdict.reason).toMatch(/: a common start explains that$/);
    expect(sibling.sharesTraining).toBe(false);
  });

  test("of other nets that shared training may be that of two runs of one recipe", async () => {
    const child = await settled({ roles: LINEARS, values: [CHILD, BASE] });
    expect(child).toMatchObject({ verdict: { verdict: "derived" }, isSimple: true });
    expect(await settled({ roles: LINEARS, values: [SIBLING, BASE] })).toMatchObject({ isSimple: false });
  });

  test("that nothing is left of a start, so that labels were given", async () => {
    const stranger = trained(start("another start"), "another training");
    for (const labels of ["own", "silent", "none"] as const) {
      const found = await said({ values: [stranger, BASE], labels });
      expect(found).toMatchObject({ verdict: "no-evidence", reason: GIVEN, sharesTraining: false });
    }
  });

  test("nothing of a start from fewer slices than three, if labels are a stack's own", async () => {
    const stranger = trained(start("another start"), "another training");
    const of = async (count: number, labels: OwnLabels) =>
      (await said({ values: [stranger, BASE], labels, count })).verdict;
    expect([await of(3, "own"), await of(2, "own"), await of(2, "silent")]).toEqual([
      "no-evidence",
      "shared-init",
      "no-evidence",
    ]);
  });

  test("that too little of a start is left where all labels may have been given", async () => {
    const some = trained(mixed(start("start"), 0.25, start("another start")), "another training");
    const of = async (labels: OwnLabels) => (await said({ values: [some, BASE], labels })).verdict;
    expect([await of("own"), await of("silent"), await of("none")]).toEqual([
      "shared-init",
      "shared-init",
      "no-evidence",
    ]);
    const most = trained(mixed(start("start"), 0.4, start("another start")), "another training");
    expect(await said({ values: [most, BASE], labels: "none" })).toMatchObject({ verdict: "shared-init" });
  });

  test("a constant of mathematics from weights, where matrices are equal", async () => {
    const transform: Values = () =>
      Float32Array.from({ length: HEIGHT * WIDTH }, (_, k) => {
        return Math.cos((Math.PI * (2 * (k % WIDTH) + 1) * (Math.floor(k / WIDTH) + 1)) / (2 * WIDTH));
      });
    const equal = { roles: LINEARS, pairing: { isChosen: true, isEqual: true } };
    const found = await said({ ...equal, values: [transform, transform] });
    expect(found).toMatchObject({ verdict: "no-evidence", reason: FORMULA, sharesTraining: false });
    expect((await said({ ...equal, values: [CHILD, BASE] })).verdict).toBe("derived");
    expect((await said({ ...equal, values: null })).verdict).toBe("shared-init");
    // What only agrees is doubted where neither began at random.
    const alike = await said({ roles: LINEARS, values: [transform, transform] });
    expect(alike.reason).toMatch(/^labels agree, but not both models have the spectrum/);
    expect(alike).toMatchObject({ verdict: "no-evidence", sharesTraining: false });
  });
});

test("a layer shows itself as strongly as its labels say, or as was known", async () => {
  const layers = [-1, -1e5, null].map((log10P, i) => {
    return { component: "model.layers", suspect: i, base: i, log10P, agreement: 0.9 };
  });
  const { pairing } = await settled({ pairing: { layers } });
  const [weak, known, none] = pairing.layers.map(({ log10P }) => log10P!);
  expect(weak).toBeLessThan(-20);
  expect(known).toBe(-1e5);
  expect(none).toBeLessThan(-20);
});

describe("equality of a small part counts little", () => {
  const large = modelOf(7, { large: { layers: 80 } });
  const minor = async (beside: Given["beside"], pairing: Partial<Pairing> = {}) =>
    (await settled({ roles: ["q"], ...(beside && { beside }), pairing })).isMinor;

  test("of either model", async () => {
    expect(await minor({})).toBe(false);
    expect(await minor({ suspect: large })).toBe(true);
    expect(await minor({ base: large })).toBe(true);
  });

  test("counted by the stack of either side", async () => {
    const both = { suspect: large, base: large };
    expect(await minor(both, { component: "large", suspectComponent: "large" })).toBe(false);
    expect(await minor(both, { component: "large" })).toBe(true);
    expect(await minor(both, { suspectComponent: "large" })).toBe(true);
  });

  test("counted by equal matrices, in whatever stacks they lie", async () => {
    const equal = { isChosen: true, isEqual: true } as const;
    const { sketches } = large;
    const pairs = sketches.slice(0, 40).map((sketch) => ({ suspect: sketch, base: sketch, isEqual: true as const }));
    expect(await minor({ suspect: large, base: large }, { ...equal, pairs })).toBe(false);
    expect(await minor({ suspect: large, base: large }, { ...equal, pairs: pairs.slice(0, 9) })).toBe(true);
    expect(await minor({ suspect: large }, { component: "gone", suspectComponent: "gone" })).toBe(false);
  });
});

test("a share is shown where the base shows a training", () => {
  const learned = (directions: number) => ({
    baseInSuspect: learnedOf(0.5, 1, { directions }),
    suspectInBase: learnedOf(0.9),
  });
  expect([retentionShown(learned(3)), retentionShown(learned(2)), retentionShown(null)]).toEqual([0.5, null, null]);
});
