import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { sliceOf } from "../../../src/fingerprint/slice.ts";
import type { DifferenceRank } from "../../../src/lineage/difference-rank.ts";
import { describeDifference } from "../../../src/lineage/relations.ts";
import { EMBEDDINGS, type Verdict } from "../../../src/lineage/result.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { findingOf, looking, lowRank, modelOf, saying, sliceFound, subjectOf } from "../../support/findings.ts";

const LAYERS = { "model.layers": { layers: 4 } };
const [own, other] = [modelOf(1, LAYERS), modelOf(2, LAYERS)];

describe("what the difference is", () => {
  const difference = (
    slices: readonly SliceRetention[],
    suspect = subjectOf("a", own),
    base = subjectOf("b", other),
    verdict: Verdict = "derived",
  ) => describeDifference(suspect, base, [findingOf(suspect.fingerprint, base.fingerprint, verdict, { slices })]);

  test("is medians over slices, and nothing of none", () => {
    const found = difference([
      sliceFound({ scale: 1, reverseScale: 4, drift: 7 }),
      sliceFound({ scale: 2, reverseScale: 5, drift: 8 }),
      sliceFound({ scale: 9, reverseScale: 9, drift: 9 }),
    ]);
    expect(found).toMatchObject({ scale: 2, reverseScale: 5, drift: 8, frozenTensors: 0, comparedTensors: 4 });
    const none = difference([]);
    expect([none.scale, none.reverseScale, none.drift]).toEqual([null, null, null]);
    expect(Object.keys(none)).not.toContain("matrices");
  });

  test("is told matrix by matrix of what is related", () => {
    const { matrices } = difference([sliceFound({ layer: 3, role: "up", drift: 0.5 })]);
    expect(matrices).toEqual([{ component: "model.layers", layer: 3, role: "up", drift: 0.5 }]);
    expect(difference([sliceFound()], undefined, undefined, "no-evidence").matrices).toBeUndefined();
  });

  test("has singular values of the matrices of layers whose difference is of low rank, the first so many, where it has a rank", () => {
    const spectrum = (layer: number, values: readonly number[]) =>
      sliceFound({ layer, role: "up", rank: { kind: "low", rank: 2, spectrum: values } });
    const kept = sliceFound({ layer: 2, rank: { kind: "none" } });
    const told = (layer: number, values: readonly number[]) => ({
      component: "model.layers",
      layer,
      role: "up",
      values,
    });
    const { loraRank, spectra } = difference([
      spectrum(-1, [8, 7]),
      spectrum(0, [9, 5, 0.5]),
      kept,
      spectrum(1, [6, 4]),
    ]);
    expect(loraRank).toBe(2);
    expect(spectra).toEqual([told(0, [9, 5, 0.5]), told(1, [6, 4])]);
    const many = Array.from({ length: 33 }, (_, i) => spectrum(i, [i]));
    expect(difference(many).spectra).toEqual(many.slice(0, 32).map((_, i) => told(i, [i])));
    expect(Object.keys(difference([spectrum(0, [9])]))).not.toContain("spectra");
  });

  test("has a rank where two slices at least, and half of those of low rank, have the largest", () => {
    const rank = (...ranks: readonly DifferenceRank[]) =>
      difference(ranks.map((one) => sliceFound({ rank: one }))).loraRank;
    expect(rank(lowRank(8), lowRank(8))).toBe(8);
    expect(rank(lowRank(8))).toBeUndefined();
    expect(rank(lowRank(8), lowRank(8), lowRank(4), lowRank(4))).toBe(8);
    expect(rank(lowRank(8), lowRank(8), lowRank(4), lowRank(4), lowRank(4))).toBeUndefined();
    expect(rank(lowRank(8), lowRank(8), { kind: "none" }, { kind: "unresolved" })).toBe(8);
    expect(rank()).toBeUndefined();
    for (const kind of ["full", "noise", "rule"] as const)
      expect(rank(lowRank(8), lowRank(8), { kind })).toBeUndefined();
    // Tables are no layers.
    const table = sliceFound({ layer: -1, rank: { kind: "full" } });
    expect(difference([...[1, 2].map(() => sliceFound({ rank: lowRank(8) })), table]).loraRank).toBe(8);
    const outside = [1, 2].map(() => sliceFound({ layer: -1, rank: lowRank(8) }));
    expect(difference(outside).loraRank).toBeUndefined();
  });

  test("is a grid that most matrices of the suspect alone lie on, and then of no rank", () => {
    const grid = (mine: readonly (string | null)[], theirs: string | null = null) => {
      const { sketches } = own;
      const fingerprint = {
        ...own,
        sketches: sketches.map((s, i) => ({ ...s, moments: { ...s.moments, grid: mine[i] ?? null } })),
      };
      const base = subjectOf("b", looking(other, { grid: theirs }));
      return difference(
        [sliceFound({ rank: lowRank(8) }), sliceFound({ rank: lowRank(8) })],
        subjectOf("a", fingerprint),
        base,
      );
    };
    const found = grid(["int8", "int8", "int8"]);
    expect([found.quantization, found.loraRank]).toEqual(["int8", undefined]);
    expect(grid(["int8", "int8", "int4"]).quantization).toBeUndefined();
    expect(grid([null, "int8", "int8"]).quantization).toBeUndefined();
    expect(grid(["int4", "int8", "int8", "int8"]).quantization).toBe("int8");
    expect(grid(["int8", "int8", "int8"], "int8").quantization).toBeUndefined();
    expect(grid(["int8", "int8", "int8"], "int4").quantization).toBe("int8");
  });

  test("counts matrices of layers for a grid, and those of which nothing is known", () => {
    const outside = (role: MatrixSketch["role"]) => {
      const more = modelOf(3, { text: { layers: 4 } }).sketches.map((s) => ({ ...s, layer: -1, role }));
      const gridded = looking(own, { grid: "int8" });
      const fingerprint = { ...gridded, sketches: [...gridded.sketches, ...more] };
      return difference([], subjectOf("a", fingerprint)).quantization;
    };
    expect(outside("embed")).toBe("int8");
    expect(outside("unknown")).toBeUndefined();
  });

  test("is what the file of the suspect says of itself, unless the other says the same", () => {
    const said = (suspect: Partial<Subject>, base: Partial<Subject> = {}) => {
      const gridded = subjectOf("a", looking(own, { grid: "int8" }), suspect);
      return difference([], gridded, subjectOf("b", other, base)).quantization;
    };
    expect(said(saying("Q4_0"))).toBe("Q4_0");
    expect(said(saying("Q4_0"), saying("Q8_0"))).toBe("Q4_0");
    expect(said(saying("Q4_0"), saying("Q4_0"))).toBe("int8");
    expect(said({}, saying("Q4_0"))).toBe("int8");
  });
});

