import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { modulePattern } from "../../src/checkpoint/adapter/module-pattern.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { drawn, mergedOf, modelOf, product, valuesOf } from "../support/merging.ts";
import type { ModelTensor } from "../support/random-model.ts";

const WEIGHT = "model.layers.0.mlp.up_proj.weight";
const WRAPPED = "base_model.model.model.layers.0.mlp.up_proj";

const side = fc.integer({ min: 1, max: 12 });
const drawing = fc.record({
  rows: side,
  cols: side,
  rank: fc.integer({ min: 1, max: 5 }),
  alpha: fc.integer({ min: -9, max: 9 }),
  dtype: fc.constantFrom("F32", "F64", "F16", "BF16" as const),
  kind: fc.constantFrom("lora", "turned", "loha", "lokr", "ia3" as const),
  far: fc.boolean(),
});

type Drawing = typeof drawing extends fc.Arbitrary<infer T> ? T : never;

/** The factors of a kind, and what it makes of the weight by its definition. */
function adapterOf({ rows, cols, rank, alpha, kind }: Drawing) {
  const tensor = (shape: number[], name: string): ModelTensor => drawn(shape, name);
  const scale = alpha / rank;
  if (kind === "loha") {
    const [a, b, c, d] = [
      tensor([rows, rank], "a"),
      tensor([rank, cols], "b"),
      tensor([rows, rank], "c"),
      tensor([rank, cols], "d"),
    ];
    const [x, y] = [product(a, b), product(c, d)];
    const parts = { hada_w1_a: a, hada_w1_b: b, hada_w2_a: c, hada_w2_b: d };
    return {
      type: "LOHA",
      parts,
      shape: [rows, cols],
      of: (w: number, i: number, j: number) => w + scale * x[i]![j]! * y[i]![j]!,
    };
  }
  if (kind === "lokr") {
    const [outer, a, b] = [tensor([rows, 2], "a"), tensor([3, rank], "b"), tensor([rank, cols], "c")];
    const inner = product(a, b);
    const parts = { lokr_w1: outer, lokr_w2_a: a, lokr_w2_b: b };
    const at = (i: number, j: number) =>
      outer.values[Math.floor(i / 3) * 2 + Math.floor(j / cols)]! * inner[i % 3]![j % cols]!;
    return {
      type: "LOKR",
      parts,
      shape: [rows * 3, cols * 2],
      of: (w: number, i: number, j: number) => w + scale * at(i, j),
    };
  }
  if (kind === "ia3") {
    const numbers = tensor([rows, 1], "a");
    const height = rows === 1 ? 2 : rows;
    const tall = tensor([height, 1], "a");
    const parts = { ia3_l: rows === 1 ? tall : numbers };
    return { type: "IA3", parts, shape: [height, cols], of: (w: number, i: number) => w * parts.ia3_l.values[i]! };
  }
  const [a, b] = [tensor([rank, cols], "a"), tensor([rows, rank], "b")];
  const change = product(b, a);
  const parts = { "lora_A.weight": a, "lora_B.weight": b };
  if (kind === "turned") {
    return {
      type: "LORA",
      parts,
      shape: [cols, rows],
      of: (w: number, i: number, j: number) => w + scale * change[j]![i]!,
    };
  }
  return {
    type: "LORA",
    parts,
    shape: [rows, cols],
    of: (w: number, i: number, j: number) => w + scale * change[i]![j]!,
  };
}

describe("adapters merged while reading", () => {
  test.prop([drawing, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })])(
    "are what the definition says, and every piece of them is the same",
    async (one, x, y) => {
      const { type, parts, shape, of } = adapterOf(one);
      const weight = drawn(shape, "w", one.dtype);
      const tensors = Object.fromEntries(Object.entries(parts).map(([part, tensor]) => [`${WRAPPED}.${part}`, tensor]));
      const config = {
        peft_type: type,
        r: one.rank,
        lora_alpha: one.alpha,
        alpha: one.alpha,
        fan_in_fan_out: one.kind === "turned",
      };
      const base = modelOf({ [WEIGHT]: weight, "model.norm.weight": drawn([3], "n") });
      const merged = await mergedOf(modelOf(tensors), base, { config, far: one.far });
      const stored = await valuesOf(
        await mergedOf(modelOf({ "base_model.model.model.norm.weight": drawn([3], "n") }), base, { config }),
        WEIGHT,
      );
      const values = await valuesOf(merged, WEIGHT);
      const cols = shape[1]!;
      for (const [at, value] of values.entries()) {
        const expected = of(stored[at]!, Math.floor(at / cols), at % cols);
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(expected)));
      }
      const [first, last] = [x, y].map((share) => Math.floor(share * values.length)).sort((a, b) => a - b) as [
        number,
        number,
      ];
      expect(await valuesOf(merged, WEIGHT, first, last - first)).toEqual(values.slice(first, last));
    },
  );

  const name = fc.oneof(
    fc.constantFrom(
      "lora_A.weight",
      "lora_B.weight",
      "lora_magnitude_vector",
      "lora_embedding_A",
      "hada_w1_a",
      "ia3_l",
      "lokr_w1",
      "alpha",
      "lora_B.bias",
    ),
    fc.string({ maxLength: 12 }),
  );
  const hostile = fc.array(
    fc.tuple(
      fc.constantFrom(`${WRAPPED}.`, "lora_te_", "unet.", ""),
      name,
      fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
    ),
    { maxLength: 6 },
  );

  test.prop([hostile, fc.json()])(
    "are refused by name or read, whatever tensors and settings they hold",
    async (drawnTensors, config) => {
      const tensors = drawnTensors.map(([prefix, end, shape]) => [`${prefix}${end}`, drawn(shape, "x")] as const);
      const base = modelOf({ [WEIGHT]: drawn([4, 3], "w") });
      const merged = await mergedOf(new Map(tensors), base, { config }).catch((error: unknown) => error);
      if (!(merged instanceof Error)) return;
      expect(merged).toBeInstanceOf(WeightmarkError);
      expect((merged as WeightmarkError).code).toMatch(/^(?:ADAPTER_|ST_)/);
    },
  );

  test.prop([fc.stringMatching(/^[a-c.]{0,6}$/), fc.stringMatching(/^[a-c.*+?]{0,6}$/)])(
    "match keys as Python's expressions do",
    (module, key) => {
      const matches = modulePattern(key);
      if (matches === null) return;
      expect(matches(module)).toBe(new RegExp(`^(?:.*\\.)?(?:${key})$`).test(module));
    },
  );
});
