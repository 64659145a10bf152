import { describe, expect, it } from "vitest";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { readingProgress } from "../../../src/fingerprint/reading-progress.ts";
import type { ModelTensor } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const BIASES = 500;

const tensor = (...shape: number[]): ModelTensor => {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i + 1));
  return { shape, values, dtype: "F32" } as ModelTensor;
};

/** Few matrices, and many tensors that are digested and not sampled. */
const model = new Map([
  ["model.layers.0.mlp.up_proj.weight", tensor(64, 32)],
  ["model.layers.0.mlp.down_proj.weight", tensor(32, 64)],
  ...Array.from({ length: BIASES }, (_, i) => [`model.layers.0.bias.${i}`, tensor(8)] as const),
]);

describe.each(["sampled", "full"] as const)("the progress of a reading at depth %s", (depth) => {
  it("goes on with every tensor, never back, and is at its end when all is read", async () => {
    const steps: (readonly [number, number])[] = [];
    const checkpoint = await checkpointOf(model);
    const onProgress = (done: number, total: number) => void steps.push([done, total]);
    const { coverage } = await fingerprintCheckpoint(checkpoint, { depth, threads: 0, onProgress });
    const totals = new Set(steps.map(([, total]) => total));
    expect(totals.size).toBe(1);
    const [total] = totals;
    // At depth sampled the matrices and the digests of all tensors, which are what takes time here.
    if (depth === "sampled") expect(total).toBe(coverage.sketched + coverage.digested);
    expect(coverage.digested).toBeGreaterThanOrEqual(BIASES);
    expect(steps.map(([done]) => done)).toEqual(steps.map(([done]) => done).sort((a, b) => a - b));
    expect(steps[0]).toEqual([0, total]);
    expect(steps.at(-1)).toEqual([total, total]);
    expect(new Set(steps.map(([done]) => done)).size).toBeGreaterThan(depth === "sampled" ? BIASES : BIASES / 2);
  });
});

describe("the progress of both passes of a full reading", () => {
  it("is that of the one that is behind", () => {
    const seen: number[] = [];
    const { bytes, readings } = readingProgress("full", (done) => seen.push(done));
    bytes(100, 1000);
    readings(1, 100);
    readings(50, 100);
    bytes(1000, 1000);
    readings(99, 100);
    readings(100, 100);
    expect(seen).toEqual([0, 10, 100, 500, 990, 1000]);
  });

  it("is that of the bytes where nothing is sampled", () => {
    const seen: number[] = [];
    const { bytes, readings } = readingProgress("full", (done) => seen.push(done));
    readings(0, 0);
    bytes(7, 10);
    expect(seen).toEqual([7]);
  });
});
