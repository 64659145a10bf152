import { describe, expect, test } from "vitest";
import { isSync } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { factorProduct } from "../../../src/decoding/adapted/factor-product.ts";
import { fullPass } from "../../../src/kernels/full-pass.ts";
import { loadKernels } from "../../../src/kernels/load-kernels.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
import { drawn, mergedOf, modelOf } from "../../support/merging.ts";

const values = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * seed) * 3);

/** Runs `work` where whatever else is allocated in the kernels' memory makes that grow, which leaves views of it behind. */
async function withFullMemory(work: () => void | Promise<void>): Promise<void> {
  const { arena, memory } = loadKernels();
  const top = arena.mark();
  try {
    arena.alloc(memory.buffer.byteLength - top - 1024);
    const before = memory.buffer.byteLength;
    await work();
    expect(memory.buffer.byteLength).toBe(before);
  } finally {
    arena.release(top);
  }
}

describe("products of an adapter's factors", () => {
  test("are those of matrices to the bit, and take no memory of the kernels", async () => {
    for (const [rows, depth, columns] of [
      [1, 1, 1],
      [5, 8, 130],
      [64, 256, 64],
      [67, 300, 71],
      [130, 513, 9],
    ] as const) {
      const [a, b] = [values(rows * depth, 0.37), values(depth * columns, 0.11)];
      let found: Float32Array | null = null;
      await withFullMemory(() => {
        found = factorProduct(a, b, rows, columns);
      });
      expect(found).toEqual(matmul(a, b, { rows, depth, columns }));
    }
  });

  test("reach those who read into the kernels' memory", async () => {
    const module = "model.layers.0.mlp.up_proj";
    const base = modelOf({ [`${module}.weight`]: drawn([48, 40], "w") });
    const wrapped = `base_model.model.${module}`;
    const lora = {
      [`${wrapped}.lora_A.weight`]: drawn([4, 40], "a"),
      [`${wrapped}.lora_B.weight`]: drawn([48, 4], "b"),
    };
    const loha = {
      [`${wrapped}.hada_w1_a`]: drawn([48, 4], "1a"),
      [`${wrapped}.hada_w1_b`]: drawn([4, 40], "1b"),
      [`${wrapped}.hada_w2_a`]: drawn([48, 4], "2a"),
      [`${wrapped}.hada_w2_b`]: drawn([4, 40], "2b"),
    };
    for (const [factors, config] of [
      [lora, { peft_type: "LORA", r: 4, lora_alpha: 8 }],
      [loha, { peft_type: "LOHA", r: 4, alpha: 8 }],
    ] as const) {
      const merged = await mergedOf(modelOf(factors), base, { config });
      const { file, begin, end } = merged.tensors.get(`${module}.weight`)!;
      const { source } = merged.files[file]!;
      if (!isSync(source)) throw new Error("not at hand");
      const bytes = await source.read(begin, end);
      const expected = fullPass(memorySource(bytes), 0, bytes.length, "F32");
      // What is read into is allocated as well, and the last thing that still fits.
      const { arena, memory } = loadKernels();
      const top = arena.mark();
      arena.alloc(memory.buffer.byteLength - top - 4 * 48 * 40 - 1024);
      try {
        expect(fullPass(source, begin, end, "F32")).toEqual(expected);
      } finally {
        arena.release(top);
      }
    }
  });
});
