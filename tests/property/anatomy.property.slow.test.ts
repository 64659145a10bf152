import fc from "fast-check";
import { expect, test } from "vitest";
import type { CanonicalTensor, TensorTable } from "../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../src/anatomy/describe.ts";
import { splitFusedAttention } from "../../src/anatomy/fused.ts";
import { DTYPE_BITS, type Dtype } from "../../src/formats/tensor-info.ts";
import { lineOf } from "../support/tensor-table.ts";

interface Sizes {
  readonly heads: number;
  readonly queries: number;
  readonly headSize: number;
  readonly width: number;
  readonly h: number;
  readonly vocabulary: number;
  readonly layers: number;
  readonly experts: number;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  heads: fc.integer({ min: 1, max: 3 }),
  queries: fc.integer({ min: 1, max: 3 }),
  headSize: fc.integer({ min: 1, max: 4 }),
  width: fc.integer({ min: 2, max: 9 }),
  h: fc.integer({ min: 2, max: 12 }),
  vocabulary: fc.integer({ min: 2, max: 20 }),
  layers: fc.integer({ min: 1, max: 3 }),
  experts: fc.integer({ min: 1, max: 3 }),
});

type Model = (sizes: Sizes) => Readonly<Record<string, readonly number[]>>;

/** One layer of each way to store a block; `#` is the layer number. */
const MODELS: Readonly<Record<string, Model>> = {
  llama: ({ heads, queries, headSize, width, h }) => ({
    "model.layers.#.self_attn.q_proj.weight": [heads * queries * headSize, width],
    "model.layers.#.self_attn.k_proj.weight": [heads * headSize, width],
    "model.layers.#.self_attn.v_proj.weight": [heads * headSize, width],
    "model.layers.#.self_attn.o_proj.weight": [width, heads * queries * headSize],
    "model.layers.#.mlp.gate_proj.weight": [h, width],
    "model.layers.#.mlp.up_proj.weight": [h, width],
    "model.layers.#.mlp.down_proj.weight": [width, h],
    "model.layers.#.input_layernorm.weight": [width],
    "model.layers.#.post_attention_layernorm.weight": [width],
  }),
  phi3: ({ heads, queries, headSize, width, h }) => ({
    "model.layers.#.self_attn.qkv_proj.weight": [heads * (queries + 2) * headSize, width],
    "model.layers.#.self_attn.o_proj.weight": [width, heads * queries * headSize],
    "model.layers.#.mlp.gate_up_proj.weight": [2 * h, width],
    "model.layers.#.mlp.down_proj.weight": [width, h],
    "model.layers.#.input_layernorm.weight": [width],
  }),
  gpt2: ({ width, h }) => ({
    "transformer.h.#.attn.c_attn.weight": [width, 3 * width],
    "transformer.h.#.attn.c_proj.weight": [width, width],
    "transformer.h.#.mlp.c_fc.weight": [width, h],
    "transformer.h.#.mlp.c_proj.weight": [h, width],
    "transformer.h.#.ln_1.weight": [width],
    "transformer.h.#.ln_1.bias": [width],
  }),
  neox: ({ heads, headSize, h }) => ({
    "gpt_neox.layers.#.attention.query_key_value.weight": [3 * heads * headSize, heads * headSize],
    "gpt_neox.layers.#.attention.dense.weight": [heads * headSize, heads * headSize],
    "gpt_neox.layers.#.mlp.dense_h_to_4h.weight": [h, heads * headSize],
    "gpt_neox.layers.#.input_layernorm.weight": [heads * headSize],
  }),
  falcon: ({ heads, queries, headSize }) => ({
    "transformer.h.#.self_attention.query_key_value.weight": [
      heads * (queries + 2) * headSize,
      heads * queries * headSize,
    ],
    "transformer.h.#.self_attention.dense.weight": [heads * queries * headSize, heads * queries * headSize],
    "transformer.h.#.ln_attn.weight": [heads * queries * headSize],
  }),
  convolutions: ({ heads, width, h }) => ({
    "net.stages.#.conv1.weight": [h, width, 3, 3],
    "net.stages.#.conv2.weight": [width, h, 1, 5],
    "net.stages.#.depthwise_conv.weight": [width, 1, 3, 3],
    "net.stages.#.image_conv.weight": [h, heads, 3, 3],
    "net.stages.#.up.deconv.weight": [width + 8, h, 2, 2],
    "net.stages.#.conv_0.kernel": [3, 3, width + 8, h],
    "net.stages.#.norm.weight": [width],
  }),
  recurrent: ({ width, h }) => ({
    "net.#.rnn.weight_ih_l0": [4 * h, width],
    "net.#.rnn.weight_hh_l0": [4 * h, h],
    "net.#.rnn.weight_ih_l1": [4 * h, 2 * h],
    "net.#.other.kernel": [width, 3 * h],
    "net.#.other.recurrent_kernel": [h, 3 * h],
  }),
  experts: ({ experts, width, h }) => ({
    "model.layers.#.mlp.experts.gate_up_proj": [experts, 2 * h, width],
    "model.layers.#.mlp.experts.down_proj": [experts, width, h],
    "model.layers.#.mlp.gate.weight": [experts, width],
    "model.layers.#.post_attention_layernorm.weight": [width],
  }),
};

