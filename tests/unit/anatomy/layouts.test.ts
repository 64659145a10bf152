import { describe, expect, test } from "vitest";
import type { CanonicalTensor, TensorTable } from "../../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { splitFusedAttention } from "../../../src/anatomy/fused.ts";
import { headHints } from "../../../src/anatomy/heads.ts";
import { elementsOf, type LayoutFixture, layoutNames, readLayout } from "../../support/layout-fixture.ts";

const FAMILIES: Readonly<Record<string, string>> = {
  mistral: "llama",
  opt_350m: "opt",
  falcon_7b: "falcon",
  falcon_rw: "falcon",
  falcon_40b: "falcon",
  roberta: "bert",
  t5_gated: "t5",
  gpt_bigcode: "gpt2",
};

const UNSPLIT = new Set(["gpt_neox", "bloom", "falcon_rw", "falcon_40b", "gpt_bigcode"]);

/** Roles whose matrices the fixtures hold for every layer. */
const COVERED = new Set(["q", "k", "v", "o", "gate", "up", "down", "cross_q", "cross_k", "cross_v", "cross_o"]);

describe.each(layoutNames())("%s", (name) => {
  const fixture = readLayout(name);
  const table = tableOf(name, fixture);
  const anatomy = describeAnatomy(table, null);
  const views = byKey(anatomy.matrices, table, fixture.config);

  test("every name is understood", () => {
    expect(anatomy.family).toBe(FAMILIES[name] ?? name);
    expect(anatomy.confidence).toBe(1);
    expect(anatomy.notes).toEqual([]);
    expect(anatomy.matrices.filter(({ role }) => role === "unknown")).toEqual([]);
    expect(anatomy.matrices.some(({ role }) => role === "qkv")).toBe(UNSPLIT.has(name));
    const roles = new Map(anatomy.others.map(({ tensor, role }) => [tensor, role]));
    for (const { tensor, role } of anatomy.others) {
      expect(role, tensor).toBe(
        /bias$/.test(tensor) ? "bias" : /norm|ln_|LayerNorm|layrnorm/.test(tensor) ? "norm" : "other",
      );
    }
    const used = new Set(anatomy.matrices.map(({ tensor }) => tensor));
    for (const tensor of fixture.model.table.keys()) expect(used.has(tensor) !== roles.has(tensor), tensor).toBe(true);
  });

  test("every matrix is the one that the library applies, element by element", () => {
    const wanted = [...fixture.expected.table.keys()].filter((key) => !key.startsWith("folded."));
    const found = [...views.keys()].filter((key) => COVERED.has(key.split(".")[3] as string));
    expect(found.sort()).toEqual(wanted.sort());
    for (const key of wanted) {
      const view = views.get(key) as CanonicalTensor;
      expect([view.rows, view.cols], key).toEqual(fixture.expected.table.get(key)?.shape);
      expect(elementsOf(view, fixture.model.values(view.tensor)), key).toEqual(fixture.expected.values(key));
    }
  });

  test("gains are folded exactly where a matrix reads its norm", () => {
    const wanted = [...fixture.expected.table.keys()].filter((key) => key.startsWith("folded."));
    const gained = [...views].filter(([, { gain }]) => gain !== null).map(([key]) => `folded.${key}`);
    const uncovered = /\.(?:router|other|qkv)$/;
    expect(gained.filter((key) => !uncovered.test(key)).sort()).toEqual(wanted.sort());
    for (const key of wanted) {
      const view = views.get(key.slice("folded.".length)) as CanonicalTensor;
      const folded = centredFold(view, fixture);
      const response = fixture.expected.values(key);
      // f16 rounds the stored response; a missing or wrong gain is off by about one.
      folded.forEach((value, i) => {
        expect(Math.abs(value - (response[i] as number)), `${key} ${i}`).toBeLessThan(4e-3);
      });
    }
  });

  test("no config changes a matrix", () => {
    const lies = {
      model_type: "gemma",
      hidden_size: 1,
      num_attention_heads: 3,
      head_dim: 5,
      tie_word_embeddings: true,
    };
    const plain = anatomy.matrices.map(shown);
    expect(describeAnatomy(table, fixture.config).matrices.map(shown)).toEqual(plain);
    const lied = describeAnatomy(table, lies);
    expect(lied.matrices.map(shown)).toEqual(plain);
    expect(lied.family).toBe(anatomy.family);
  });
});

