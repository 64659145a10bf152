import { describe, expect, it } from "vitest";
import { byteBudget, withBudget } from "../../../src/bytes/byte-budget.ts";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import { tensorHealth } from "../../../src/fingerprint/health.ts";
import type { Model, ModelTensor } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

type StoredAs = ModelTensor["dtype"];

function tensor(length: number, valueAt: (i: number) => number, dtype: StoredAs = "F32"): ModelTensor {
  return { shape: [length], values: Float32Array.from({ length }, (_, i) => valueAt(i)), dtype };
}

const varied = (i: number) => 1 + (i % 7);

function counted(checkpoint: Checkpoint, limit?: number) {
  const budget = byteBudget(limit);
  const files = checkpoint.files.map((file) => ({ ...file, source: withBudget(file.source as ByteSource, budget) }));
  return { checkpoint: { ...checkpoint, files }, budget };
}

describe("what a few values of every tensor say", () => {
  it.each(["F32", "F16", "BF16", "F64"] as const)("counts what is wrong with them: %s", async (dtype) => {
    const model: Model = new Map([
      ["zero", tensor(64, () => 0, dtype)],
      ["same", tensor(64, () => 2.5, dtype)],
      ["fine", tensor(64, varied, dtype)],
      ["broken", tensor(64, (i) => (i < 3 ? Number.NaN : i === 3 ? Number.NEGATIVE_INFINITY : varied(i)), dtype)],
      ["lost", tensor(64, () => Number.NaN, dtype)],
      ["empty", tensor(0, () => 0, dtype)],
    ]);
    expect(await tensorHealth(await checkpointOf(model))).toEqual({
      of: 5,
      tensors: [
        { name: "broken", sampled: 64, nonFinite: 4, zero: 0, constant: false },
        { name: "fine", sampled: 64, nonFinite: 0, zero: 0, constant: false },
        { name: "lost", sampled: 64, nonFinite: 64, zero: 0, constant: false },
        { name: "same", sampled: 64, nonFinite: 0, zero: 0, constant: true },
        { name: "zero", sampled: 64, nonFinite: 0, zero: 64, constant: true },
      ],
    });
  });

  it("are the first, the middle and the last of a large one", async () => {
    const long = 100_000;
    const at = async (wrong: number) => {
      const model: Model = new Map([["t", tensor(long, (i) => (i === wrong ? Number.NaN : varied(i)))]]);
      return (await tensorHealth(await checkpointOf(model))).tensors[0];
    };
    for (const wrong of [0, 1023, long / 2, long - 1024, long - 1]) {
      expect(await at(wrong), String(wrong)).toMatchObject({ sampled: 3072, nonFinite: 1 });
    }
    expect(await at(2000)).toMatchObject({ sampled: 3072, nonFinite: 0 });
    const whole: Model = new Map([["t", tensor(3072, (i) => (i === 2000 ? Number.NaN : 1))]]);
    expect((await tensorHealth(await checkpointOf(whole))).tensors).toMatchObject([{ sampled: 3072, nonFinite: 1 }]);
  });

  it("are of no more than some thousand tensors, the largest ones", async () => {
    const model = new Map(Array.from({ length: 5000 }, (_, i) => [`t${i}`, tensor(i < 10 ? 8 : 1 + (i % 4), varied)]));
    const { tensors, of } = await tensorHealth(await checkpointOf(model));
    expect([tensors.length, of]).toEqual([4096, 5000]);
    const read = new Set(tensors.map(({ name }) => name));
    expect(Array.from({ length: 10 }, (_, i) => read.has(`t${i}`))).toEqual(Array(10).fill(true));
    expect(tensors.filter(({ sampled }) => sampled === 1).length).toBeLessThan(400);
  });

  it("are of as many tensors as may be read", async () => {
    const model = new Map(Array.from({ length: 40 }, (_, i) => [`t${i}`, tensor(4000 + i, varied)]));
    for (const limit of [0, 5000, 50_000, 200_000, 10_000_000]) {
      const { checkpoint, budget } = counted(await checkpointOf(model), limit);
      const { tensors, of } = await tensorHealth(checkpoint, { maxBytes: limit });
      expect(of).toBe(40);
      expect(budget.spent).toBeLessThanOrEqual(limit);
      expect(tensors.length > 0).toBe(limit >= 50_000);
      expect(tensors.length === 40).toBe(limit > 10 * 40 * 4000);
    }
  });

  it("are never more than 32 MiB, whatever the header says", async () => {
    const bytes = 8 * 4000;
    const tensors = new Map(
      Array.from({ length: 4000 }, (_, i) => {
        const begin = i * bytes;
        const name = `t${i}`;
        return [name, { name, dtype: "F64" as const, shape: [4000], begin, end: begin + bytes, file: 0 }];
      }),
    );
    const source = memorySource(new Uint8Array(4000 * bytes));
    const { checkpoint, budget } = counted({
      ...(await checkpointOf(new Map())),
      files: [{ path: "0", absolutePath: null, source }],
      tensors,
    });
    const read = await tensorHealth(checkpoint);
    expect([read.of, read.tensors.length]).toEqual([4000, Math.floor((32 << 20) / (3 * 1024 * 8))]);
    expect(budget.spent).toBeLessThanOrEqual(2 * (32 << 20));
  });

  it("stop being read when nobody wants them any more", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const checkpoint = await checkpointOf(new Map([["t", tensor(8, varied)]]));
    await expect(tensorHealth(checkpoint, { signal })).rejects.toThrow("enough");
  });
});