/** Some files keep some or all of their linears as [in, out]. */
const turned = fc.constantFrom(/^$/, /layers\..*weight$/, /self_attn/, /mlp/, /weight$/);

const model = fc.record({ name: fc.constantFrom(...Object.keys(MODELS)), sizes, turned }).map((one) => {
  const { name, sizes } = one;
  const shapes: [string, readonly number[]][] = [
    ["model.embed_tokens.weight", [sizes.vocabulary, sizes.width]],
    ["lm_head.weight", [sizes.vocabulary, sizes.width]],
    ["model.norm.weight", [sizes.width]],
  ];
  for (let layer = 0; layer < sizes.layers; layer++) {
    const block = (MODELS[name] as Model)(sizes);
    for (const [path, shape] of Object.entries(block)) shapes.push([path.replace("#", String(layer)), shape]);
  }
  return tableOf(
    shapes.map(([path, shape]) => [path, shape.length === 2 && one.turned.test(path) ? [...shape].reverse() : shape]),
  );
});

function tableOf(shapes: readonly (readonly [string, readonly number[]])[], dtype: Dtype = "BF16"): TensorTable {
  return new Map(shapes.map(([name, shape]) => [name, { name, dtype, shape }]));
}

const product = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** How often the views of each tensor touch each of its elements. */
function touched(matrices: readonly CanonicalTensor[], table: TensorTable): Map<string, Uint8Array> {
  const counts = new Map<string, Uint8Array>();
  for (const { tensor, rows, cols, rowOffset, colStride } of matrices) {
    const size = product((table.get(tensor) as NonNullable<ReturnType<TensorTable["get"]>>).shape);
    const count = counts.get(tensor) ?? new Uint8Array(size);
    counts.set(tensor, count);
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const at = rowOffset(row) + col * colStride;
        if (!(at >= 0 && at < size)) throw new Error(`${tensor} has no element ${at}`);
        count[at] = (count[at] as number) + 1;
      }
    }
  }
  return counts;
}

test("views of a tensor tile it: every element belongs to exactly one matrix, twins aside", () => {
  fc.assert(
    fc.property(model, (table) => {
      const anatomy = describeAnatomy(table, null);
      const twins = anatomy.matrices.filter(({ twin }) => twin === true);
      for (const counts of touched(twins, table).values()) expect(counts.every((count) => count === 1)).toBe(true);
      const plain = anatomy.matrices.filter(({ twin }) => twin !== true);
      for (const [tensor, counts] of touched(plain, table)) {
        expect(
          counts.every((count) => count === 1),
          tensor,
        ).toBe(true);
      }
      const placed = new Set([...anatomy.matrices, ...anatomy.others].map(({ tensor }) => tensor));
      expect([...placed].sort()).toEqual([...table.keys()].sort());
    }),
    { numRuns: 200 },
  );
});

