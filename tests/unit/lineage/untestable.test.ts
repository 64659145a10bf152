import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import type { CandidateSource } from "../../../src/lineage/candidate-source.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { untestableReason } from "../../../src/lineage/untestable.ts";
import { addNoise, mapMatrices, rename } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { shapedModel } from "../../support/shaped-model.ts";
import { checkpointOf, judge, subjectOf } from "../../support/stored-model.ts";

const TINY = { width: 48, hidden: 64, layers: 2, vocabulary: 160 };
const model = randomModel({ init: 1 }, TINY);
const valuesOf = (m: Model, value: number): Model =>
  new Map([...m].map(([name, t]) => [name, { ...t, values: t.values.map(() => value) }]));
const only = (pattern: RegExp): Model => new Map([...model].filter(([name]) => pattern.test(name)));
const adapter = rename(only(/[qv]_proj/), (name) => `base_model.model.${name.replace(".weight", ".lora_A.weight")}`);

/** A registry of one base. */
function registryOf(fingerprint: Fingerprint): CandidateSource {
  return {
    entries: 1,
    digest: "00".repeat(32),
    updatedAt: null,
    candidates: async () => [{ digest: "11".repeat(32), name: "base", root: true, score: 100 }],
    load: async () => fingerprint,
  };
}

const empty: Model = new Map([...model].map(([name, t]) => [name, { ...t, shape: [0], values: new Float32Array(0) }]));

const WHY: [string, () => Promise<Subject>, RegExp][] = [
  [
    "an adapter",
    () => subjectOf(adapter),
    /^a LoRA adapter \(4 of 4 tensors\): merge it into its base first, or name both, adapter\+base$/,
  ],
  [
    "an adapter of a rarer kind, whose blocks have the shapes of linears",
    () =>
      subjectOf(
        new Map([...only(/_proj/)].map(([name, t]) => [`base_model.model.${name.replace("weight", "miss_block")}`, t])),
      ),
    /^an adapter \(\d+ of \d+ tensors\): merge it into its base first/,
  ],
  ["nothing", () => subjectOf(new Map()), /^no tensors: nothing was saved$/],
  ["empty tensors", () => subjectOf(empty), /^all tensors are empty.*gather the weights before they are saved$/],
  ["zeros", () => subjectOf(valuesOf(model, 0)), /^every tensor is constant .*the weights were lost or never saved$/],
  ["NaN", () => subjectOf(valuesOf(model, Number.NaN)), /^every tensor is constant /],
  ["norms alone", () => subjectOf(only(/norm/)), /^no matrices, only vectors/],
  [
    "matrices that were damaged",
    () => subjectOf(mapMatrices(model, (values) => values.map(() => Number.POSITIVE_INFINITY))),
    /^every sampled row of every matrix is constant or not finite: the weights were damaged$/,
  ],
  [
    "a table alone",
    () => subjectOf(only(/embed_tokens/)),
    /tables alone show no more than that they are the same table/,
  ],
  [
    "one matrix",
    () => subjectOf(only(/embed_tokens|layers\.0\.self_attn\.[qo]_proj/)),
    /model\.layers: a single matrix/,
  ],
  [
    "codes",
    async () => {
      const checkpoint = await checkpointOf(model);
      const tensors = new Map([...checkpoint.tensors].map(([name, t]) => [name, { ...t, dtype: "I32" as const }]));
      return subjectOf({ ...checkpoint, tensors });
    },
    /^holds only whole numbers \(I32\): quantisation codes or indices.*: dequantise the model first/,
  ],
];

