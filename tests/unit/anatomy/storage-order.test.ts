import { describe, expect, test } from "vitest";
import type { TensorTable } from "../../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import * as models from "../../support/architectures.ts";
import { layoutNames, readLayout } from "../../support/layout-fixture.ts";
import { tableOf } from "../../support/tensor-table.ts";

/** Names of the tensors that are read the other way than their names promise. */
function turned(table: TensorTable): string[] {
  const { matrices } = describeAnatomy(table, null);
  return matrices.filter(({ colStride, twin }) => colStride !== 1 && twin !== true).map(({ tensor }) => tensor);
}

function linesOf(shapes: Readonly<Record<string, string>>, layers = 3): TensorTable {
  const lines = Object.entries(shapes).flatMap(([name, shape]) =>
    name.includes("#")
      ? Array.from({ length: layers }, (_, n) => `${name.replace("#", `${n}`)} ${shape}`)
      : [`${name} ${shape}`],
  );
  return tableOf(lines.join("\n"));
}

const LLAMA = {
  "model.embed_tokens.weight": "900 64",
  "model.layers.#.self_attn.q_proj.weight": "64 64",
  "model.layers.#.self_attn.k_proj.weight": "64 16",
  "model.layers.#.self_attn.v_proj.weight": "64 16",
  "model.layers.#.self_attn.o_proj.weight": "64 64",
  "model.layers.#.mlp.gate_proj.weight": "64 176",
  "model.layers.#.mlp.up_proj.weight": "64 176",
  "model.layers.#.mlp.down_proj.weight": "176 64",
};

describe("stored as [in, out] under names that promise [out, in]", () => {
  test("the square ones go with the others, and the table stays", () => {
    const table = linesOf(LLAMA);
    expect(turned(table).length).toBe(21);
    const { matrices, notes } = describeAnatomy(table, null);
    expect(notes).toEqual(["21 linears are stored as [in, out], as shapes show"]);
    const down = matrices.find(({ role }) => role === "down")!;
    expect([down.rows, down.cols, down.colStride, down.rowOffset(3), down.axis]).toEqual([64, 176, 64, 3, "neurons"]);
    const plain = describeAnatomy(
      linesOf(Object.fromEntries(Object.entries(LLAMA).map(([name, s]) => [name, turnedShape(name, s)]))),
      null,
    );
    const known = (all: typeof matrices) =>
      all.map(({ tensor, role, rows, cols, axis, block, stack }) => ({ tensor, role, rows, cols, axis, block, stack }));
    expect(known(matrices)).toEqual(known(plain.matrices));
  });

  test("whoever knows how a linear lies is believed, square ones included, and nobody else is turned for it", () => {
    const square = Object.fromEntries(
      Object.entries({ ...LLAMA, "lm_head.weight": "900 64" }).map(([name, s]) => [name, s.replace(/16|176/, "64")]),
    );
    const table = linesOf(square);
    const known = new Map(
      [...table].map(([name, entry]) => [
        name,
        /q_proj|down_proj/.test(name) ? { ...entry, inOut: true as const } : entry,
      ]),
    );
    expect(turned(table)).toEqual([]);
    expect([...new Set(turned(known).map((name) => name.split(".").at(-2)))]).toEqual(["down_proj", "q_proj"]);
    const { matrices } = describeAnatomy(known, null);
    expect(matrices.filter(({ twin, tensor }) => twin === true && known.get(tensor)!.inOut)).toEqual([]);
    const { role, rowOffset } = matrices.find(({ tensor }) => tensor === "model.layers.1.self_attn.q_proj.weight")!;
    expect([role, rowOffset(3)]).toEqual(["q", 3]);
  });

  test("a table may lie so by itself", () => {
    expect(turned(linesOf({ ...LLAMA, "model.embed_tokens.weight": "64 900" }))).toContain("model.embed_tokens.weight");
    const head = { ...LLAMA, "model.layers.#.mlp.up_proj.weight": "176 64", "lm_head.weight": "64 900" };
    expect(turned(linesOf(head))).toContain("lm_head.weight");
  });

  test("a bias tells where widths do not", () => {
    const shapes = {
      "enc.layers.#.fc1.weight": "64 176",
      "enc.layers.#.fc2.weight": "176 64",
      "enc.layers.#.norm.weight": "176",
    };
    expect(turned(linesOf(shapes))).toEqual([]);
    const biases = { "enc.layers.#.fc1.bias": "176", "enc.layers.#.fc2.bias": "64" };
    expect(turned(linesOf({ ...shapes, ...biases })).length).toBe(6);
  });

  test("heads of values may be narrower than those of keys", () => {
    const shapes = {
      ...LLAMA,
      "model.layers.#.self_attn.q_proj.weight": "64 192",
      "model.layers.#.self_attn.k_proj.weight": "64 24",
      "model.layers.#.self_attn.o_proj.weight": "128 64",
    };
    expect(turned(linesOf(shapes)).length).toBe(21);
  });
});