test("fused attention taken apart by head count tiles it too, and gives each part its rows", () => {
  const shape = fc.record({
    kvHeads: fc.integer({ min: 1, max: 4 }),
    queries: fc.integer({ min: 1, max: 4 }),
    headSize: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(shape, fc.boolean(), ({ kvHeads, queries, headSize }, perHead) => {
      const heads = perHead ? kvHeads : kvHeads * queries;
      const rows = (heads + 2 * kvHeads) * headSize;
      const table = tableOf([["gpt_neox.layers.0.attention.query_key_value.weight", [rows, 3]]]);
      const [view] = describeAnatomy(table, null).matrices as [CanonicalTensor];
      // Without the output projection only 3 d rows can be told; this one is not.
      const split = splitFusedAttention(view, perHead ? "per-head" : "grouped", { heads, kvHeads, headSize });
      if (split === null) throw new Error("must split");
      const { q, k, v } = split;
      expect([q.rows, k.rows, v.rows]).toEqual([heads, kvHeads, kvHeads].map((n) => n * headSize));
      for (const counts of touched([q, k, v], table).values()) expect(counts.every((n) => n === 1)).toBe(true);
    }),
  );
});

test("the order of the table changes nothing", () => {
  fc.assert(
    fc.property(
      model.chain((table) =>
        fc.tuple(fc.constant(table), fc.shuffledSubarray([...table], { minLength: table.size, maxLength: table.size })),
      ),
      ([table, shuffled]) => {
        const a = describeAnatomy(table, null);
        const b = describeAnatomy(new Map(shuffled), null);
        expect(b.matrices.map(lineOf)).toEqual(a.matrices.map(lineOf));
        expect({ ...b, matrices: [] }).toEqual({ ...a, matrices: [] });
      },
    ),
    { numRuns: 100 },
  );
});

test("wrapping prefixes change nothing but tensor names", () => {
  const prefixes = fc.array(
    fc.constantFrom("model.", "language_model.", "base_model.model.", "module.", "_orig_mod."),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(model, prefixes, (table, parts) => {
      const prefix = parts.join("");
      const wrapped = new Map(
        [...table.values()].map((info) => [prefix + info.name, { ...info, name: prefix + info.name }]),
      );
      const bare = (matrix: CanonicalTensor): string => {
        const { gain } = matrix;
        return lineOf(
          gain === null ? matrix : { ...matrix, gain: { ...gain, tensor: gain.tensor.slice(prefix.length) } },
        );
      };
      expect(describeAnatomy(wrapped, null).matrices.map(bare)).toEqual(
        describeAnatomy(table, null).matrices.map(lineOf),
      );
    }),
    { numRuns: 100 },
  );
});

test("no config, however wild, changes a matrix or throws", () => {
  fc.assert(
    fc.property(model, fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (table, config, value) => {
      const wild = { ...config, hidden_size: value, num_hidden_layers: value, text_config: value, model_type: value };
      const a = describeAnatomy(table, null);
      const b = describeAnatomy(table, wild);
      expect(b.matrices.map(lineOf)).toEqual(a.matrices.map(lineOf));
      expect(b.family).toBe(a.family);
    }),
    { numRuns: 100 },
  );
});

const segment = fc.constantFrom(
  ..."model layers h block experts shared_experts 0 1 2 99999999999 007 self_attn attention attn mlp c_attn q_proj wq qkv".split(
    " ",
  ),
  ..."gate_up_proj gate up_proj query_key_value dense c_fc weight bias norm input_layernorm lm_head embed_tokens patch".split(
    " ",
  ),
  ..."__proto__ constructor hasOwnProperty toString encoder decoder layer DenseReluDense wi vision_tower visual proj".split(
    " ",
  ),
  ..."conv1 deconv kernel recurrent_kernel weight_ih_l0 weight_hh_l0 weight_hh_l1_reverse patch_mixer embeddings matrices".split(
    " ",
  ),
  "",
);
const hostileName = fc.oneof(
  fc.array(segment, { maxLength: 7 }).map((path) => path.join(".")),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.integer({ min: 400, max: 2000 }).map((n) => "layers.0.".repeat(n)),
);
const hostileShape = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(4097, 2 ** 31, 2 ** 40)), {
  maxLength: 5,
});

