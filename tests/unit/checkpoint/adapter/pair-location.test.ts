import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { adapterAndBase } from "../../../../src/checkpoint/adapter/pair-location.ts";
import { shownLocation } from "../../../../src/checkpoint/location.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { subjectName } from "../../../../src/lineage/subject-name.ts";
import { drawn, modelOf } from "../../../support/merging.ts";
import { model } from "../../../support/model-directory.ts";
import { refusal } from "../../../support/refusal.ts";
import { fileOf } from "../../../support/stored-model.ts";

const WEIGHT = "model.layers.0.mlp.up_proj.weight";

/** A directory with an adapter, its base, and what is called by both with a "+" between them. */
function places() {
  const adapter = modelOf({
    "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight": drawn([2, 4], "a"),
    "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight": drawn([6, 2], "b"),
  });
  const base = fileOf(modelOf({ [WEIGHT]: drawn([6, 4], "w") }));
  return model({
    "adapter/adapter_model.safetensors": fileOf(adapter),
    "adapter/adapter_config.json": { peft_type: "LORA", r: 2, lora_alpha: 2 },
    "base/model.safetensors": base,
    "one+two/model.safetensors": base,
    "one/model.safetensors": base,
    "two/model.safetensors": base,
    "x/model.safetensors": base,
    "x+y/model.safetensors": base,
    "y+z/model.safetensors": base,
    "z/model.safetensors": base,
  });
}

describe("a location of an adapter and its base", () => {
  it("is taken apart where both sides are there", async () => {
    const root = places();
    const [adapter, base] = [join(root, "adapter"), join(root, "base")];
    expect(adapterAndBase(`${adapter}+${base}`)).toEqual({ adapter, base });
    expect(subjectName(`${adapter}/+${base}/`)).toBe("adapter+base");
    for (const location of [`${adapter}+${base}`, `${adapter}/adapter_model.safetensors+${base}/model.safetensors`]) {
      await using merged = await openCheckpoint(location);
      expect(merged.location).toBe(location);
      expect(merged.tensors.get(WEIGHT)!.scheme).toBe("LoRA of rank 2, scale 1");
    }
    await using named = await openCheckpoint(adapter, { base });
    expect(named.location).toBe(`${adapter}+${base}`);
  });

  it("is one model where that is called so", async () => {
    const root = places();
    expect(adapterAndBase(join(root, "one+two"))).toBeNull();
    await using both = await openCheckpoint(join(root, "one+two"));
    expect(both.givenBase).toBeUndefined();
    expect(adapterAndBase(join(root, "adapter+missing"))).toBeNull();
    const error = await refusal(openCheckpoint(`${join(root, "adapter")}+missing`), "FILE_NOT_FOUND");
    expect(error.detail).toMatch(/adapter" is there, and "missing" is not\.$/);
  });

  it("is refused where it can be taken apart in two ways", () => {
    const root = places();
    const before = process.cwd();
    process.chdir(root);
    try {
      expect(() => adapterAndBase("x+y+z")).toThrow(expect.objectContaining({ code: "ADAPTER_AMBIGUOUS" }));
    } finally {
      process.chdir(before);
    }
  });

  it("is taken apart of addresses only where nothing else can be meant", () => {
    const root = places();
    const base = join(root, "base");
    const pairs: [string, string][] = [
      ["hf:org/adapter", "hf:org/base@main"],
      ["hf:org/adapter@v1/folder", "https://host.example/m.safetensors"],
      ["https://host.example/a.safetensors", "hf:org/base"],
      ["hf:org/adapter", base],
    ];
    for (const [first, second] of pairs) {
      expect(adapterAndBase(`${first}+${second}`)).toEqual({ adapter: first, base: second });
    }
    for (const one of [
      "hf:org/name@v1+2",
      `hf:org/name@v1+${base}`,
      `https://host.example/a+${base}`,
      "https://host.example/a+b.safetensors",
    ]) {
      expect(adapterAndBase(one)).toBeNull();
    }
  });

  it("shows no secrets of either side", () => {
    expect(shownLocation("./adapter+https://me:secret@host.example/m.safetensors?sig=secret")).toBe(
      "./adapter+https://host.example/m.safetensors",
    );
    expect(shownLocation("https://a.example/x?sig=secret+https://me:secret@b.example/y")).toBe(
      "https://a.example/x+https://b.example/y",
    );
  });
});
