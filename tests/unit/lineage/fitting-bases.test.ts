import { beforeAll, expect, test } from "vitest";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { checkpointOf, subjectOf } from "../../support/stored-model.ts";

const [WIDTH, HIDDEN, KEYS] = [64, 160, 32];
const registry = `${scratchDirectory()}/registry`;

/** Two bases of one width, of which the second has other layers inside; and a wider one. */
beforeAll(async () => {
  const bases = await openRegistry(registry, { create: true });
  for (const [name, width, hidden] of [
    ["fits", WIDTH, HIDDEN],
    ["narrower-layers", WIDTH, 96],
    ["wider", 128, HIDDEN],
  ] as const) {
    const model = randomModel({ init: 1 }, { family: "llama", width, hidden, layers: 2, vocabulary: 320, tied: false });
    await bases.add(await takeFingerprint(await checkpointOf(model), { depth: "sampled" }), { name });
  }
});

function adapter(parts: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>): Model {
  const model = new Map<string, ModelTensor>();
  for (let layer = 0; layer < 2; layer++) {
    for (const [module, tensors] of Object.entries(parts)) {
      for (const [part, shape] of Object.entries(tensors)) {
        const size = shape.reduce((a, b) => a * b, 1);
        const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i + size * (layer + 1)));
        const name = `base_model.model.model.layers.${layer}.${module}.${part}`;
        model.set(name, { shape, values, dtype: "F32" });
      }
    }
  }
  return model;
}

const loha = (out: number, into: number) => ({
  hada_w1_a: [out, 4],
  hada_w1_b: [4, into],
  hada_w2_a: [out, 4],
  hada_w2_b: [4, into],
});

test.each([
  ["LoHa", adapter({ "self_attn.q_proj": loha(WIDTH, WIDTH), "mlp.up_proj": loha(HIDDEN, WIDTH) })],
  [
    "LoKr",
    adapter({
      "self_attn.q_proj": { lokr_w1: [8, 8], lokr_w2_a: [8, 4], lokr_w2_b: [4, 8] },
      "mlp.down_proj": { lokr_w1: [8, 10], lokr_w2: [8, 16] },
    }),
  ],
  [
    // Heads that share keys: no side of a module is as wide as the stream.
    "IA3",
    adapter({
      "self_attn.k_proj": { ia3_l: [KEYS, 1] },
      "self_attn.v_proj": { ia3_l: [KEYS, 1] },
      "mlp.down_proj": { ia3_l: [1, HIDDEN] },
    }),
  ],
  [
    "LoRA of other layers than attention",
    adapter({ "mlp.up_proj": { "lora_A.weight": [4, WIDTH], "lora_B.weight": [HIDDEN, 4] } }),
  ],
])("a %s adapter alone is told the registered bases whose shapes fit", async (_, model) => {
  const { verdict, caveats } = await identifySubject(
    await subjectOf(model, { name: "adapter" }),
    await openRegistry(registry),
  );
  expect(verdict).toBe("not-testable");
  expect(caveats.filter((text) => text.includes("has the shapes"))).toEqual([
    "the registered base fits has the shapes that it was trained for, and adapters of its kind are not tested alone: nothing says that it was trained on this base",
  ]);
});

test("a LoRA adapter of attention is told what could test it, whatever else it changes", async () => {
  const lora = { "lora_A.weight": [4, WIDTH], "lora_B.weight": [WIDTH, 4] };
  const model = adapter({
    "self_attn.q_proj": lora,
    "self_attn.q_norm": { "lora_A.weight": [4], "lora_B.weight": [4] },
  });
  const { caveats } = await identifySubject(await subjectOf(model, { name: "adapter" }), await openRegistry(registry));
  const named = caveats.filter((text) => text.includes("add it again with a deep part"));
  expect(named.map((text) => /base (\S+) has/.exec(text)![1]).sort()).toEqual(["fits", "narrower-layers"]);
});

test("an adapter of a token table fits tables of as many tokens", async () => {
  const model = new Map<string, ModelTensor>();
  for (const [part, shape] of [
    ["A", [4, 320]],
    ["B", [WIDTH, 4]],
  ] as const) {
    const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i));
    model.set(`base_model.model.model.embed_tokens.lora_embedding_${part}`, { shape, values, dtype: "F32" });
  }
  const { caveats } = await identifySubject(await subjectOf(model, { name: "adapter" }), await openRegistry(registry));
  const named = caveats.flatMap((text) => /base (\S+) has the shapes/.exec(text)?.[1] ?? []);
  expect(named.sort()).toEqual(["fits", "narrower-layers"]);
});

test("no base fits an adapter of other shapes, or one whose factors contradict one another", async () => {
  for (const model of [
    adapter({ "mlp.up_proj": loha(HIDDEN + 1, WIDTH) }),
    adapter({ "mlp.up_proj": { ...loha(HIDDEN, WIDTH), hada_w2_a: [WIDTH, 4] } }),
    adapter({ "mlp.up_proj": { ...loha(HIDDEN, WIDTH), hada_w1_b: [3, WIDTH] } }),
    adapter({ "self_attn.k_proj": { ia3_l: [KEYS, 2] } }),
  ]) {
    const { caveats } = await identifySubject(
      await subjectOf(model, { name: "adapter" }),
      await openRegistry(registry),
    );
    expect(caveats.filter((text) => text.includes("has the shapes"))).toEqual([]);
  }
});