test("hostile names and shapes never throw, lose no tensor and make no view that leaves its tensor", () => {
  const entry = fc.tuple(hostileName, hostileShape, fc.constantFrom(...(Object.keys(DTYPE_BITS) as Dtype[])));
  const inherited = Object.getOwnPropertyNames(Object.prototype);
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const table: TensorTable = new Map(entries.map(([name, shape, dtype]) => [name, { name, dtype, shape }]));
      const anatomy = describeAnatomy(table, null);
      const placed = new Set([...anatomy.matrices, ...anatomy.others].map(({ tensor }) => tensor));
      expect([...placed].sort()).toEqual([...table.keys()].sort());
      expect(anatomy.confidence).toBeGreaterThanOrEqual(0);
      expect(anatomy.confidence).toBeLessThanOrEqual(1);
      for (const { tensor, rows, cols, rowOffset, colStride, gain } of anatomy.matrices) {
        const size = product((table.get(tensor) as NonNullable<ReturnType<TensorTable["get"]>>).shape);
        expect(rows > 0 && cols > 0).toBe(true);
        expect(rowOffset(0)).toBeGreaterThanOrEqual(0);
        expect(rowOffset(rows - 1) + (cols - 1) * colStride).toBeLessThan(size);
        if (gain !== null) expect(table.get(gain.tensor)?.shape).toEqual([cols]);
      }
    }),
    { numRuns: 500 },
  );
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited);
});

test("labels: runs fit their matrices, stacks fit the file, and layers of one stack share its path", () => {
  const entry = fc.tuple(hostileName, hostileShape);
  fc.assert(
    fc.property(
      fc.oneof(
        model,
        fc.array(entry, { maxLength: 30 }).map((entries) => tableOf(entries)),
      ),
      (table) => {
        for (const { axis, block, cols, stack, twin, layer, role } of describeAnatomy(table, null).matrices) {
          expect(stack.length).toBeLessThanOrEqual(100);
          expect(stack).not.toBe("");
          expect(Number.isSafeInteger(block) && block >= 1 && cols % block === 0).toBe(true);
          if (axis !== "channels") expect(block).toBe(cols);
          else expect(cols === 1 || block >= 2).toBe(true);
          if (twin === true) expect(axis === "channels").toBe(role === "unknown");
          if (stack === "embeddings") expect(layer).toBe(-1);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("no two stacks of a model have one name", () => {
  const path = fc.constantFrom(
    "",
    "model",
    "embeddings",
    "matrices",
    "(layers)",
    "a (stack)",
    "a",
    "x".repeat(99),
    "y".repeat(150),
  );
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 2 }), (paths) => {
      const names = paths.map((path) => `${path === "" ? "" : `${path}.`}0.self_attn.q_proj.weight`);
      const { matrices } = describeAnatomy(tableOf(names.map((name) => [name, [16, 16]])), null);
      const layered = matrices.filter(({ layer }) => layer >= 0);
      expect(new Set(layered.map(({ stack }) => stack)).size).toBe(layered.length);
    }),
  );
});

test("expert tensors cannot ask for more views than experts there can be", () => {
  const stacked = (experts: number, layers: number): number => {
    const shapes = Array.from({ length: layers }, (_, layer) => {
      return [`model.layers.${layer}.mlp.experts.down_proj`, [experts, 4, 2]] as const;
    });
    return describeAnatomy(tableOf(shapes), null).matrices.length;
  };
  expect(stacked(4096, 1)).toBe(4096);
  expect(stacked(4097, 1)).toBe(1);
  // 64 such tensors use up what a model may have; each further one stays whole.
  expect(stacked(4096, 66)).toBe(64 * 4096 + 2);
});

test("many tensors take time in proportion: work per tensor does not grow with their number", () => {
  // Names are counted, not timed: every table access is seen by a map that counts them.
  class Counting extends Map<string, { name: string; dtype: Dtype; shape: readonly number[] }> {
    gets = 0;
    override get(key: string) {
      this.gets += 1;
      return super.get(key);
    }
  }
  const accesses = (count: number): number => {
    const table = new Counting();
    for (let i = 0; i < count; i++) {
      const name = i % 3 === 0 ? `model.layers.${i}.self_attn.q_proj.weight` : `x${i}.${i % 2 === 0 ? "norm" : "w"}`;
      table.set(name, { name, dtype: "F32", shape: i % 5 === 0 ? [i + 2] : [i + 2, 7] });
    }
    const { matrices, others } = describeAnatomy(table, null);
    expect(matrices.filter(({ twin }) => twin !== true).length + others.length).toBe(count);
    return table.gets;
  };
  expect(accesses(8_000)).toBeLessThanOrEqual(4.1 * accesses(2_000));
});
