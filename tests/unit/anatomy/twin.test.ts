import { expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import * as models from "../../support/architectures.ts";
import { labelsOf } from "../../support/labels.ts";
import { tableOf } from "../../support/tensor-table.ts";

test("a chain of torch linears lies as it is read: no twins", () => {
  const { matrices } = describeAnatomy(models.mlp([784, 512, 256, 10]), null);
  expect(matrices.some(({ twin }) => twin === true)).toBe(false);
});

test("a chain of ONNX constants is transposed; what it stores is the twin", () => {
  expect(labelsOf(models.onnxMlp([784, 512, 256, 10]))).toEqual({
    "onnx::MatMul_26": "none",
    "onnx::MatMul_35": "channels",
    "onnx::MatMul_35^T": "channels",
    "onnx::MatMul_44": "channels",
  });
  const [, main, twin] = describeAnatomy(models.onnxMlp([784, 512, 256, 10]), null).matrices;
  expect([main!.rows, main!.cols, main!.colStride, main!.twin]).toEqual([256, 512, 256, undefined]);
  expect([twin!.rows, twin!.cols, twin!.colStride, twin!.twin]).toEqual([512, 256, 1, true]);
  expect(twin!.tensor).toBe(main!.tensor);
});

test("where shapes say nothing, what may have been given or given out gets no label either way", () => {
  const labels = labelsOf(models.mlp([64, 64, 64, 64, 64]));
  expect(new Set(Object.values(labels))).toEqual(new Set(["none"]));
});

test("named matrices, cells, kernels and large tensors have no twins", () => {
  for (const table of [models.whisper(), models.resnet50(), models.lstmLanguageModel(), models.mixtureWithMtp()]) {
    expect(describeAnatomy(table, null).matrices.some(({ twin }) => twin === true)).toBe(false);
  }
  const large = tableOf(Array.from({ length: 4 }, (_, i) => `a${i} 8192 8192`).join("\n"));
  expect(describeAnatomy(large, null).matrices.length).toBe(4);
});

test("a hostile model gets at most so many", () => {
  const widths = Array.from({ length: 6000 }, (_, i) => 16 + (i % 7));
  const { matrices } = describeAnatomy(models.onnxMlp(widths), null);
  const twins = matrices.filter(({ twin }) => twin === true);
  expect(twins.length).toBeLessThanOrEqual(4096);
  expect(twins.length).toBeGreaterThan(1000);
});

test("gate and up stored twice as often as down say that all linears lie the other way", () => {
  const lines = Array.from({ length: 4 }, (_, i) => {
    const names = Array.from({ length: 7 }, (_, j) => `onnx::MatMul_${100 + 10 * i + j}`);
    const shapes = ["64 64", "64 16", "64 16", "64 64", "64 176", "64 176", "176 64"];
    return names.map((name, j) => `${name} ${shapes[j]}`).join("\n");
  });
  const { matrices } = describeAnatomy(tableOf([`model.embed_tokens.weight 900 64`, ...lines].join("\n")), null);
  const wide = matrices.filter(({ cols, rows }) => rows === 176 && cols === 64);
  expect(wide.map(({ candidates }) => candidates)).toEqual(Array.from({ length: 8 }, () => ["gate", "up"]));
});
