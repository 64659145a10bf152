import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import type { DifferenceRank } from "../../../src/lineage/difference-rank.ts";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import { describeDifference, describeRelations } from "../../../src/lineage/relations.ts";
import { type Difference, EMBEDDINGS, type Verdict } from "../../../src/lineage/result.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import {
  findingOf,
  type GivenFinding,
  learnedOf,
  looking,
  lowRank,
  modelOf,
  saying,
  sliceFound,
  subjectOf,
} from "../../support/findings.ts";

const LAYERS = { "model.layers": { layers: 4 } };
const [own, other] = [modelOf(1, LAYERS), modelOf(2, LAYERS)];

describe("how a model was made", () => {
  const trained = [sliceFound(), sliceFound()];
  const LEARNED = { baseInSuspect: learnedOf(0.98), suspectInBase: learnedOf(0.98) };
  interface Given extends GivenFinding {
    readonly own?: Fingerprint;
    readonly other?: Fingerprint;
    readonly suspect?: Partial<Subject>;
    readonly base?: Partial<Subject>;
    readonly difference?: Partial<Difference>;
    readonly beside?: readonly ComponentFinding[];
  }
  function relations(given: Given = {}) {
    const { own: suspect = own, other: base = other, difference, beside = [], ...more } = given;
    const finding = findingOf(suspect, base, "derived", { slices: trained, verdict: { learned: LEARNED }, ...more });
    const figures = { scale: 1, reverseScale: 1, drift: 0.1, frozenTensors: 0, comparedTensors: 4, ...difference };
    return describeRelations(
      subjectOf("a", suspect, given.suspect),
      subjectOf("b", base, given.base),
      [finding, ...beside],
      figures,
    );
  }
  const shares = (there: number, back = there) => ({
    verdict: { learned: { baseInSuspect: learnedOf(there), suspectInBase: learnedOf(back) } },
  });
  const drifting = (drift: number) => ({ slices: [sliceFound({ drift }), sliceFound({ drift })] });

  test("is a fine-tune where training shows, and little of the base is gone", () => {
    expect(relations()).toEqual(["fine-tune"]);
    expect(relations(shares(0.94))).toEqual(["fine-tune"]);
    expect(relations(shares(0.939))).toEqual([]);
    expect(relations(shares(1.06))).toEqual(["fine-tune"]);
    expect(relations(shares(1.061))).toEqual([]);
    expect(relations({ verdict: {} })).toEqual([]);
  });

  test("is a continued pretraining where weights drifted further", () => {
    expect(relations(drifting(0.35))).toEqual(["fine-tune"]);
    expect(relations(drifting(0.351))).toEqual(["continued-pretraining"]);
    expect(relations({ ...drifting(0.4), ...shares(0.8) })).toEqual(["continued-pretraining"]);
    expect(relations({ ...drifting(0.4), ...shares(0.79) })).toEqual([]);
    // Matrices that no training changed do not count.
    const scaled = sliceFound({ drift: 0.1, rank: { kind: "rule" } });
    expect(relations({ slices: [...drifting(0.4).slices, scaled, scaled] })).toEqual(["continued-pretraining"]);
  });

  test("is not told of the other way about: an earlier state of the base", () => {
    expect(relations(shares(0.94, 0.9999))).toEqual(["fine-tune"]);
    expect(relations(shares(0.94, 1.01))).toEqual([]);
    expect(relations({ ...drifting(0.4), ...shares(0.9, 0.9) })).toEqual(["continued-pretraining"]);
    expect(relations({ ...drifting(0.4), ...shares(0.9, 0.91) })).toEqual([]);
  });

  test("is not told where too little is left, or nothing changed", () => {
    const drifts = [0.8, 0.81, 0].map((drift) => relations(drifting(drift)));
    expect(drifts).toEqual([["continued-pretraining"], [], []]);
    const scaled = (scale: number) => ({ slices: [sliceFound({ scale }), sliceFound({ scale })] });
    expect([0.6, 0.59].map((scale) => relations(scaled(scale)))).toEqual([["fine-tune"], []]);
    expect(relations({ slices: [] })).toEqual([]);
  });

  test("is not asked of matrices that are the base's but for signs, whose distance is told all the same", () => {
    const turned = { scale: 1, reverseScale: 1, drift: 0.02, forward: { bulk: 0.98 } };
    const flipped = sliceFound({ scale: 0.05, reverseScale: 0.05, drift: 12, turned: () => turned as SliceRetention });
    const slices = [flipped, flipped].map((one) => ({ ...one, forward: { bulk: 0.04 } }) as SliceRetention);
    expect(relations({ slices })).toEqual([]);
    const found = findingOf(own, other, "derived", { slices });
    const told = describeDifference(subjectOf("a", own), subjectOf("b", other), [found]);
    expect(told).toMatchObject({ scale: 1, reverseScale: 1, drift: 0.02 });
    expect(told.matrices!.map(({ drift }) => drift)).toEqual([0.02, 0.02]);
  });

  test("is told of two slices at least that show training, and of half of those that differ", () => {
    const shown = (...kinds: readonly DifferenceRank["kind"][]) =>
      relations({
        slices: kinds.map((kind) => sliceFound({ rank: (kind === "low" ? lowRank(4) : { kind }) as DifferenceRank })),
      });
    expect(shown("full")).toEqual([]);
    expect(shown("full", "low")).toEqual(["fine-tune"]);
    expect(shown("full", "low", "noise", "rule")).toEqual(["fine-tune"]);
    expect(shown("full", "low", "noise", "rule", "unresolved")).toEqual([]);
    expect(shown("full", "low", "none", "none", "none")).toEqual(["fine-tune"]);
  });

  test("is not told where two runs of one recipe look the same", () => {
    expect(relations({ isSimple: true })).toEqual([]);
  });

  test("is asked of all that was found", () => {
    const beside = (verdict: GivenFinding["verdict"], change: GivenFinding = {}) => {
      const [two, pair] = [1, 2].map((seed) => modelOf(seed, { "model.layers": { layers: 4 }, b: { layers: 4 } }));
      const more = findingOf(two!, pair!, "derived", { component: "b", ...(verdict && { verdict }), ...change });
      return relations({ own: two!, other: pair!, beside: [more] });
    };
    expect(beside(undefined)).toEqual(["fine-tune"]);
    expect(beside(shares(1).verdict)).toEqual(["fine-tune"]);
    expect(beside(shares(1.07).verdict)).toEqual([]);
    expect(beside(shares(0.93).verdict)).toEqual([]);
    expect(beside(shares(0.96, 1.03).verdict)).toEqual([]);
    expect(beside(undefined, { isSimple: true })).toEqual([]);
    expect(beside(undefined, { support: { whole: false } })).toEqual([]);
  });

  test("is an adapter's where the difference has a rank, beside what training it was", () => {
    expect(relations({ difference: { loraRank: 8 } })).toEqual(["lora"]);
  });

  test("is quantised by what the difference says, or by 8-bit types of the suspect alone", () => {
    expect(relations({ difference: { quantization: "int8", loraRank: 8 } })).toEqual(["quantized"]);
    const narrow = (fingerprint: Fingerprint) => ({ ...fingerprint, dtypes: { F8_E4M3: 4, F32: 1 } });
    expect(relations({ own: narrow(own) })).toEqual(["quantized"]);
    expect(relations({ own: narrow(own), other: narrow(other) })).toEqual(["fine-tune"]);
    expect(relations({ other: narrow(other) })).toEqual(["fine-tune"]);
  });

  test("is pruned where many more values are zero, and the others keep their sizes", () => {
    const zeros = (zeroFraction: number, distinct = 0.9, theirs = 0) =>
      relations({ own: looking(own, { zeroFraction, distinct }), other: looking(other, { zeroFraction: theirs }) });
    expect(zeros(0.5)).toEqual(["pruned"]);
    expect(zeros(0.28)).toEqual(["fine-tune"]);
    expect(zeros(0.5, 0.8)).toEqual([]);
    expect(zeros(0.5, 0.9, 0.25)).toEqual(["fine-tune"]);
    const half = looking(own, { distinct: 0.9 }).sketches.map((s, i) => {
      return { ...s, moments: { ...s.moments, zeroFraction: i < 2 ? 0.6 : 0 } };
    });
    expect(relations({ own: { ...own, sketches: half } })).toEqual(["pruned"]);
    // A matrix that was lost is not pruned, and tables are no layers.
    const lost = looking(own, { zeroFraction: 0.5, distinct: 0.9 }).sketches.map((s, i) =>
      i < 2
        ? { ...s, moments: { ...s.moments, zeroFraction: 1 } }
        : { ...s, moments: { ...s.moments, zeroFraction: 0.1 } },
    );
    expect(relations({ own: { ...own, sketches: lost } })).toEqual(["fine-tune"]);
    const rows = looking(modelOf(5, { t: { layers: 9 } }), { zeroFraction: 0.9 }).sketches;
    const tables = rows.map((s) => ({ ...s, layer: -1, component: EMBEDDINGS, tokens: true }));
    expect(relations({ own: { ...own, sketches: [...own.sketches, ...tables] } })).toEqual(["fine-tune"]);
  });

  test("is not told of training where either side was rounded", () => {
    expect(relations({ base: saying("Q4_0") })).toEqual([]);
    expect(relations({ base: { checkpoint: { tensors: new Map() } as unknown as Checkpoint } })).toEqual(["fine-tune"]);
    expect(relations({ other: looking(other, { grid: "int8" }) })).toEqual([]);
    expect(relations({ own: looking(own, { distinct: 0.8 }) })).toEqual([]);
    expect(relations({ other: looking(other, { distinct: 0.8 }) })).toEqual([]);
    const both = { own: looking(own, { distinct: 0.8 }), other: looking(other, { distinct: 0.8 }) };
    expect(relations(both)).toEqual(["fine-tune"]);
    expect(relations({ own: looking(own, { distinct: 0.81 }) })).toEqual(["fine-tune"]);
  });

  test("has more tokens where the base's are found in a longer table", () => {
    const [mine, theirs] = [own.sketches[0]!, { ...other.sketches[0]!, role: "embed" as const }];
    const table = (rows: number, log10P: number | null, change: Partial<MatrixSketch> = {}) =>
      findingOf(own, other, "no-evidence", {
        component: EMBEDDINGS,
        verdict: { log10P },
        pairing: { pairs: [{ suspect: { ...mine, rows }, base: { ...theirs, ...change } }] },
      });
    const found = (...given: Parameters<typeof table>) => relations({ beside: [table(...given)] });
    expect(found(80, -9)).toContain("vocabulary-extended");
    expect(found(80, -8.9)).not.toContain("vocabulary-extended");
    expect(found(80, null)).not.toContain("vocabulary-extended");
    expect(found(64, -9)).not.toContain("vocabulary-extended");
    expect(found(80, -9, { role: "head" })).not.toContain("vocabulary-extended");
    expect(relations({ beside: [table(80, -9)], difference: { loraRank: 8 } })).toEqual([
      "vocabulary-extended",
      "lora",
    ]);
    const layer = findingOf(own, other, "derived", { pairing: table(80, -9).pairing, component: "x" });
    const other80 = { ...layer, pairing: { ...layer.pairing, component: "x" } };
    expect(relations({ beside: [other80] })).not.toContain("vocabulary-extended");
  });

  describe("is told only where all of both was found, matrix over matrix", () => {
    const lora = { difference: { loraRank: 8 } };
    const made = (given: Given) => relations({ ...lora, ...given });

    test("of both models", () => {
      const more = modelOf(3, { "model.layers": { layers: 4 }, tower: { layers: 4 } });
      expect(made({ own: more })).toEqual([]);
      expect(made({ other: more })).toEqual([]);
    });

    test("without parts of another, beside tables", () => {
      const beside = (verdict: Verdict, component: string) =>
        made({ beside: [findingOf(own, other, verdict, { component })] });
      expect(beside("no-evidence", "head")).toEqual([]);
      expect(beside("not-testable", "head")).toEqual(["lora"]);
      expect(beside("no-evidence", EMBEDDINGS)).toEqual(["lora"]);
    });

    test("once", () => {
      const twice = (component: string, suspectComponent: string) =>
        made({ beside: [findingOf(own, other, "derived", { component, suspectComponent })] });
      expect(twice("model.layers", "x")).toEqual([]);
      expect(twice("x", "model.layers")).toEqual([]);
      expect(twice("x", "y")).toEqual(["lora"]);
      expect(made({ beside: [findingOf(own, other, "not-testable")] })).toEqual(["lora"]);
    });

    test("with all layers of both", () => {
      expect(made({ support: { whole: false } })).toEqual([]);
      expect(made({ support: { whole: true } })).toEqual(["lora"]);
      expect(
        made({
          layers: [
            [0, 0],
            [1, 1],
            [2, 2],
          ],
        }),
      ).toEqual([]);
      const deep = modelOf(3, { "model.layers": { layers: 5 } });
      expect(made({ other: deep })).toEqual(["depth-pruned"]);
      expect(made({ own: deep })).toEqual([]);
    });

    test("each of one shape", () => {
      const shaped = (change: Partial<MatrixSketch>) =>
        made({ own: { ...own, sketches: own.sketches.map((sketch) => ({ ...sketch, ...change })) } });
      expect(shaped({})).toEqual(["lora"]);
      expect(shaped({ rows: 65 })).toEqual([]);
      expect(shaped({ cols: 65 })).toEqual([]);
    });

    test("whatever either calls its stacks, and whatever lies beside them", () => {
      const encoder = modelOf(3, { encoder: { layers: 4 } });
      expect(made({ own: encoder, suspectComponent: "encoder" })).toEqual(["lora"]);
      const headed = modelOf(4, { "model.layers": { layers: 9 }, head: { layers: 1 } });
      const plain = modelOf(5, { "model.layers": { layers: 9 } });
      const gone = (mine: Fingerprint, theirs: Fingerprint, names: GivenFinding) =>
        made({ own: mine, other: theirs, beside: [findingOf(mine, theirs, "not-testable", names)] });
      expect(gone(plain, headed, { component: "head", suspectComponent: "gone" })).toEqual(["lora"]);
      expect(gone(headed, plain, { component: "gone", suspectComponent: "head" })).toEqual(["lora"]);
    });

    test("with most of each layer over the other", () => {
      const roles = ["q", "up"] as const;
      const [two, one] = [modelOf(3, { "model.layers": { layers: 4, roles } }), modelOf(4, LAYERS)];
      expect(made({ own: two, other: one })).toEqual([]);
      expect(made({ own: one, other: two })).toEqual([]);
      expect(made({ own: two, other: one, pairing: { isChosen: true } })).toEqual(["lora"]);
      expect(made({ own: two, other: one, pairing: { isChosen: true, layers: [] } })).toEqual(["lora"]);
      const five = modelOf(3, { "model.layers": { layers: 4, roles: ["q", "k", "v", "o", "up"] } });
      const four = modelOf(4, { "model.layers": { layers: 4, roles: ["q", "k", "v", "o"] } });
      expect(made({ own: five, other: four })).toEqual(["lora"]);
    });
  });
});
