import { describe, expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { outlinesOf, testableParts } from "../../../src/lineage/testable.ts";
import { addNoise, rename } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { stackLayers } from "../../support/stack-layers.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";
import { tableOf } from "../../support/tensor-table.ts";
import { turnAxes } from "../../support/turn-axes.ts";

const SIZE = { width: 96, hidden: 160, layers: 3, vocabulary: 320 };
const model = randomModel({ init: 1 }, SIZE);
const child = addNoise(model, 0.2);
const stranger = randomModel({ init: 2 }, SIZE);

describe("layers that are stacked in one tensor", () => {
  test.each([
    ["over the same model layer by layer", stackLayers(child), model],
    ["the other way about", child, stackLayers(model)],
    ["both", stackLayers(child), stackLayers(model)],
    ["each as [in, out]", stackLayers(turnAxes(child, /_proj/)), model],
    ["each as [in, out] over a stack of the others", stackLayers(turnAxes(child, /_proj/)), stackLayers(model)],
  ])("are read one by one: %s", async (_, suspect, base) => {
    const result = await judge(suspect, base);
    expect(result.verdict).toBe("derived");
    expect(result.log10P).toBeLessThan(-100);
    expect(result.layers.map((layer) => [layer.suspect, layer.base])).toEqual([0, 1, 2].map((n) => [n, n]));
  });

  test("are one component, and say so", async () => {
    const { fingerprint } = await subjectOf(stackLayers(model));
    expect(fingerprint.notes).toEqual(["9 tensors hold 3 layers each, stacked: they were read layer by layer"]);
    expect(testableParts(fingerprint)).toMatchObject([
      { component: "embeddings" },
      { component: "model.layers", testable: true, matrices: 18 },
    ]);
    expect((await judge(stackLayers(model), stackLayers(model))).verdict).toBe("identical");
  });

  test("of strangers say nothing", async () => {
    for (const base of [model, stackLayers(model)]) {
      expect((await judge(stackLayers(stranger), base)).verdict).toBe("no-evidence");
      expect((await judge(stackLayers(turnAxes(stranger, /_proj/)), base)).verdict).toBe("no-evidence");
    }
  });

  test("are read where a number a layer stands among them", async () => {
    const counts = { shape: [3], dtype: "F32", values: Float32Array.of(7, 7, 8) } as const;
    const counted = (m: Model): Model =>
      new Map([...stackLayers(m), ["model.layers.norm.num_batches_tracked", counts]]);
    const result = await judge(counted(child), counted(model));
    expect(result.verdict).toBe("derived");
    expect(result.layers.length).toBe(3);
    expect((await judge(counted(stranger), counted(model))).verdict).toBe("no-evidence");
  });

  test("in a way that is not read, there is a reason, with what to do", async () => {
    const reason = "7 tensors seem to hold 3 layers each, stacked: split them into one tensor per layer";
    const elsewhere = (m: Model): Model => rename(stackLayers(m), (name) => name.replace("layers", "trunk"));
    for (const [suspect, base] of [
      [stackLayers(child, 1), model],
      [elsewhere(child), model],
    ] as const) {
      for (const result of [await judge(suspect, base), await judge(stranger, suspect)]) {
        expect(result.verdict).toBe("not-testable");
        expect(result.caveats.join("\n")).toContain(reason);
      }
    }
  });
});

describe("what is no stack of layers", () => {
  const matrices = (lines: string) => describeAnatomy(tableOf(lines), null).matrices;

  test("experts below a numbered layer, and below none", () => {
    const experts = matrices(`model.layers.0.mlp.experts.gate_up_proj 4 64 32
                              model.layers.0.mlp.experts.down_proj 4 32 32
                              model.layers.0.mlp.gate.weight 4 32`);
    expect(new Set(experts.map(({ expert }) => expert))).toEqual(new Set([-1, 0, 1, 2, 3]));
    expect(experts.every(({ layer }) => layer === 0)).toBe(true);
    const alone = matrices(`layers.mlp.experts.gate_up_proj 4 64 32
                            layers.mlp.experts.down_proj 4 32 32`);
    expect(alone.every(({ layer }) => layer < 0)).toBe(true);
  });

  test("experts of stacked layers are experts of each layer", () => {
    const both = matrices(`layers.self_attn.q_proj.weight 3 32 32
                           layers.self_attn.k_proj.weight 3 16 32
                           layers.mlp.experts.up_proj 3 4 64 32
                           layers.mlp.experts.down_proj 3 4 32 64
                           layers.input_layernorm.weight 3 32`);
    expect(both.map(({ layer, expert, role }) => `${layer} ${expert} ${role}`)).toContain("2 3 down");
    expect(both.filter(({ role }) => role === "up").map(({ rowOffset }) => rowOffset(1))).toEqual(
      Array.from({ length: 12 }, (_, i) => i * 64 * 32 + 32),
    );
  });

  test("convolutions, a tensor without the axis, and names that are taken", () => {
    expect(matrices(`block.conv1.weight 64 64 3\nblock.conv2.weight 64 64 3`).every(({ layer }) => layer < 0)).toBe(
      true,
    );
    const q = `layers.self_attn.q_proj.weight 3 32 32\nlayers.self_attn.k_proj.weight 3 16 32`;
    expect(matrices(`${q}\nlayers.other.weight 5 32`).every(({ layer }) => layer < 0)).toBe(true);
    const taken = matrices(`${q}\nlayers.1.self_attn.q_proj.weight 32 32`);
    expect(taken.filter(({ layer }) => layer >= 0).length).toBe(1);
  });

  test("norms of many layers in one tensor are no table of tokens", () => {
    const table = tableOf(`model.embed_tokens.weight 900 64
                           trunk.mlp.up_proj.weight 40 128 64
                           trunk.input_layernorm.weight 40 64
                           trunk.ln_2 40 64`);
    const { matrices, others } = describeAnatomy(table, null);
    expect(matrices.filter(({ role }) => role === "embed").map(({ tensor }) => tensor)).toEqual([
      "model.embed_tokens.weight",
    ]);
    expect(others.map(({ tensor }) => tensor)).toEqual(["trunk.input_layernorm.weight", "trunk.ln_2"]);
    const outlines = outlinesOf({ ...describeAnatomy(table, null) }, table, new Set());
    expect(outlines.filter(({ tokens }) => tokens).length).toBe(1);
  });
});