describe("why a model cannot be tested", () => {
  test.each(WHY)("%s: says so, with what to do", async (_, make, why) => {
    const suspect = { ...(await make()), name: "it" };
    expect(untestableReason(suspect.fingerprint)).toMatch(why);
    const base = await subjectOf(randomModel({ init: 2 }, TINY));
    const result = await identifySubject(suspect, registryOf(base.fingerprint));
    expect(result.verdict).toBe("not-testable");
    expect(result.summary).toMatch(/^it was not tested: /);
    expect(result.summary).toContain(untestableReason(suspect.fingerprint)!);
    expect(result.caveats.join()).toContain(untestableReason(suspect.fingerprint)!);
    for (const { verdict, log10P } of result.candidates) {
      expect(verdict).toBe("not-testable");
      expect(log10P ?? 0).toBeGreaterThan(-9);
    }
  });

  test("is null where some part can be, and a model that no base can be held against says that", async () => {
    const suspect = { ...(await subjectOf(model)), name: "it" };
    expect(untestableReason(suspect.fingerprint)).toBeNull();
    const base = await subjectOf(only(/norm/));
    const result = await identifySubject(suspect, registryOf(base.fingerprint));
    expect(result.verdict).toBe("not-testable");
    expect(result.summary).toMatch(/^it was not tested: /);
    expect(result.summary).not.toMatch(/No match|no evidence/i);
  });

  test("escapes nothing by itself, and takes the base from what lies beside an adapter", async () => {
    const { fingerprint } = await subjectOf(adapter);
    const named: Fingerprint = { ...fingerprint, adapter: { ...fingerprint.adapter!, base: "org/base" } };
    expect(untestableReason(named)).toMatch(
      /^a LoRA adapter of org\/base by its adapter_config\.json \(4 of 4 tensors\)/,
    );
    const kinds = [
      ["ia3", "an IA3 adapter"],
      ["oft", "an OFT adapter"],
      ["dora", "a DoRA adapter"],
      ["vera", "a VeRA adapter"],
    ] as const;
    for (const [kind, words] of kinds) {
      expect(untestableReason({ ...named, adapter: { ...named.adapter!, kind } })).toMatch(new RegExp(`^${words} `));
    }
  });
});

test("a claim that the best possible p could not carry is not testable, and says by how much", async () => {
  const narrow = await subjectOf(randomModel({ init: 31 }, { width: 8, hidden: 8, layers: 2, vocabulary: 64 }));
  const other = await subjectOf(randomModel({ init: 32 }, { width: 8, hidden: 8, layers: 2, vocabulary: 64 }));
  const result = await identifySubject({ ...narrow, name: "it" }, registryOf(other.fingerprint));
  expect(result.verdict).toBe("not-testable");
  const reasons = result.candidates[0]!.components.map(({ reason }) => reason).join();
  expect(reasons).toMatch(
    /too few rows or labels: the best that these could show is p = 1e-?\d+, and a claim needs 1e-9/,
  );
});

describe("nets of which all matrices are square", () => {
  const shapes = Object.fromEntries([0, 2, 4].map((n) => [`net.${n}.weight`, [96, 96]]));
  const reason =
    "all 3 matrices are 96 x 96, as wide as what they were given: nothing shows that their columns are hidden units, and only equality was tested; add the layers before or after them, if any has more than one input or output";

  test("are found equal, and are not told apart otherwise: the reason says why, and what to do", async () => {
    const net = shapedModel(shapes, { init: 1 });
    expect((await judge(net, net)).verdict).toBe("identical");
    for (const other of [addNoise(net, 0.2), shapedModel(shapes, { init: 2 })]) {
      const result = await judge(other, net);
      expect(result).toMatchObject({ verdict: "not-testable", components: [{ component: "matrices", reason }] });
      expect(result.caveats).toContain(`suspect: matrices: ${reason}`);
    }
  });

  test("stay silent of two that were trained on one residual stream", async () => {
    // What training put in are directions of the features, which both were given.
    const net = shapedModel(shapes, { init: 1, training: 7 });
    expect((await judge(shapedModel(shapes, { init: 2, training: 7 }), net)).verdict).toBe("not-testable");
  });

  test("can be tested with a layer that changes the width", async () => {
    const whole = { ...shapes, "net.6.weight": [160, 96], "net.8.weight": [10, 160], "net.10.weight": [96, 10] };
    const net = shapedModel({ "stem.weight": [96, 40], ...whole }, { init: 1 });
    expect((await judge(addNoise(net, 0.02), net)).verdict).toBe("derived");
  });
});
