import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { sliceOf } from "../../../src/fingerprint/slice.ts";
import type { DifferenceRank } from "../../../src/lineage/difference-rank.ts";
import type { ComponentFinding } from "../../../src/lineage/finding.ts";
import { describeDifference, describeRelations, layerRelations } from "../../../src/lineage/relations.ts";
import { type Difference, EMBEDDINGS, type Verdict } from "../../../src/lineage/result.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { findingOf, type GivenFinding, learnedOf, modelOf, subjectOf } from "../../support/findings.ts";

const LAYERS = { "model.layers": { layers: 4 } };
const [own, other] = [modelOf(1, LAYERS), modelOf(2, LAYERS)];

const PLAIN = { scale: 1, reverseScale: 1, drift: 0.1, rank: { kind: "full" }, forward: { bulk: 1 } };
const slice = (change: Partial<SliceRetention> = {}): SliceRetention =>
  ({ layer: 0, role: "q", ...PLAIN, ...change }) as SliceRetention;
const low = (rank: number): DifferenceRank => ({ kind: "low", rank, spectrum: [] });

/** A model whose matrices have these moments. */
const looking = (fingerprint: Fingerprint, moments: Partial<MatrixSketch["moments"]>): Fingerprint => ({
  ...fingerprint,
  sketches: fingerprint.sketches.map((s) => ({ ...s, moments: { ...s.moments, ...moments } })),
});

/** A file that says of itself what its tensors are. */
const saying = (scheme: string): Partial<Subject> => {
  const tensors = new Map([["a", { scheme, levels: {} }]]);
  return { checkpoint: { tensors } as unknown as Checkpoint };
};

