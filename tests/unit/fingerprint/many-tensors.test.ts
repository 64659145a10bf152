import { expect, test } from "vitest";
import { parseFingerprint, serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

test("the fingerprint of a model with as many tensors as DeepSeek-V3, every byte hashed, can be read again", async () => {
  const plain = randomFingerprint({ seed: 1, layers: 1 });
  const moments = {
    count: 14_680_064,
    rms: 0.0123456789,
    kurtosis: 3.0123456789012,
    absMax: 0.5,
    zeroFraction: 0,
    nonFinite: 0,
  };
  const tensors = Array.from({ length: 92_000 }, (_, i) => ({
    name: `model.layers.${i % 61}.mlp.experts.${i}.gate_proj.weight_scale_inv`,
    dtype: "F8_E4M3" as const,
    shape: [2048, 7168],
    content: "0".repeat(64),
    moments,
    values: null,
    component: null,
    uniform: false,
  }));
  const back = await parseFingerprint(serializeFingerprint({ ...plain, tensors }), "memory");
  expect(back.tensors).toHaveLength(92_000);
});