describe("as their names promise", () => {
  test.each(layoutNames().filter((name) => !/gpt2|gpt_bigcode|codegen/.test(name)))("%s", (name) => {
    const { model } = readLayout(name);
    const { notes } = describeAnatomy(model.table, null);
    expect(notes.join()).not.toMatch(/\[in, out\]/);
  });

  test("whatever else there is", () => {
    const all = [models.whisper(), models.resnet50(), models.convnext(), models.timeMixer(), models.mixtureWithMtp()];
    for (const table of all) expect(describeAnatomy(table, null).notes.join()).not.toMatch(/\[in, out\]|both ways/);
    expect(turned(models.mlp([64, 128, 32, 10]))).toEqual([]);
  });

  test("a draft model that reads two streams side by side", () => {
    const eagle = {
      "midlayer.0.self_attn.q_proj.weight": "64 128",
      "midlayer.0.self_attn.k_proj.weight": "64 128",
      "midlayer.0.self_attn.v_proj.weight": "64 128",
      "midlayer.0.self_attn.o_proj.weight": "64 64",
      "midlayer.0.mlp.gate_proj.weight": "176 64",
      "midlayer.0.mlp.up_proj.weight": "176 64",
      "midlayer.0.mlp.down_proj.weight": "64 176",
      "midlayer.0.input_layernorm.weight": "64",
    };
    const layers = (shapes: Record<string, string>) =>
      linesOf(Object.fromEntries(Object.entries(shapes).map(([k, v]) => [k.replace("midlayer.0", "layers.0"), v])));
    expect(turned(layers(eagle))).toEqual([]);
    const grouped = { "midlayer.0.self_attn.k_proj.weight": "16 128", "midlayer.0.self_attn.v_proj.weight": "16 128" };
    expect(turned(layers({ ...eagle, ...grouped }))).toEqual([]);
  });

  test("projections beside the layers that only sound like tables", () => {
    const electra = {
      "electra.embeddings.word_embeddings.weight": "900 32",
      "electra.embeddings.position_embeddings.weight": "64 32",
      "electra.embeddings_project.weight": "64 32",
      "electra.encoder.layer.#.attention.self.query.weight": "64 64",
      "electra.encoder.layer.#.intermediate.dense.weight": "256 64",
      "electra.encoder.layer.#.output.dense.weight": "64 256",
    };
    expect(turned(linesOf(electra))).toEqual([]);
  });

  test("words that contradict each other say nothing", () => {
    const mixer = {
      "layers.#.linear_attn.in_proj_qkv.weight": "128 64",
      "layers.#.linear_attn.in_proj_b.weight": "8 64",
      "layers.#.linear_attn.out_proj.weight": "64 64",
      "layers.#.mlp.gate_proj.weight": "176 64",
      "layers.#.mlp.up_proj.weight": "176 64",
      "layers.#.mlp.down_proj.weight": "64 176",
    };
    expect(turned(linesOf(mixer))).toEqual([]);
  });
});

test("GPT-2's names lie either way and say nothing of what stands beside the layers", () => {
  const gpt2 = {
    "transformer.wte.weight": "900 64",
    "transformer.h.#.attn.c_attn.weight": "64 192",
    "transformer.h.#.attn.c_proj.weight": "64 64",
    "transformer.h.#.mlp.c_fc.weight": "64 256",
    "transformer.h.#.mlp.c_proj.weight": "256 64",
    "score.weight": "5 64",
  };
  expect(turned(linesOf(gpt2)).every((tensor) => tensor.includes(".h."))).toBe(true);
  const clvp = {
    "decoder.layers.#.attn.q_proj.weight": "64 64",
    "decoder.layers.#.attn.k_proj.weight": "64 64",
    "decoder.layers.#.attn.v_proj.weight": "64 64",
    "decoder.layers.#.attn.out_proj.weight": "64 64",
    "decoder.layers.#.mlp.c_fc.weight": "64 256",
    "decoder.layers.#.mlp.c_proj.weight": "256 64",
    "decoder.layers.#.norm.weight": "64",
  };
  expect(turned(linesOf(clvp)).every((tensor) => tensor.includes(".mlp."))).toBe(true);
});

function turnedShape(name: string, shape: string): string {
  return name.includes("#") ? shape.split(" ").reverse().join(" ") : shape;
}