describe("an adapter leaves vectors and tables as they are", () => {
  type Tensor = Fingerprint["tensors"][number];
  const values = (name: string) => ({ f32: `${name} f32`, f16: `${name} f16`, bf16: `${name} bf16` });
  const vector = (name: string, change: Partial<Tensor> = {}): Tensor =>
    ({ ...own.tensors[0]!, name, shape: [64], component: null, values: values(name), ...change }) as Tensor;
  const rank = (mine: readonly Tensor[], theirs: readonly Tensor[], change: Partial<Fingerprint>[] = [{}, {}]) => {
    const [suspect, base] = [
      { ...own, tensors: mine, ...change[0] },
      { ...other, tensors: theirs, ...change[1] },
    ];
    const slices = [1, 2].map(() => sliceFound({ rank: lowRank(8) }));
    const findings = [findingOf(own, other, "derived", { slices })];
    return describeDifference(subjectOf("a", suspect), subjectOf("b", base), findings).loraRank ?? null;
  };

  test("up to rounding", () => {
    const norm = vector("norm");
    expect(rank([norm], [norm])).toBe(8);
    expect(rank([vector("moved")], [norm])).toBeNull();
    for (const narrow of ["f16", "bf16"] as const) {
      const rounded = { f32: `norm ${narrow}`, f16: "?", bf16: "??" };
      expect(rank([vector("norm", { values: rounded })], [norm])).toBe(8);
      expect(rank([norm], [vector("norm", { values: rounded })])).toBe(8);
    }
    expect(rank([norm], [vector("norm", { values: null })])).toBeNull();
  });

  test("but for what says nothing: constants, numbers, counts, what was not read, and matrices", () => {
    const kept = vector("norm");
    const moved = (change: Partial<Tensor>) => rank([kept, vector("moved", change)], [kept]);
    expect(moved({})).toBeNull();
    expect(moved({ uniform: true })).toBe(8);
    expect(moved({ values: null })).toBe(8);
    expect(moved({ shape: [1] })).toBe(8);
    expect(moved({ shape: [2] })).toBeNull();
    expect(moved({ dtype: "I64" })).toBe(8);
    expect(moved({ shape: [64, 64] })).toBe(8);
    expect(moved({ shape: [64, 64], component: EMBEDDINGS })).toBeNull();
  });

  describe("and of a table with more rows", () => {
    const table = (rows: number, name: string) => vector(name, { shape: [rows, 4], component: EMBEDDINGS });
    const raw = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) + (i % 7));
    const sliced = (change: object = {}, from = raw, role: MatrixSketch["role"] = "embed"): Partial<Fingerprint> => ({
      sketches: [{ ...own.sketches[0]!, role }],
      slices: [{ ...sliceOf(from, { sketch: 0, firstRow: 0, height: 16 })!, ...change }],
    });
    const longer = (change: Partial<Fingerprint>[], mine = table(12, "more"), theirs = table(10, "table")) =>
      rank([mine], [theirs], change);

    test("those that both have", () => {
      expect(longer([sliced(), sliced()])).toBe(8);
      expect(
        longer([
          sliced(
            {},
            raw.map((x, i) => x + (i % 3)),
          ),
          sliced(),
        ]),
      ).toBeNull();
      expect(longer([{}, sliced()])).toBeNull();
      expect(longer([sliced(), {}])).toBeNull();
      expect(longer([sliced({}, raw, "q"), sliced()])).toBeNull();
      expect(longer([sliced({ sketch: 99 }), sliced()])).toBeNull();
    });

    test("if they are the same rows", () => {
      expect(longer([sliced({ firstRow: 1 }), sliced()])).toBeNull();
      const half = { ...sliceOf(raw.slice(0, 32), { sketch: 0, firstRow: 0, height: 8 })! };
      expect(longer([sliced(half), sliced()])).toBeNull();
    });

    test("if it is longer, and as wide", () => {
      expect(longer([sliced(), sliced()], table(10, "more"))).toBeNull();
      expect(longer([sliced(), sliced()], table(9, "more"))).toBeNull();
      const wide = vector("more", { shape: [12, 5], component: EMBEDDINGS });
      expect(longer([sliced(), sliced()], wide)).toBeNull();
      const deep = vector("more", { shape: [12, 4, 1], component: EMBEDDINGS });
      expect(longer([sliced(), sliced()], deep)).toBeNull();
      const body = vector("body", { shape: [10, 4] });
      expect(longer([sliced(), sliced()], table(12, "more"), body)).toBeNull();
      const two = [table(10, "table"), vector("wide", { shape: [10, 5], component: EMBEDDINGS })];
      expect(rank([table(12, "more")], two, [sliced(), sliced()])).toBe(8);
      const norm = vector("more", { shape: [12] });
      expect(longer([sliced(), sliced()], norm)).toBeNull();
    });
  });
});