test("head hints are refused where config contradicts the tensors", () => {
  const { model, config } = readLayout("gpt_neox");
  expect(headHints(config, model.table)).toEqual({ layout: "per-head", heads: 4, kvHeads: 4, headSize: 4 });
  expect(headHints({ ...config, num_attention_heads: 3 }, model.table)).toBeNull();
  expect(headHints({ ...config, hidden_size: 32 }, model.table)).toBeNull();
  expect(headHints({}, model.table)).toBeNull();
  expect(headHints(null, model.table)).toBeNull();
  const llama = readLayout("llama");
  expect(headHints(llama.config, llama.model.table)).toBeNull();
});

test("a fused tensor is not split by numbers that do not tile it", () => {
  const { model } = readLayout("falcon_40b");
  const view = describeAnatomy(model.table, null).matrices.find(({ role }) => role === "qkv") as CanonicalTensor;
  expect(splitFusedAttention(view, "grouped", { heads: 4, kvHeads: 2, headSize: 4 })).not.toBeNull();
  expect(splitFusedAttention(view, "per-head", { heads: 4, kvHeads: 2, headSize: 4 })).toBeNull();
  expect(splitFusedAttention(view, "grouped", { heads: 5, kvHeads: 2, headSize: 4 })).toBeNull();
  expect(splitFusedAttention(view, "grouped", { heads: 4, kvHeads: 2, headSize: 0.5 })).toBeNull();
});

/** Gemma 1 is known by a vocabulary that no small fixture can have: the table states the real one. */
function tableOf(name: string, { model }: LayoutFixture): TensorTable {
  if (name !== "gemma") return model.table;
  const embedding = "model.embed_tokens.weight";
  const info = model.table.get(embedding) as NonNullable<ReturnType<TensorTable["get"]>>;
  return new Map([...model.table, [embedding, { ...info, shape: [256_000, info.shape[1] as number] }]]);
}

/** Views by `component.layer.expert.role`; fused attention also taken apart, as callers who know the head count do. */
function byKey(
  matrices: readonly CanonicalTensor[],
  table: TensorTable,
  config: Readonly<Record<string, unknown>>,
): Map<string, CanonicalTensor> {
  const hints = headHints(config, table);
  const views = new Map<string, CanonicalTensor>();
  for (const matrix of matrices) {
    const split = matrix.role === "qkv" && hints !== null ? splitFusedAttention(matrix, hints.layout, hints) : null;
    for (const view of split === null ? [matrix] : [split.q, split.k, split.v]) {
      views.set([view.component, view.layer, view.expert, view.role].join("."), view);
    }
  }
  return views;
}

/** W diag(g) with the mean over columns taken away, as the fixtures hold it. */
function centredFold(view: CanonicalTensor, { model }: LayoutFixture): Float64Array {
  const { rows, cols, gain } = view;
  const gains = model.values((gain as NonNullable<typeof gain>).tensor);
  const elements = elementsOf(view, model.values(view.tensor));
  const offset = gain?.plusOne === true ? 1 : 0;
  for (let i = 0; i < elements.length; i++)
    elements[i] = (elements[i] as number) * ((gains[i % cols] as number) + offset);
  for (let row = 0; row < rows; row++) {
    const part = elements.subarray(row * cols, (row + 1) * cols);
    const mean = part.reduce((sum, value) => sum + value, 0) / cols;
    for (let col = 0; col < cols; col++) part[col] = (part[col] as number) - mean;
  }
  return elements;
}

function shown(matrix: CanonicalTensor): unknown {
  const { rowOffset, ...rest } = matrix;
  return { ...rest, offsets: Array.from({ length: Math.min(matrix.rows, 64) }, (_, row) => rowOffset(row)) };
}
