import { expect, test } from "vitest";
import { adapterModules } from "../../../src/anatomy/adapter-modules.ts";

function tableOf(shapes: Readonly<Record<string, readonly number[]>>) {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { name, dtype: "F32" as const, shape }]));
}

function modules(module: string, [a, b]: readonly [string, string], down = [4, 64], up = [32, 4]) {
  return adapterModules(tableOf({ [`${module}${a}`]: down, [`${module}${b}`]: up }));
}

const PEFT = [".lora_A.weight", ".lora_B.weight"] as const;

test.each([
  ["base_model.model.model.layers.3.self_attn.v_proj", PEFT],
  ["model.layers.3.self_attn.v_proj", [".lora_A.default.weight", ".lora_B.default.weight"]],
  ["text_model.encoder.layers.3.self_attn.v_proj", [".lora.down.weight", ".lora.up.weight"]],
  ["text_model.encoder.layers.3.self_attn.v_proj", [".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"]],
  ["lora_te_text_model_encoder_layers_3_self_attn_v_proj", [".lora_down.weight", ".lora_up.weight"]],
] as const)("%s%s", (module, names) => {
  expect(modules(module, names)).toMatchObject([{ layer: 3, use: "v", rank: 4, inputs: 64, outputs: 32 }]);
});

test.each([
  ["ranks that differ", [4, 64], [32, 8]],
  ["a convolution", [4, 64, 3, 3], [32, 4, 1, 1]],
  ["no rank", [0, 64], [32, 0]],
  ["more than any linear has", [1 << 14, 1 << 20], [1 << 20, 1 << 14]],
])("no linear: %s", (_, down, up) => {
  expect(modules("model.layers.3.self_attn.v_proj", PEFT, down, up)).toEqual([]);
});

test("of two adapters in one file the first by name, and never the factors of both", () => {
  const at = "model.layers.0.self_attn.q_proj";
  const found = adapterModules(
    tableOf({
      [`${at}.lora_A.one.weight`]: [4, 64],
      [`${at}.lora_B.two.weight`]: [64, 4],
      [`${at}.lora_A.two.weight`]: [4, 64],
    }),
  );
  expect(found).toMatchObject([{ a: `${at}.lora_A.two.weight`, b: `${at}.lora_B.two.weight` }]);
});
