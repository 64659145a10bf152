import { beforeAll, describe, expect, test } from "vitest";
import type { Subject } from "../../../src/lineage/subject.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { cast, mapMatrices } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge, subjectOf } from "../../support/stored-model.ts";

const model = randomModel({ init: 1 });
let base: Subject;
let root: Subject;

beforeAll(async () => {
  base = await subjectOf(model, { name: "base" });
  root = { ...base, root: true };
});

const without = (m: Model, pattern: RegExp): Model => new Map([...m].filter(([name]) => !pattern.test(name)));

describe("identical and recast", () => {
  test("a copy, whatever the element type holds it without loss", async () => {
    expect(await judge(model, base)).toMatchObject({ verdict: "identical", relations: [] });
    const wide = await judge(cast(model, "F64"), base);
    expect(wide).toMatchObject({ verdict: "identical", relations: ["recast"] });
    expect(wide.caveats.join()).toMatch(/sampled position/);
    expect(wide.log10P).toBeLessThan(-20);
  });

  test.each(["BF16", "F16"] as const)("a cast to %s, seen from both sides", async (dtype) => {
    const narrow = await subjectOf(cast(model, dtype), { name: "narrow" });
    const there = await judge(narrow, base);
    expect(there).toMatchObject({ verdict: "recast", relations: ["recast"], direction: "not-established" });
    expect(there.caveats.join()).toMatch(/every sampled value of narrow is the other's, rounded/);
    expect((await judge(base, narrow)).verdict).toBe("recast");
  });

  test("the side that is rounded is no parent, registered or not", async () => {
    const narrow = await subjectOf(cast(model, "BF16"), { name: "narrow" });
    expect(await judge(narrow, root)).toMatchObject({ direction: "suspect-from-base", parents: [{ name: "base" }] });
    expect(await judge(root, narrow)).toMatchObject({ direction: "base-from-suspect", parents: [{ name: "base" }] });
    const claimed = { ...narrow, root: true };
    for (const result of [await judge(claimed, base), await judge(base, claimed)]) {
      expect(result).toMatchObject({ verdict: "recast", direction: "not-established", parents: [] });
    }
  });

  test("one changed value in a sampled row is neither", async () => {
    const touched = mapMatrices(model, (values, _, name) =>
      name.endsWith("layers.1.mlp.up_proj.weight") ? values.map((x, i) => (i === 5 ? x + 1 : x)) : values,
    );
    expect((await judge(touched, base)).verdict).toBe("derived");
    expect((await judge(cast(touched, "BF16"), base)).verdict).toBe("derived");
  });

  test("a norm alone that changed is enough of a difference", async () => {
    const name = "model.layers.2.input_layernorm.weight";
    const norm = model.get(name)!;
    const changed = new Map(model).set(name, { ...norm, values: norm.values.map((g) => g * 1.01) });
    expect((await judge(changed, base)).verdict).toBe("derived");
  });

  test("an empty tensor beside the weights makes no other model of them, a constant does", async () => {
    const empty = new Map(model).set("scaled_fp8", { shape: [0], dtype: "F32", values: new Float32Array(0) });
    const result = await judge(empty, base);
    expect(result.verdict).toBe("identical");
    expect(result.caveats.join()).toMatch(/1 tensors that only one of both stores are empty/);
    expect((await judge(base, await subjectOf(empty))).verdict).toBe("identical");
    for (const [shape, value] of [
      [[], 1.7342],
      [[1], 0],
      [[64], 1e-5],
    ] as const) {
      const values = new Float32Array(shape[0] ?? 1).fill(value);
      const scaled = new Map(model).set("model.layers.1.gate_scale", { shape, dtype: "F32", values });
      expect((await judge(scaled, base)).verdict).toBe("derived");
    }
  });

  test("a layer stored twice is not the rounding of two", async () => {
    const again = (layer: number, dtype: "F16" | "F32") =>
      [...cast(model, dtype)].flatMap(([name, tensor]) =>
        name.startsWith(`model.layers.${layer}.`)
          ? [[name.replace(`layers.${layer}.`, "layers.3."), tensor] as const]
          : [],
      );
    const [one, other] = [new Map([...model, ...again(0, "F16")]), new Map([...model, ...again(1, "F32")])];
    expect((await judge(one, await subjectOf(other))).verdict).not.toMatch(/identical|recast/);
    expect((await judge(other, await subjectOf(one))).verdict).not.toMatch(/identical|recast/);
  });

  test("whatever else one side holds does, of any rank, and equal lists are no rounding of each other", async () => {
    const random = prng("heads");
    for (const shape of [[1, 64], [64], [2, 64], [1, 7, 64], [1, 2, 8, 8, 4]]) {
      const count = shape.reduce((product, n) => product * n, 1);
      const head = (): Float32Array => Float32Array.from({ length: count }, () => random.normal());
      const one = new Map(model).set("v_head.summary", { shape, dtype: "F32", values: head() });
      expect((await judge(one, base)).verdict, shape.join("x")).toBe("derived");
      // Beside an empty tensor, which makes the lists of shapes differ.
      const other = new Map(model)
        .set("v_head.summary", { shape, dtype: "F32", values: head() })
        .set("empty", { shape: [0, 4], dtype: "F32", values: new Float32Array(0) });
      expect((await judge(other, await subjectOf(one))).verdict, shape.join("x")).not.toMatch(/identical|recast/);
    }
  });

  test("an adapter that is not merged is no part of the weights that are equal, and is told of", async () => {
    const random = prng("adapter");
    const unmerged = new Map(model);
    for (const [name, { shape }] of model) {
      if (!name.endsWith("q_proj.weight")) continue;
      const stem = name.slice(0, -".weight".length);
      const [rows, cols] = shape as [number, number];
      const values = (count: number) => Float32Array.from({ length: count }, () => random.normal());
      unmerged.set(`${stem}.lora_A.default.weight`, { shape: [4, cols], dtype: "F32", values: values(4 * cols) });
      unmerged.set(`${stem}.lora_B.default.weight`, { shape: [rows, 4], dtype: "F32", values: values(rows * 4) });
    }
    const result = await judge(unmerged, base);
    expect(result.verdict).toBe("derived");
    expect(result.caveats.join()).toMatch(/holds an adapter beside its weights \(lora, 6 of /);
  });

  test("equal norms and embeddings do not make two quantised models one", async () => {
    const packed = async (seed: number, scales = 96): Promise<Subject> => {
      const random = prng(`codes ${seed}`);
      const kept = without(model, /\.(?:q|k|v|o|gate|up|down)_proj/);
      const checkpoint = await checkpointOf(kept);
      const codes = await checkpointOf(
        new Map([
          [
            "codes",
            { shape: [64, 96], dtype: "F32", values: Float32Array.from({ length: 64 * 96 }, () => random.normal()) },
          ],
        ]),
      );
      const info = codes.tensors.get("codes")!;
      const tensors = new Map(checkpoint.tensors);
      const name = "model.layers.0.mlp.down_proj.qweight";
      tensors.set(name, { ...info, name, dtype: "I32", file: 1 });
      // Groups of other sizes: the lists of shapes differ as well.
      const end = info.begin + 4 * scales;
      tensors.set(`${name}_scales`, { ...info, name: `${name}_scales`, dtype: "I32", shape: [scales], end, file: 1 });
      return subjectOf({ ...checkpoint, tensors, files: [...checkpoint.files, ...codes.files] });
    };
    const [one, again, other] = [await packed(1), await packed(1), await packed(2)];
    expect((await judge(again, one)).verdict).toBe("identical");
    expect((await judge(other, one)).verdict).not.toMatch(/identical|recast/);
    expect((await judge(await packed(2, 48), one)).verdict).not.toMatch(/identical|recast/);
    expect((await judge(await packed(1, 48), one)).verdict).not.toMatch(/identical|recast/);
  });
});
