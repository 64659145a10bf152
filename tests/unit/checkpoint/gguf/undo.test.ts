import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { RowReader } from "../../../../src/rows/row-reader.ts";
import {
  type GgufTensorParts,
  ggufFile,
  interleaved,
  type MetadataParts,
  quantised,
} from "../../../support/gguf-file.mjs";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

interface Matrix {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Every value another one, exact in f16. */
function counting(...shape: number[]): Matrix {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: size }, (_, i) => i % 2048) };
}

function rowsOf({ shape, values }: Matrix): Float32Array[] {
  const columns = values.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
}

function joined(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** Groups of heads, each `q` of queries, then k and v, as all q, all k and all v: what converters make of fused attention. */
function regrouped(matrix: Matrix, groups: number, q: number): Float32Array {
  const rows = rowsOf(matrix);
  const size = rows.length / groups / (q + 2);
  const slots = (from: number, to: number) =>
    Array.from({ length: groups }, (_, group) => {
      const at = group * (q + 2) * size;
      return rows.slice(at + from * size, at + to * size);
    }).flat();
  return joined([...slots(0, q), ...slots(q, q + 1), ...slots(q + 1, q + 2)]);
}

function parts(matrix: Matrix, ...sizes: number[]): Matrix[] {
  const rows = rowsOf(matrix);
  let at = 0;
  return sizes.map((size) => {
    const values = joined(rows.slice(at, at + size));
    at += size;
    return { shape: [size, ...matrix.shape.slice(1)], values };
  });
}

interface Stored extends Matrix {
  readonly name: string;
  readonly type?: string;
}

async function opened(architecture: string, metadata: readonly MetadataParts[], tensors: readonly Stored[]) {
  const path = join(temporaryDirectory(), "model.gguf");
  const keys: MetadataParts[] = metadata.map(([key, type, value]) => [`${architecture}.${key as string}`, type, value]);
  const stored = tensors.map(({ name, type = "F32", shape, values }): GgufTensorParts => {
    return { name, type, shape, data: quantised(values, type) };
  });
  writeFileSync(
    path,
    ggufFile({ metadata: [["general.architecture", "text", architecture], ...keys], tensors: stored }),
  );
  const checkpoint = await openCheckpoint(path);
  const reader = new RowReader(checkpoint);
  const found = new Map<string, Matrix>();
  for (const [name, { shape }] of checkpoint.tensors) {
    found.set(name, {
      shape,
      values: await reader.elements(
        name,
        0,
        shape.reduce((a, b) => a * b, 1),
      ),
    });
  }
  await checkpoint.close();
  return { found, notes: checkpoint.notes, tensors: checkpoint.tensors };
}

const HEADS: readonly MetadataParts[] = [
  ["attention.head_count", "u32", 4],
  ["attention.head_count_kv", "u32", 2],
];

describe("what llama.cpp's converter did is undone", () => {
  it.each(["F32", "F16", "BF16"])(
    "rows of q and k, and their biases, that were interleaved for rope, in %s",
    async (type) => {
      const [q, k, v] = [counting(32, 8), counting(16, 8), counting(16, 8)];
      const values = (matrix: Matrix) =>
        type === "BF16" ? { ...matrix, values: matrix.values.map((x) => x % 128) } : matrix;
      const bias = counting(32);
      const { found, notes, tensors } = await opened("llama", HEADS, [
        { name: "blk.0.attn_q.weight", type, ...values(q), values: interleaved(values(q).values, 32, 4) },
        { name: "blk.0.attn_k.weight", type, ...values(k), values: interleaved(values(k).values, 16, 2) },
        { name: "blk.0.attn_v.weight", type, ...values(v) },
        { name: "blk.0.attn_q.bias", ...bias, values: interleaved(bias.values, 32, 4) },
      ]);
      const at = "model.layers.0.self_attn";
      expect(found.get(`${at}.q_proj.weight`)).toEqual(values(q));
      expect(found.get(`${at}.k_proj.weight`)).toEqual(values(k));
      expect(found.get(`${at}.v_proj.weight`)).toEqual(values(v));
      expect(found.get(`${at}.q_proj.bias`)).toEqual(bias);
      expect(tensors.get(`${at}.v_proj.weight`)).toMatchObject({ dtype: type });
      expect(tensors.get(`${at}.v_proj.weight`)!.scheme).toBeUndefined();
      expect(tensors.get(`${at}.q_proj.weight`)).toMatchObject({ dtype: "F32", scheme: type });
      expect(notes).toEqual([]);
    },
  );

  it("heads that are not the same in all layers, and one count for queries and keys", async () => {
    const [a, b] = [counting(16, 4), counting(24, 4)];
    const perLayer: MetadataParts[] = [["attention.head_count", "array", { of: "i32", items: [4, 2] }]];
    const { found } = await opened("olmo", perLayer, [
      { name: "blk.0.attn_k.weight", ...a, values: interleaved(a.values, 16, 4) },
      { name: "blk.1.attn_q.weight", ...b, values: interleaved(b.values, 24, 2) },
    ]);
    expect(found.get("model.layers.0.self_attn.k_proj.weight")).toEqual(a);
    expect(found.get("model.layers.1.self_attn.q_proj.weight")).toEqual(b);
  });

  it.each([
    ["gptneox", "gpt_neox.layers.0.attention.query_key_value"],
    ["bloom", "transformer.h.0.self_attention.query_key_value"],
  ])("fused attention of %s, head by head", async (architecture, name) => {
    const [fused, bias] = [counting(48, 8), counting(48)];
    const { found } = await opened(
      architecture,
      [HEADS[0]!],
      [
        { name: "blk.0.attn_qkv.weight", ...fused, values: regrouped(fused, 4, 1) },
        { name: "blk.0.attn_qkv.bias", ...bias, values: regrouped(bias, 4, 1) },
      ],
    );
    expect(found.get(`${name}.weight`)).toEqual(fused);
    expect(found.get(`${name}.bias`)).toEqual(bias);
  });

  it("fused attention of Falcon, group by group", async () => {
    const fused = counting(2 * (2 + 2) * 4, 8);
    const { found } = await opened("falcon", HEADS, [
      { name: "blk.0.attn_qkv.weight", ...fused, values: regrouped(fused, 2, 2) },
      { name: "blk.0.attn_norm.weight", ...counting(8) },
      { name: "blk.0.attn_norm_2.weight", ...counting(8) },
    ]);
    expect(found.get("transformer.h.0.self_attention.query_key_value.weight")).toEqual(fused);
    expect([...found.keys()].slice(1)).toEqual(["transformer.h.0.ln_mlp.weight", "transformer.h.0.ln_attn.weight"]);
    const small = await opened("falcon", HEADS, [{ name: "blk.0.attn_norm.weight", ...counting(8) }]);
    expect([...small.found.keys()]).toEqual(["transformer.h.0.input_layernorm.weight"]);
  });

  it("q, k and v that the converter fused, where Hugging Face keeps them apart", async () => {
    const [q, k, v] = [counting(32, 16), counting(16, 16), counting(16, 16)];
    const bias = counting(64);
    const stored = [interleaved(q.values, 32, 4), interleaved(k.values, 16, 2), v.values];
    const fused: Stored = {
      name: "blk.0.attn_qkv.weight",
      type: "Q8_0",
      shape: [64, 32],
      values: counting(64, 32).values.map((x) => x / 2048),
    };
    const whole = { shape: [64, 16], values: joined(stored) };
    const llama = await opened("llama", HEADS, [{ name: "blk.0.attn_qkv.weight", ...whole }]);
    expect(llama.found).toEqual(
      new Map([
        ["model.layers.0.self_attn.q_proj.weight", q],
        ["model.layers.0.self_attn.k_proj.weight", k],
        ["model.layers.0.self_attn.v_proj.weight", v],
      ]),
    );
    const qwen = await opened("qwen2", HEADS, [fused, { name: "blk.0.attn_qkv.bias", ...bias }]);
    const names = ["q_proj", "k_proj", "v_proj"].map((name) => `model.layers.0.self_attn.${name}`);
    expect(names.map((name) => qwen.tensors.get(`${name}.weight`)!.shape)).toEqual([
      [32, 32],
      [16, 32],
      [16, 32],
    ]);
    const whole8 = (await opened("phi3", HEADS, [fused])).found.get("model.layers.0.self_attn.qkv_proj.weight")!;
    expect(joined(names.map((name) => qwen.found.get(`${name}.weight`)!.values))).toEqual(whole8.values);
    expect(joined(names.map((name) => qwen.found.get(`${name}.bias`)!.values))).toEqual(bias.values);
    // Without heads, and where they do not divide the rows, it stays as it is.
    for (const [heads, rows] of [
      [[], 64],
      [HEADS, 60],
    ] as const) {
      const odd = await opened("qwen2", [...heads], [{ name: "blk.0.attn_qkv.weight", ...counting(rows, 8) }]);
      expect([...odd.found.keys()]).toEqual(["blk.0.attn_qkv.weight"]);
    }
  });

  it("q, k and v of Baichuan and InternLM2 are one again, of whatever types", async () => {
    const pack = counting(96, 32);
    const [q, k, v] = parts(pack, 32, 32, 32) as [Matrix, Matrix, Matrix];
    const baichuan = await opened(
      "baichuan",
      [HEADS[0]!],
      [
        { name: "blk.0.attn_q.weight", ...q, values: interleaved(q.values, 32, 4) },
        { name: "blk.0.attn_k.weight", type: "F16", ...k, values: interleaved(k.values, 32, 4) },
        { name: "blk.0.attn_v.weight", ...v },
      ],
    );
    expect(baichuan.found).toEqual(new Map([["model.layers.0.self_attn.W_pack.weight", pack]]));
    expect(baichuan.tensors.get("model.layers.0.self_attn.W_pack.weight")!.scheme).toBe("F32, F16");

    const fused = counting(2 * 4 * 8, 16);
    const [gq, gk, gv] = parts({ ...fused, values: regrouped(fused, 2, 2) }, 32, 16, 16) as [Matrix, Matrix, Matrix];
    const internlm = await opened("internlm2", HEADS, [
      { name: "blk.3.attn_v.weight", ...gv },
      { name: "blk.3.attn_k.weight", ...gk, values: interleaved(gk.values, 16, 2) },
      { name: "blk.3.attn_q.weight", ...gq, values: interleaved(gq.values, 32, 4) },
    ]);
    expect(internlm.found).toEqual(new Map([["model.layers.3.attention.wqkv.weight", fused]]));
  });

  it("DeepSeek's second projection, whose keys are stored transposed", async () => {
    const [heads, nope, value, rank] = [2, 3, 5, 4];
    const whole = counting(heads * (nope + value), rank);
    const rows = rowsOf(whole);
    const keys = Float32Array.from(
      Array.from({ length: heads * rank * nope }, (_, i) => {
        const [head, c, r] = [Math.floor(i / (rank * nope)), Math.floor(i / nope) % rank, i % nope];
        return rows[head * (nope + value) + r]![c]!;
      }),
    );
    const values = Array.from({ length: heads }, (_, head) => {
      const at = head * (nope + value) + nope;
      return joined(rows.slice(at, at + value));
    });
    const { found } = await opened(
      "deepseek2",
      [],
      [
        { name: "blk.1.attn_k_b.weight", shape: [heads, rank, nope], values: keys },
        { name: "blk.1.attn_v_b.weight", shape: [heads, value, rank], values: joined(values) },
        { name: "blk.1.exp_probs_b.bias", ...counting(4) },
      ],
    );
    expect(found.get("model.layers.1.self_attn.kv_b_proj.weight")).toEqual(whole);
    expect([...found.keys()][1]).toBe("model.layers.1.mlp.gate.e_score_correction_bias");
  });

  it("Gemma's norms lose the one that was added", async () => {
    const norm = { shape: [4], values: Float32Array.of(0.5, -0.25, 2, 0) };
    const { found } = await opened(
      "gemma2",
      [],
      [
        { name: "blk.0.ffn_norm.weight", ...norm, values: norm.values.map((x) => x + 1) },
        { name: "output_norm.weight", ...norm, values: norm.values.map((x) => x + 1) },
        { name: "token_embd.weight", ...counting(3, 4) },
      ],
    );
    expect(found.get("model.layers.0.pre_feedforward_layernorm.weight")).toEqual(norm);
    expect(found.get("model.norm.weight")).toEqual(norm);
    expect(found.get("model.embed_tokens.weight")).toEqual(counting(3, 4));
  });

  it("experts stand apart, their biases as well, and the gate of Qwen's shared one has its axis again", async () => {
    const stack = counting(3, 4, 32);
    const { found } = await opened(
      "qwen2moe",
      [],
      [
        { name: "blk.0.ffn_up_exps.weight", ...stack },
        { name: "blk.0.ffn_gate_exps.weight", type: "F16", ...stack },
        { name: "blk.0.ffn_gate_inp_shexp.weight", ...counting(8) },
      ],
    );
    for (const role of ["up", "gate"]) {
      for (const expert of [0, 1, 2]) {
        const values = stack.values.slice(expert * 128, (expert + 1) * 128);
        expect(found.get(`model.layers.0.mlp.experts.${expert}.${role}_proj.weight`)).toEqual({
          shape: [4, 32],
          values,
        });
      }
    }
    expect(found.get("model.layers.0.mlp.shared_expert_gate.weight")).toEqual({ ...counting(8), shape: [1, 8] });
    const oss = await opened(
      "gpt-oss",
      [],
      [
        { name: "blk.0.ffn_down_exps.bias", ...counting(2, 4) },
        { name: "blk.0.attn_sinks.weight", ...counting(4) },
      ],
    );
    expect([...oss.found.keys()]).toEqual([
      "model.layers.0.mlp.experts.0.down_proj.bias",
      "model.layers.0.mlp.experts.1.down_proj.bias",
      "model.layers.0.self_attn.sinks",
    ]);
    expect(oss.found.get("model.layers.0.mlp.experts.1.down_proj.bias")!.values).toEqual(Float32Array.of(4, 5, 6, 7));
    const old = await opened("llama", [], [{ name: "blk.2.ffn_gate.7.weight", ...counting(4, 8) }]);
    expect([...old.found.keys()]).toEqual(["model.layers.2.block_sparse_moe.experts.7.w1.weight"]);
  });
});

describe("what cannot be undone is not guessed", () => {
  it("rows stay as they lie where heads are missing, do not fit, or rows cannot be taken apart", async () => {
    const q = counting(32, 32);
    const cases: [readonly MetadataParts[], Partial<Stored>][] = [
      [[], {}],
      [[["attention.head_count", "u32", 5]], {}],
      [[["attention.head_count", "u32", 32]], {}],
      [[["attention.head_count", "text", "4"]], {}],
      [
        [
          ["attention.head_count", "u32", 4],
          ["attention.head_count_kv", "u32", 0],
        ],
        {},
      ],
      [HEADS, { shape: [2, 16, 32] }],
    ];
    for (const [metadata, changed] of cases) {
      const { found, notes } = await opened("llama", metadata, [{ name: "blk.0.attn_q.weight", ...q, ...changed }]);
      expect(found.get("model.layers.0.self_attn.q_proj.weight")!.values).toEqual(q.values);
      expect(notes).toEqual([
        'the heads that the file tells do not fit 1 tensors, whose rows stay in the order of GGUF: "blk.0.attn_q.weight"',
      ]);
    }
  });

  it("parts that are not whole, or do not fit, stay apart", async () => {
    const part = (name: string, ...shape: number[]): Stored => ({
      name: `blk.0.${name}.weight`,
      ...counting(...shape),
    });
    const cases: [string, readonly Stored[]][] = [
      ["baichuan", [part("attn_q", 32, 32), part("attn_v", 32, 32)]],
      ["baichuan", [part("attn_q", 32, 32), part("attn_k", 32, 16), part("attn_v", 32, 32)]],
      ["internlm2", [part("attn_q", 32, 32), part("attn_k", 32, 32), part("attn_v", 32, 32)]],
      ["internlm2", [part("attn_q", 32, 32), part("attn_k", 16, 32), part("attn_v", 8, 32)]],
      ["deepseek2", [part("attn_k_b", 2, 4, 3), part("attn_v_b", 3, 5, 4)]],
      ["deepseek2", [part("attn_k_b", 8, 3), part("attn_v_b", 2, 5, 4)]],
    ];
    for (const [architecture, tensors] of cases) {
      const { found, notes } = await opened(architecture, HEADS, tensors);
      expect(found.size).toBe(tensors.length);
      expect(notes.some((note) => note.startsWith("the heads that the file tells do not fit 1 tensors"))).toBe(true);
    }
  });

  it("architectures and tensors that are not known keep their names, and what is computed is left out", async () => {
    const tensors = [
      { name: "blk.0.attn_q.weight", ...counting(8, 32) },
      { name: "rope_freqs.weight", ...counting(4) },
      { name: "blk.00.attn_k.weight", ...counting(8, 32) },
    ];
    const unknown = await opened("mystery", HEADS, tensors);
    expect([...unknown.found.keys()]).toEqual(["blk.0.attn_q.weight", "blk.00.attn_k.weight"]);
    expect(unknown.notes[0]).toMatch(/^the architecture "mystery" is not known: tensors have the names of GGUF/);
    const known = await opened("qwen2", [], tensors);
    expect([...known.found.keys()]).toEqual(["model.layers.0.self_attn.q_proj.weight", "blk.00.attn_k.weight"]);
    expect(known.notes).toEqual(['1 tensors keep their names of GGUF: "blk.00.attn_k.weight"']);
  });
});
