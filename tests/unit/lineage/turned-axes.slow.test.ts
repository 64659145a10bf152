import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { shapedModel } from "../../support/shaped-model.ts";
import { judge, savedCheckpoint, subjectOf } from "../../support/stored-model.ts";
import { turnAxes } from "../../support/turn-axes.ts";
import { LINEARS, SIZE, turnedFamily } from "../../support/turned-family.ts";

/** Attention as wide as the stream and a feed-forward network of one matrix each way: as many [h, d] as [d, h]. */
const BERT = Object.fromEntries(
  Array.from({ length: 3 }, (_, n): [string, readonly number[]][] => {
    const at = `bert.encoder.layer.${n}`;
    return [
      ...["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"].map(
        (name): [string, readonly number[]] => [`${at}.${name}.weight`, [96, 96]],
      ),
      [`${at}.attention.output.LayerNorm.weight`, [96]],
      [`${at}.intermediate.dense.weight`, [256, 96]],
      [`${at}.output.dense.weight`, [96, 256]],
    ];
  }).flat(),
);
const BERT_MODEL = {
  "bert.embeddings.word_embeddings.weight": [400, 96],
  "bert.embeddings.position_embeddings.weight": [64, 96],
  ...BERT,
  "bert.pooler.dense.weight": [96, 96],
};

describe("linears of a llama stored as [in, out] under names that promise [out, in]", () => turnedFamily("llama"));

describe("some linears turned and others not", () => {
  const model = randomModel({ init: 1 }, SIZE);
  test.each([
    ["attention", /self_attn/],
    ["feed-forward networks", /mlp/],
    ["one layer", /layers\.1\./],
    ["queries and what writes", /q_proj|o_proj|down_proj/],
  ])("%s", async (_, which) => {
    const plain = await judge(addNoise(model, 0.2), model);
    const result = await judge(turnAxes(addNoise(model, 0.2), which), model);
    expect(result).toMatchObject({ verdict: "derived" });
    expect(Math.abs(result.log10P! - plain.log10P!)).toBeLessThan(20);
    const stranger = turnAxes(randomModel({ init: 2 }, SIZE), which);
    expect((await judge(stranger, model)).verdict).toBe("no-evidence");
  });
});

describe("where all linears are square nothing tells, and both ways are tried", () => {
  const three = (seed: number): Model => {
    const names = [
      "self_attn.q_proj",
      "self_attn.k_proj",
      "self_attn.v_proj",
      "self_attn.o_proj",
      "mlp.up_proj",
      "mlp.down_proj",
    ];
    const layers = Array.from({ length: 3 }, (_, n) =>
      names.map((name): [string, readonly number[]] => [`model.layers.${n}.${name}.weight`, [96, 96]]),
    );
    const table = { "model.embed_tokens.weight": [320, 96] };
    return shapedModel({ ...table, ...Object.fromEntries(layers.flat()) }, { init: seed });
  };

  test("a child is found, a stranger is not", async () => {
    const model = three(1);
    for (const child of [model, addNoise(model, 0.2)]) {
      expect((await judge(turnAxes(child, LINEARS), model)).verdict).toBe("derived");
      expect((await judge(model, turnAxes(child, LINEARS))).verdict).toBe("derived");
    }
    expect((await judge(turnAxes(three(2), LINEARS), model)).verdict).toBe("no-evidence");
    expect((await judge(turnAxes(three(2), LINEARS), turnAxes(model, LINEARS))).verdict).toBe("no-evidence");
  });
});

describe("a copy of which only the lists of shapes are the same", () => {
  const root = scratchDirectory();
  const model = shapedModel(BERT_MODEL, { init: 1 });
  test.each(["sampled", "full"] as const)("is identical at depth %s", async (depth) => {
    const at = async (m: Model, name: string): Promise<Subject> => {
      const checkpoint = await savedCheckpoint(m, join(root, depth, name));
      const fingerprint = await fingerprintCheckpoint(checkpoint, { depth, threads: 0 });
      await checkpoint.close();
      return { name, fingerprint, checkpoint: null, root: false };
    };
    const [turned, plain] = [await at(turnAxes(model, /dense|self/), "suspect"), await at(model, "base")];
    const result = await judge(turned, plain);
    expect(result).toMatchObject({ verdict: "identical", relations: [] });
    expect(result.summary).toBe("suspect is equal to base wherever sampled.");
    expect((await judge(plain, turned)).verdict).toBe("identical");
    expect((await judge(shapedModel(BERT_MODEL, { init: 2 }), plain)).verdict).toBe("no-evidence");
  });
});

test("where all linears join the same two widths and nothing else tells, they are looked at both ways", async () => {
  const shapes = Object.fromEntries(
    Array.from({ length: 4 }, (_, n): [string, readonly number[]][] => {
      const at = `model.layers.${n}`;
      const reads = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"];
      return [
        ...reads.map((name): [string, readonly number[]] => [`${at}.${name}.weight`, [192, 96]]),
        [`${at}.self_attn.o_proj.weight`, [96, 192]],
        [`${at}.mlp.down_proj.weight`, [96, 192]],
      ];
    }).flat(),
  );
  const base = await subjectOf(shapedModel(shapes, { init: 1 }), { name: "base" });
  const child = turnAxes(addNoise(shapedModel(shapes, { init: 1 }), 0.1), LINEARS);
  expect((await judge(child, base)).verdict).toMatch(/derived|shared-init/);
  expect((await judge(base, await subjectOf(child))).verdict).toMatch(/derived|shared-init/);
  expect((await judge(turnAxes(shapedModel(shapes, { init: 2 }), LINEARS), base)).verdict).toBe("no-evidence");
});
