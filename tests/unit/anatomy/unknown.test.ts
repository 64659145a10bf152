import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Anatomy, TensorTable } from "../../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { shapeClass } from "../../../src/anatomy/view.ts";
import { layoutNames, readLayout } from "../../support/layout-fixture.ts";
import { lineOf } from "../../support/tensor-table.ts";

const llama = readLayout("llama").model.table;

function renamed(table: TensorTable, rename: (name: string) => string): TensorTable {
  return new Map([...table.values()].map((info) => [rename(info.name), { ...info, name: rename(info.name) }]));
}

function replaceAll(name: string, words: readonly (readonly [string, string])[]): string {
  return words.reduce((text, [from, to]) => text.replace(from, to), name);
}

const scrambled = (name: string): string => createHash("sha256").update(name).digest("hex").slice(0, 12);

/** Everything but the tensors' names, in the order of the lines. */
function bones(anatomy: Anatomy): readonly string[] {
  return anatomy.matrices
    .map(({ gain, ...matrix }) => `${lineOf({ ...matrix, gain: null })}${gain === null ? "" : " gained"}`)
    .sort();
}

describe("systematic renames keep every role, layer and gain", () => {
  const styles: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    "net.blocks": [
      ["model.embed_tokens", "net.tok"],
      ["model.norm", "net.final_rms"],
      ["lm_head", "net.unembed"],
      ["model.layers", "net.blocks"],
      ["self_attn.q_proj", "attention.wq"],
      ["self_attn.k_proj", "attention.wk"],
      ["self_attn.v_proj", "attention.wv"],
      ["self_attn.o_proj", "attention.wo"],
      ["mlp.", "ffn."],
      ["gate_proj", "w1"],
      ["up_proj", "w3"],
      ["down_proj", "w2"],
      ["input_layernorm", "pre_attn_rms"],
      ["post_attention_layernorm", "pre_ffn_rms"],
    ],
    "camel case": [
      ["model.embed_tokens", "backbone.tokenEmbedding"],
      ["model.norm", "backbone.lastNorm"],
      ["lm_head", "logitsHead"],
      ["model.layers.", "backbone.stage."],
      ["self_attn.", "selfAttention."],
      ["q_proj", "queryLinear"],
      ["k_proj", "keyLinear"],
      ["v_proj", "valueLinear"],
      ["o_proj", "outLinear"],
      ["mlp.", "feedForward."],
      ["gate_proj", "gateLinear"],
      ["up_proj", "upLinear"],
      ["down_proj", "downLinear"],
      ["input_layernorm", "normFirst"],
      ["post_attention_layernorm", "normSecond"],
    ],
  };
  test.each(Object.entries(styles))("%s", (_, words) => {
    const anatomy = describeAnatomy(
      renamed(llama, (name) => replaceAll(name, words)),
      null,
    );
    expect(bones(anatomy)).toEqual(bones(describeAnatomy(llama, null)));
    expect(anatomy.confidence).toBeLessThan(1);
    expect(anatomy.confidence).toBeGreaterThan(0.85);
    expect(anatomy.notes.length).toBe(1);
  });
});

test("numbers count layers where words say nothing, and shapes limit the roles", () => {
  const leaves = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
  const table = renamed(llama, (name) => {
    const leaf = leaves.findIndex((leaf) => name.includes(leaf));
    const layer = /layers\.(\d+)/.exec(name)?.[1];
    return layer === undefined || leaf < 0 ? scrambled(name) : `x.${layer}.y${"abcdefg"[leaf]}`;
  });
  const anatomy = describeAnatomy(table, null);
  const layer1 = anatomy.matrices.filter(({ layer }) => layer === 1);
  expect(layer1.map(({ tensor, role, candidates }) => `${tensor} ${role} ${candidates}`)).toEqual([
    "x.1.yg down undefined",
    "x.1.yd o undefined",
    "x.1.ya q undefined",
    "x.1.yb unknown k,v",
    "x.1.yc unknown k,v",
    "x.1.ye unknown gate,up",
    "x.1.yf unknown gate,up",
  ]);
});

