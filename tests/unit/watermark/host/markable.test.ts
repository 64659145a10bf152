import { describe, expect, test } from "vitest";
import type { Dtype } from "../../../../src/formats/tensor-info.ts";
import { requireMarkable, requireUnmarked } from "../../../../src/watermark/host/markable.ts";
import { rawFile } from "../../../support/raw-model.ts";
import { checkpointOfFile } from "../../../support/spread-model.ts";

const WEIGHT = "model.layers.0.mlp.up_proj.weight";
const BYTES: Partial<Record<Dtype, number>> = { F64: 8, I64: 8, F32: 4, I32: 4, BF16: 2, F16: 2 };

async function modelWith(...tensors: readonly (readonly [string, Dtype, ...number[]])[]) {
  return checkpointOfFile(
    rawFile({
      tensors: tensors.map(([name, dtype, ...shape]) => ({
        name,
        dtype,
        shape,
        bytes: new Uint8Array(shape.reduce((a, b) => a * b, 1) * (BYTES[dtype] ?? 1)),
      })),
    }),
  );
}

describe("weights to be marked", () => {
  test.each(["BF16", "F16", "F32"] as const)("may be %s", async (dtype) => {
    const checkpoint = await modelWith([WEIGHT, dtype, 64, 64]);
    expect(() => requireMarkable(checkpoint)).not.toThrow();
  });

  test.each([
    ["I8", "QUANTIZED_WEIGHTS"],
    ["U8", "QUANTIZED_WEIGHTS"],
    ["I32", "QUANTIZED_WEIGHTS"],
    ["F8_E4M3", "QUANTIZED_WEIGHTS"],
    ["F64", "DTYPE_UNSUPPORTED"],
  ] as const)("may not be %s", async (dtype, code) => {
    const checkpoint = await modelWith([WEIGHT, dtype, 64, 64]);
    expect(() => requireMarkable(checkpoint)).toThrow(expect.objectContaining({ code, tensor: WEIGHT }));
  });

  test("may have masks, positions and a few integers beside them", async () => {
    const checkpoint = await modelWith(
      [WEIGHT, "BF16", 64, 64],
      ["model.position_ids", "I64", 1, 8192],
      ["model.mask", "BOOL", 128, 128],
      ["model.layers.0.mlp.zero_points", "I32", 8192],
      ["model.layers.0.mlp.groups", "U8", 63, 65],
    );
    expect(() => requireMarkable(checkpoint)).not.toThrow();
  });

  test("may not carry the key's mark already", async () => {
    const checkpoint = await modelWith([WEIGHT, "BF16", 64, 64]);
    expect(() => requireUnmarked(checkpoint, false)).not.toThrow();
    const refused = expect.objectContaining({ code: "ALREADY_MARKED", file: "memory" });
    expect(() => requireUnmarked(checkpoint, true)).toThrow(refused);
  });
});