describe("what the difference is", () => {
  const difference = (
    slices: readonly SliceRetention[],
    suspect = subjectOf("a", own),
    base = subjectOf("b", other),
    verdict: Verdict = "derived",
  ) => describeDifference(suspect, base, [findingOf(suspect.fingerprint, base.fingerprint, verdict, { slices })]);

  test("is medians over slices, and nothing of none", () => {
    const found = difference([
      slice({ scale: 1, reverseScale: 4, drift: 7 }),
      slice({ scale: 2, reverseScale: 5, drift: 8 }),
      slice({ scale: 9, reverseScale: 9, drift: 9 }),
    ]);
    expect(found).toMatchObject({ scale: 2, reverseScale: 5, drift: 8, frozenTensors: 0, comparedTensors: 4 });
    const none = difference([]);
    expect([none.scale, none.reverseScale, none.drift]).toEqual([null, null, null]);
    expect(Object.keys(none)).not.toContain("matrices");
  });

  test("is told matrix by matrix of what is related", () => {
    const { matrices } = difference([slice({ layer: 3, role: "up", drift: 0.5 })]);
    expect(matrices).toEqual([{ component: "model.layers", layer: 3, role: "up", drift: 0.5 }]);
    expect(difference([slice()], undefined, undefined, "no-evidence").matrices).toBeUndefined();
  });

  test("has a rank where two slices at least, and half of those of low rank, have the largest", () => {
    const rank = (...ranks: readonly DifferenceRank[]) => difference(ranks.map((one) => slice({ rank: one }))).loraRank;
    expect(rank(low(8), low(8))).toBe(8);
    expect(rank(low(8))).toBeUndefined();
    expect(rank(low(8), low(8), low(4), low(4))).toBe(8);
    expect(rank(low(8), low(8), low(4), low(4), low(4))).toBeUndefined();
    expect(rank(low(8), low(8), { kind: "none" }, { kind: "unresolved" })).toBe(8);
    expect(rank()).toBeUndefined();
    for (const kind of ["full", "noise", "rule"] as const) expect(rank(low(8), low(8), { kind })).toBeUndefined();
    // Tables are no layers.
    const table = slice({ layer: -1, rank: { kind: "full" } });
    expect(difference([...[1, 2].map(() => slice({ rank: low(8) })), table]).loraRank).toBe(8);
    const outside = [1, 2].map(() => slice({ layer: -1, rank: low(8) }));
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
      return difference([slice({ rank: low(8) }), slice({ rank: low(8) })], subjectOf("a", fingerprint), base);
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
    const slices = [1, 2].map(() => slice({ rank: low(8) }));
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

describe("what layer maps say", () => {
  const [deep, shallow] = [modelOf(1, { "model.layers": { layers: 6 } }), modelOf(2, LAYERS)];
  const in6 = [0, 1, 2, 3, 4, 5];
  const map = (suspect: Fingerprint, base: Fingerprint, layers: readonly (readonly [number, number])[], more = {}) =>
    layerRelations([findingOf(suspect, base, "derived", { layers, ...more })], suspect, base);

  test("layers in place say nothing", () => {
    expect(
      map(
        own,
        other,
        [0, 1, 2, 3].map((i) => [i, i]),
      ),
    ).toEqual([]);
    expect(map(own, other, [])).toEqual([]);
  });

  test("layers in another order were reordered", () => {
    expect(
      map(own, other, [
        [0, 1],
        [1, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual(["layers-reordered"]);
    // In whatever order they are told.
    expect(
      map(own, other, [
        [1, 1],
        [0, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
    expect(
      map(own, other, [
        [3, 2],
        [2, 3],
        [0, 0],
        [1, 1],
      ]),
    ).toEqual(["layers-reordered"]);
  });

  test("layers that are there again, in a deeper model, were stacked", () => {
    const twice = in6.map((i) => [i, i < 4 ? i : i - 2] as const);
    expect(map(deep, shallow, twice)).toEqual(["depth-upscaled"]);
    expect(
      map(own, other, [
        [0, 0],
        [1, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
    // One that lies over two is none that is there again.
    expect(
      map(own, other, [
        [0, 0],
        [0, 1],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
  });

  test("fewer layers, all of them the base's, were pruned", () => {
    const kept = [
      [0, 0],
      [1, 2],
      [2, 3],
      [3, 5],
    ] as const;
    expect(map(shallow, deep, kept)).toEqual(["depth-pruned"]);
    expect(map(shallow, deep, kept.slice(0, 3))).toEqual([]);
    expect(
      map(
        shallow,
        deep,
        [...kept].map(([i, j]) => [i, 5 - j]),
      ),
    ).toEqual(["depth-pruned"]);
  });

  test("a layer counts as the base's from one in a thousand", () => {
    const [first, ...rest] = findingOf(shallow, deep, "derived", { layers: in6.slice(0, 4).map((i) => [i, i]) }).pairing
      .layers;
    const weak = (log10P: number | null) => {
      const finding = findingOf(shallow, deep, "derived", { pairing: { layers: [{ ...first!, log10P }, ...rest] } });
      return layerRelations([finding], shallow, deep);
    };
    expect([-3, -2.9, null].map(weak)).toEqual([["depth-pruned"], [], ["depth-pruned"]]);
  });

  test("of a part of a model no depth is told", () => {
    const more = modelOf(3, { "model.layers": { layers: 4 }, tower: { layers: 4 } });
    expect(
      map(
        more,
        deep,
        [0, 1, 2, 3].map((i) => [i, i]),
      ),
    ).toEqual([]);
  });

  test("one stack may have been stored as several", () => {
    const parts = modelOf(3, { a: { layers: 3 }, b: { layers: 3 } });
    const found = (layers: number) => [
      findingOf(parts, deep, "derived", {
        suspectComponent: "a",
        layers: [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
      }),
      findingOf(parts, deep, "derived", {
        suspectComponent: "b",
        layers: [
          [0, 3],
          [1, 4],
          [2, 5],
        ].slice(0, layers) as [number, number][],
      }),
    ];
    expect(layerRelations(found(3), parts, deep)).toEqual([]);
    const deeper = modelOf(4, { "model.layers": { layers: 8 } });
    expect(layerRelations(found(3), parts, deeper)).toEqual(["depth-pruned"]);
    expect(layerRelations(found(2), parts, deeper)).toEqual([]);
  });

  test("of several parts one that is in another order, or there again, is enough", () => {
    const parts = modelOf(3, { a: { layers: 3 }, b: { layers: 3 } });
    type Map3 = readonly (readonly [number, number])[];
    const found = (base: Fingerprint, a: Map3, b: Map3) =>
      layerRelations(
        [
          findingOf(parts, base, "derived", { suspectComponent: "a", layers: a }),
          findingOf(parts, base, "derived", { suspectComponent: "b", layers: b }),
        ],
        parts,
        base,
      );
    const start = [0, 1, 2].map((i) => [i, i] as const);
    const end = [0, 1, 2].map((i) => [i, i + 3] as const);
    expect(found(deep, start, end)).toEqual([]);
    expect(
      found(
        deep,
        start,
        end.map(([i, j]) => [i, 8 - j]),
      ),
    ).toEqual(["layers-reordered"]);
    const again = [
      [0, 0],
      [1, 0],
      [2, 1],
    ] as const;
    expect(
      found(modelOf(4, { "model.layers": { layers: 5 } }), again, [
        [0, 2],
        [1, 3],
        [2, 4],
      ]),
    ).toEqual(["depth-upscaled"]);
  });

  test("each stack has a depth of its own, and what content chose has none", () => {
    const [two, base] = [
      modelOf(3, { a: { layers: 4 }, b: { layers: 4 } }),
      modelOf(4, { a: { layers: 6 }, b: { layers: 4 } }),
    ];
    const [a, b] = ["a", "b"].map((component) => findingOf(two, base, "derived", { component }));
    expect(layerRelations([a!, b!], two, base)).toEqual(["depth-pruned"]);
    const chosen = { component: "a", suspectComponent: "b", pairing: { layers: [], isChosen: true } };
    expect(layerRelations([a!, findingOf(two, base, "derived", chosen)], two, base)).toEqual(["depth-pruned"]);
  });

  test("silence and unknown stacks say nothing", () => {
    const kept = {
      layers: [
        [0, 1],
        [1, 0],
      ],
    } as const;
    for (const verdict of ["no-evidence", "not-testable"] as const) {
      expect(layerRelations([findingOf(own, other, verdict, kept)], own, other)).toEqual([]);
    }
    expect(layerRelations([findingOf(own, other, "derived", kept)], own, modelOf(3, { x: { layers: 1 } }))).toEqual([]);
    expect(layerRelations([findingOf(own, other, "derived", kept)], modelOf(3, { x: { layers: 1 } }), other)).toEqual(
      [],
    );
  });
});

describe("how a model was made", () => {
  const trained = [slice(), slice()];
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
  const drifting = (drift: number) => ({ slices: [slice({ drift }), slice({ drift })] });

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
    const scaled = slice({ drift: 0.1, rank: { kind: "rule" } });
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
    const scaled = (scale: number) => ({ slices: [slice({ scale }), slice({ scale })] });
    expect([0.6, 0.59].map((scale) => relations(scaled(scale)))).toEqual([["fine-tune"], []]);
    expect(relations({ slices: [] })).toEqual([]);
  });

  test("is not asked of matrices that are the base's but for signs, whose distance is told all the same", () => {
    const turned = { scale: 1, reverseScale: 1, drift: 0.02, forward: { bulk: 0.98 } };
    const flipped = slice({ scale: 0.05, reverseScale: 0.05, drift: 12, turned: () => turned as SliceRetention });
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
        slices: kinds.map((kind) => slice({ rank: (kind === "low" ? low(4) : { kind }) as DifferenceRank })),
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