test("what words leave open shapes settle, and gains follow where all candidates read one norm", () => {
  const words = [
    ["model.embed_tokens", "net.table"],
    ["model.norm", "net.last_scale"],
    ["lm_head", "net.unembed"],
    ["model.layers", "net.blocks"],
    ["self_attn.q_proj", "attention.wq"],
    ["self_attn.k_proj", "attention.wk"],
    ["self_attn.v_proj", "attention.wv"],
    ["self_attn.o_proj", "attention.wo"],
    ["mlp.gate_proj", "feed.wa"],
    ["mlp.up_proj", "feed.wb"],
    ["mlp.down_proj", "feed.wc"],
    ["input_layernorm", "scale_1"],
    ["post_attention_layernorm", "scale_2"],
  ] as const;
  const tied = new Map([...llama].filter(([name]) => name !== "lm_head.weight"));
  const anatomy = describeAnatomy(
    renamed(tied, (name) => replaceAll(name, words)),
    null,
  );
  const lines = anatomy.matrices
    .filter(({ layer }) => layer < 1)
    .map((matrix) => `${lineOf(matrix)} ${matrix.candidates ?? ""}`.trim());
  expect(lines).toEqual([
    "language -1 embed 40x16 @0,16",
    "language 0 down 16x24 @0,24",
    "language 0 k 16x16 @0,16 < net.blocks.0.scale_1.weight",
    "language 0 o 16x32 @0,32",
    "language 0 q 32x16 @0,16 < net.blocks.0.scale_1.weight",
    "language 0 unknown 24x16 @0,16 < net.blocks.0.scale_2.weight gate,up",
    "language 0 unknown 24x16 @0,16 < net.blocks.0.scale_2.weight gate,up",
    "language 0 v 16x16 @0,16 < net.blocks.0.scale_1.weight",
  ]);
  expect(anatomy.notes.length).toBe(2);
});

/** Families whose fixtures give different roles different shapes, as real models do. */
test.each(["llama", "qwen2", "gemma2", "gpt2", "opt", "gpt_neox", "bloom", "phi3", "falcon_40b"])(
  "scrambled %s: the true role is among the candidates",
  (name) => {
    const { table } = readLayout(name).model;
    const truth = new Map(describeAnatomy(table, null).matrices.map((matrix) => [scrambled(matrix.tensor), matrix]));
    const roles = new Map<string, Set<string>>();
    for (const { tensor, role } of describeAnatomy(table, null).matrices) {
      const key = scrambled(tensor);
      roles.set(key, (roles.get(key) ?? new Set()).add(role));
    }
    const anatomy = describeAnatomy(renamed(table, scrambled), null);
    expect(anatomy.family).toBe("unknown");
    expect(anatomy.confidence).toBeLessThan(0.5);
    expect(anatomy.notes.length).toBe(1);
    let limited = 0;
    for (const matrix of anatomy.matrices) {
      expect([matrix.role, matrix.layer, matrix.gain]).toEqual(["unknown", -1, null]);
      const actual = roles.get(matrix.tensor) as Set<string>;
      if (matrix.candidates === undefined) continue;
      limited += 1;
      const fused = actual.has("q") && actual.has("k");
      const possible = fused ? matrix.candidates.includes("qkv") : matrix.candidates.some((role) => actual.has(role));
      expect(possible, `${[...actual]} ${shapeClass(matrix)} ${matrix.candidates}`).toBe(true);
      const one = truth.get(matrix.tensor);
      if (!fused && actual.size === 1) expect(shapeClass(matrix)).toBe(shapeClass(one as NonNullable<typeof one>));
    }
    expect(limited).toBeGreaterThanOrEqual(0.8 * anatomy.matrices.length);
  },
);

test("every fixture keeps its matrices' bytes when scrambled: nothing is dropped", () => {
  for (const name of layoutNames()) {
    const { table } = readLayout(name).model;
    const tensors = new Set(
      describeAnatomy(table, null)
        .matrices.filter(({ rows, cols }) => rows > 1 && cols > 1)
        .map(({ tensor }) => scrambled(tensor)),
    );
    const found = new Set(describeAnatomy(renamed(table, scrambled), null).matrices.map(({ tensor }) => tensor));
    expect(
      [...tensors].filter((tensor) => !found.has(tensor)),
      name,
    ).toEqual([]);
  }
});
