import { describe, expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import * as models from "../../support/architectures.ts";
import { stacksOf } from "../../support/labels.ts";
import { tableOf } from "../../support/tensor-table.ts";

const distinct = (stacks: Record<string, string>): string[] => [...new Set(Object.values(stacks))].sort();

describe("a stack inside layers is the path of its container", () => {
  test.each([
    ["model.layers.0.self_attn.q_proj", "model.layers"],
    ["transformer.h.0.attn.c_attn", "transformer.h"],
    ["encoder.block.0.layer.0.SelfAttention.q", "encoder.block"],
    ["vision_tower.encoder.layers.0.self_attn.q_proj", "vision_tower.encoder.layers"],
    ["blk.0.attn_q", "blk"],
    ["layers.0.attention.wq", "layers"],
  ])("%s", (name, stack) => {
    expect(stacksOf(tableOf(`${name}.weight 16 16`))).toEqual({ [`${name}.weight`]: stack });
  });

  test("two towers with the same inner names stay apart, though both are one component", () => {
    const table = models.twoTowers("query_model.encoder.layers", "passage_model.encoder.layers", (name) => name);
    expect(distinct(stacksOf(table))).toEqual(["passage_model.encoder.layers", "query_model.encoder.layers"]);
    expect(new Set(describeAnatomy(table, null).matrices.map(({ component }) => component))).toEqual(
      new Set(["language"]),
    );
  });

  test("CLIP's towers", () => {
    const table = models.twoTowers("text_model.encoder.layers", "vision_model.encoder.layers", (name) => name);
    expect(distinct(stacksOf(table))).toEqual(["text_model.encoder.layers", "vision_model.encoder.layers"]);
  });

  test("Whisper's encoder and decoder", () => {
    expect(distinct(stacksOf(models.whisper()))).toEqual([
      "decoder",
      "embeddings",
      "encoder",
      "model.decoder.layers",
      "model.encoder.layers",
    ]);
  });

  test("a module for multi-token prediction, and Medusa's heads", () => {
    expect(distinct(stacksOf(models.mixtureWithMtp()))).toEqual(["embeddings", "model.layers", "mtp", "mtp.layers"]);
    expect(distinct(stacksOf(models.medusaHeads()))).toEqual(["medusa_head"]);
  });
});

describe("outside layers", () => {
  test("matrices are grouped where their paths begin to differ", () => {
    expect(distinct(stacksOf(models.vgg16()))).toEqual(["classifier", "features"]);
    expect(distinct(stacksOf(models.densenet121()))).toEqual(["classifier", "features"]);
    const llava = tableOf(`model.language_model.layers.0.self_attn.q_proj.weight 16 16
                           model.multi_modal_projector.linear_1.weight 16 12
                           model.multi_modal_projector.linear_2.weight 16 16
                           model.language_model.embed_tokens.weight 40 16`);
    expect(distinct(stacksOf(llava))).toEqual(["embeddings", "model.language_model.layers", "multi_modal_projector"]);
  });

  test("names that have nothing in common are one group", () => {
    expect(distinct(stacksOf(models.onnxMlp([20, 30, 40, 50])))).toEqual(["matrices"]);
    expect(distinct(stacksOf(models.mlp([20, 30, 40, 50])))).toEqual(["matrices"]);
    expect(distinct(stacksOf(tableOf("projection.weight 16 12")))).toEqual(["projection"]);
  });

  test("token tables share one stack whatever their paths", () => {
    const table = tableOf(`model.embed_tokens.weight 40 16
                           lm_head.weight 40 16`);
    expect(stacksOf(table)).toEqual({ "model.embed_tokens.weight": "embeddings", "lm_head.weight": "embeddings" });
  });

  test("what stands beside numbered layers is no layer", () => {
    const table = tableOf(`features.stem.a.weight 32 3 3 3
                           features.stem.b.weight 16 32 3 3
                           features.0.mix.weight 16 16
                           features.1.mix.weight 16 16
                           other.weight 16 16`);
    expect(distinct(stacksOf(table))).toEqual(["features", "features (outside)", "other"]);
  });
});

describe("names are unambiguous", () => {
  test("a path that is called as a reserved stack is marked", () => {
    const lines = `embeddings.a.weight 16 16
                   embeddings.b.weight 16 16
                   matrices.a.weight 16 16
                   matrices.b.weight 16 16
                   (layers).0.mix.weight 16 16
                   (layers).1.mix.weight 16 16
                   0.mix.weight 16 16
                   1.mix.weight 16 16`;
    expect(distinct(stacksOf(tableOf(lines)))).toEqual(
      expect.arrayContaining(["(layers)", "(layers) (stack)", "matrices (stack)"]),
    );
    const position = tableOf(`bert.embeddings.position_embeddings.weight 16 16
                              bert.embeddings.token_type_embeddings.weight 2 16
                              bert.pooler.dense.weight 16 16`);
    expect(distinct(stacksOf(position))).toEqual(["embeddings (stack)", "pooler"]);
  });

  test("long paths are shortened to what a file holds, and stay apart", () => {
    const path = (end: string): string => `${"deep.".repeat(40)}${end}.layers`;
    const names = ["a", "b"].map((end) => `${path(end)}.0.self_attn.q_proj.weight`);
    const stacks = distinct(stacksOf(tableOf(names.map((name) => `${name} 16 16`).join("\n"))));
    expect(stacks.length).toBe(2);
    for (const stack of stacks) expect(stack.length).toBe(100);
    // A path that is what another one was shortened to.
    const twice = distinct(
      stacksOf(tableOf([...names, `${stacks[0]}.0.x.weight`].map((name) => `${name} 16 16`).join("\n"))),
    );
    expect(new Set(twice).size).toBe(3);
  });
});
