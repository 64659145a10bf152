import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { openSubject } from "../../../src/lineage/open-subject.ts";
import { llamaGguf } from "../../support/gguf-file.mjs";
import { int8Packer } from "../../support/pack-weights.ts";
import { writeQuantised } from "../../support/quantised-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const MODELS = join(import.meta.dirname, "../../../examples/models");
const root = scratchDirectory();
const [folder, gguf] = [join(root, "both"), join(root, "both", "model.Q8_0.gguf")];

async function valuesOf(path: string) {
  await using checkpoint = await openCheckpoint(path);
  const model = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const [name, { shape, dtype, begin, end, file }] of checkpoint.tensors) {
    const bytes = await checkpoint.files[file]!.source.read(begin, end);
    model.set(name, { shape, values: decodeToF32(bytes, dtype) });
  }
  return model;
}

async function compared(suspect: string, base: string, depth: "sampled" | "full" = "sampled") {
  await using one = await openSubject(suspect, { depth });
  await using other = await openSubject(base, { depth });
  return await compareSubjects(one, other);
}

/** What comes of the first limit that is not exceeded. */
async function firstOf<T>(limits: readonly number[], work: (limit: number) => Promise<T>): Promise<T> {
  for (const limit of limits) {
    const done = await work(limit).catch((error: { readonly code?: string }) => {
      if (error.code !== "BYTE_BUDGET_EXCEEDED") throw error;
    });
    if (done !== undefined) return done;
  }
  throw new Error("every limit was exceeded");
}

describe("a model and its own image", () => {
  beforeAll(async () => {
    mkdirSync(folder);
    copyFileSync(join(MODELS, "base-a", "model.safetensors"), join(folder, "model.safetensors"));
    const model = await valuesOf(join(MODELS, "base-a"));
    writeFileSync(gguf, llamaGguf(model, { heads: 4, kvHeads: 2, typeOf: () => "Q8_0" }));
  });

  it("may lie in one folder, of which a note says what was read", async () => {
    const found = await compared(gguf, folder);
    expect(found.verdict).toBe("recast");
    expect(found.summary).toMatch(
      /^model\.Q8_0\.gguf is both quantised to Q8_0: rounded to the nearest .* sampled blocks /,
    );
    await using opened = await openCheckpoint(folder);
    expect(opened.notes.join()).toMatch(/in other containers stand beside and were not read: .*model\.Q8_0\.gguf/);
  });

  it("is not asked for where the limit on bytes ends before, which a note says", async () => {
    await using base = await openSubject(folder);
    // The least of these that the fingerprint itself can be read with.
    const limits = Array.from({ length: 40 }, (_, i) => 900_000 + 20_000 * i);
    const found = await firstOf(limits, async (maxBytes) => {
      await using cut = await openSubject(gguf, { maxBytes });
      return await compareSubjects(cut, base);
    });
    expect([found.verdict, found.image]).toEqual(["derived", undefined]);
    expect(found.caveats.join()).toContain("one is the other one rounded was not asked");
  });

  it("is compared in all blocks where everything is read", async () => {
    const [sampled, full] = [await compared(gguf, folder), await compared(gguf, folder, "full")];
    expect([sampled.image!.everywhere, full.image!.everywhere]).toEqual([false, true]);
    expect(full.image!.nearest.blocks).toBeGreaterThanOrEqual(sampled.image!.nearest.blocks);
    expect(full.summary).toMatch(/ of all [\d,]+ blocks reproduce\.$/);
    const { byTensor, nearest, tensors } = full.image!;
    expect(byTensor).toHaveLength(tensors);
    const summed = byTensor.reduce((sum, one) => sum + one.nearest.equal, 0);
    expect([byTensor.reduce((sum, one) => sum + one.nearest.blocks, 0), summed]).toEqual([
      nearest.blocks,
      nearest.equal,
    ]);
    expect(full.caveats.join()).toContain("a change far below a step");
  });

  it("names the parent where the base is registered as trained from scratch, and never the image", async () => {
    for (const [root, direction] of [
      ["base", "suspect-from-base"],
      ["suspect", "not-established"],
    ] as const) {
      await using suspect = await openSubject(gguf, { root: root === "suspect" });
      await using base = await openSubject(folder, { root: root === "base" });
      expect((await compareSubjects(suspect, base)).direction).toBe(direction);
    }
  });

  it("has the same layer codes, up to rounding", async () => {
    await using one = await openSubject(gguf);
    await using other = await openSubject(folder);
    const [ours, theirs] = [one, other].map(({ fingerprint }) => layerCodes(fingerprint).slice(1)) as [
      ReturnType<typeof layerCodes>,
      ReturnType<typeof layerCodes>,
    ];
    expect(ours.length).toBe(theirs.length);
    const apart = ours.map(({ code }, i) =>
      code.reduce((sum, byte, k) => sum + (byte ^ theirs[i]!.code[k]!).toString(2).replaceAll("0", "").length, 0),
    );
    expect(Math.max(...apart)).toBeLessThan(0.05 * 256);
  });

  it("is no image of a fine-tune, nor of a model of which a part was changed or left out", async () => {
    const packed = join(root, "finetune-int8");
    await writeQuantised(join(MODELS, "finetune"), packed, int8Packer);
    const tuned = await compared(packed, folder);
    expect(tuned.verdict).toBe("derived");
    expect(tuned.relations).toContain("quantized");
    expect(tuned.image).toMatchObject({ side: "suspect", whole: false });
    expect(tuned.image!.nearest.equal).toBeLessThan(0.5 * tuned.image!.nearest.blocks);

    const model = await valuesOf(join(MODELS, "base-a"));
    const write = (name: string, changed: typeof model): string => {
      const path = join(root, `${name}.gguf`);
      writeFileSync(path, llamaGguf(changed, { heads: 4, kvHeads: 2, typeOf: () => "Q8_0" }));
      return path;
    };
    const [norm, linear] = ["model.norm.weight", "model.layers.1.mlp.up_proj.weight"];
    const edited = (name: string, by: (value: number) => number) => {
      const { shape, values } = model.get(name)!;
      return new Map(model).set(name, { shape, values: values.map(by) });
    };
    const without = new Map(model);
    without.delete(linear);
    const changes = {
      norm: edited(norm, (value) => value * 1.01),
      linear: edited(linear, (value) => value * 1.02),
      without,
    };
    for (const [name, changed] of Object.entries(changes)) {
      const { verdict, image } = await compared(write(name, changed), folder);
      expect([name, verdict, image?.whole]).toEqual([name, "derived", false]);
    }
  });
});
