import { expect, test } from "vitest";
import { type Disguise, obfuscate } from "../../../support/obfuscate.ts";
import type { Model } from "../../../support/random-model.ts";
import { KINDS, logits, smallTransformer } from "../../../support/small-transformer.ts";

const KIND = KINDS.get("llama")!;
const SHAPE = { width: 32, hidden: 48, heads: 4, kvHeads: 2, headSize: 8, vocabulary: 40 };
const TOKENS = [3, 17, 5, 29, 11, 2];

const DISGUISES: readonly (readonly [string, Disguise])[] = [
  ["neurons in another order", { neuronOrder: true }],
  ["signs of neurons", { neuronSigns: true }],
  ["scales of neurons", { neuronScales: true }],
  ["heads in another order", { headOrder: true }],
  ["signs of values", { values: "signs" }],
  ["mixed values", { values: "dense" }],
  ["signs of key planes", { keys: "signs" }],
  ["turned key planes", { keys: "planes" }],
  ["interleaved keys", { interleavedKeys: true }],
  ["permuted stream", { residual: "permutation" }],
  ["stream with signs", { residual: "signed-permutation" }],
  ["rotated stream", { residual: "rotation" }],
  ["folded norms", { foldNorms: true }],
  [
    "everything at once",
    {
      neuronOrder: true,
      neuronSigns: true,
      neuronScales: true,
      headOrder: true,
      values: "dense",
      keys: "planes",
      interleavedKeys: true,
      residual: "rotation",
    },
  ],
];

test.each(DISGUISES)("%s: the model computes what it did", (_, disguise) => {
  const model = smallTransformer(KIND, 5);
  const before = logits(model, KIND, TOKENS);
  // Interleaved rows are for a runtime that turns neighbours.
  const kind = disguise.interleavedKeys ? { ...KIND, pairing: "adjacent" as const } : KIND;
  const changed = obfuscate(model, SHAPE, disguise, 3);
  const after = logits(changed, kind, TOKENS);
  const size = Math.max(...before.map(Math.abs));
  expect(Math.max(...after.map((x, i) => Math.abs(x - before[i]!)))).toBeLessThan(1e-4 * size);
  // And its weights are not what they were.
  expect([...changed].some(([name, { values }]) => values.some((x, i) => x !== model.get(name)?.values[i]))).toBe(true);
});

test("dummy and split neurons: the network computes what it did", () => {
  const model = smallTransformer(KIND, 5);
  const changed = obfuscate(
    model,
    SHAPE,
    { dummyNeurons: 5, splitNeurons: 3, neuronOrder: true, neuronScales: true },
    3,
  );
  const name = (role: string) => `model.layers.1.mlp.${role}_proj.weight`;
  expect(changed.get(name("up"))!.shape).toEqual([56, 32]);
  expect(changed.get(name("down"))!.shape).toEqual([32, 56]);
  const input = Float64Array.from({ length: 32 }, (_, i) => Math.sin(i));
  const before = network(model, input);
  const after = network(changed, input);
  expect(Math.max(...after.map((x, i) => Math.abs(x - before[i]!)))).toBeLessThan(
    1e-5 * Math.max(...before.map(Math.abs)),
  );

  function network(of: Model, x: Float64Array): Float64Array {
    const [gate, up] = ["gate", "up"].map((role) => product(of.get(name(role))!, x)) as [Float64Array, Float64Array];
    return product(
      of.get(name("down"))!,
      gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!),
    );
  }
});

function product({ shape, values }: { shape: readonly number[]; values: Float32Array }, x: Float64Array): Float64Array {
  const [rows, cols] = shape as [number, number];
  return Float64Array.from({ length: rows }, (_, i) =>
    x.reduce((sum, value, j) => sum + value * values[i * cols + j]!, 0),
  );
}
