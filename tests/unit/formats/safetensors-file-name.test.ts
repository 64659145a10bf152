import { describe, expect, it } from "vitest";
import { isFingerprintName, isWeightName, weightStem } from "../../../src/formats/safetensors/file-name.ts";

describe("the name of a safetensors file", () => {
  it.each([
    ["model.safetensors", "model"],
    ["model.sft", "model"],
    ["MODEL.SafeTensors", "MODEL"],
    ["a.b.safetensors", "a.b"],
    ["model.safetensors.sft", "model.safetensors"],
    [".sft", ""],
  ])("%s has the stem %j", (name, stem) => {
    expect(isWeightName(name)).toBe(true);
    expect(weightStem(name)).toBe(stem);
  });

  it.each(["model.safetensors.part", "model.safetensorsx", "safetensors", "modelsft", "model.sft/x", "model.bin", ""])(
    "is not %j",
    (name) => {
      expect(isWeightName(name)).toBe(false);
      expect(weightStem(name)).toBe(name);
    },
  );
});

describe("the name of a fingerprint", () => {
  it.each(["model.fingerprint.safetensors", "model.FINGERPRINT.SFT", ".fingerprint.sft"])("may be %s", (name) => {
    expect(isFingerprintName(name)).toBe(true);
    expect(isWeightName(name)).toBe(true);
  });

  it.each(["fingerprint.safetensors", "model.fingerprint", "model.fingerprint.bin", "model.fingerprint.sft.part"])(
    "is not %s",
    (name) => {
      expect(isFingerprintName(name)).toBe(false);
    },
  );
});
