import { beforeAll, describe, expect, test } from "vitest";
import { buildSketch } from "../../../../src/watermark/resync/build-sketch.ts";
import type { Sketch } from "../../../../src/watermark/resync/sketch.ts";
import { align, CONFIG, KEY, likeness, llama, SHAPE, sketchOf } from "../../../support/alignment.ts";
import { addNoise, extendVocabulary, prune, quantise, refold, relayer } from "../../../support/derive.ts";
import { type Disguise, obfuscate } from "../../../support/obfuscate.ts";
import type { Model } from "../../../support/random-model.ts";
import { checkpointOf } from "../../../support/stored-model.ts";

const EVERYTHING: Disguise = {
  neuronOrder: true,
  neuronSigns: true,
  neuronScales: true,
  dummyNeurons: 7,
  splitNeurons: 4,
  headOrder: true,
  values: "dense",
  keys: "planes",
  interleavedKeys: true,
  residual: "rotation",
};

const DISGUISES: readonly (readonly [string, Disguise])[] = [
  ["nothing", {}],
  ["order, signs and scales of neurons", { neuronOrder: true, neuronSigns: true, neuronScales: true }],
  ["dummy and split neurons", { neuronOrder: true, dummyNeurons: 7, splitNeurons: 4, neuronScales: true }],
  ["order of heads", { headOrder: true }],
  ["signs of values and keys", { values: "signs", keys: "signs" }],
  ["mixed values", { values: "dense" }],
  ["turned and stretched key planes", { keys: "planes" }],
  ["llama.cpp's order of keys", { interleavedKeys: true }],
  ["permuted stream", { residual: "permutation" }],
  ["permuted stream with signs, norms folded", { residual: "signed-permutation", foldNorms: true }],
  ["rotated stream", { residual: "rotation" }],
  ["everything at once", EVERYTHING],
];

const model = llama(1);
let sketch: Sketch;
beforeAll(async () => {
  sketch = await sketchOf(model);
});

describe("symmetries are undone", () => {
  test.each(DISGUISES)("%s", async (_, disguise) => {
    const { host, report } = await align(obfuscate(model, SHAPE, disguise, 7), sketch);
    expect(await likeness(model, host)).toBeGreaterThan(0.999);
    expect(host.synchronised).toBe(true);
    expect(report.correlation).toBeGreaterThan(0.99);
    expect(report.tried).toBe(1);
  });

  test.each(DISGUISES)("%s, behind drift of .3 and in 4 bits", async (_, disguise) => {
    const suspect = quantise(obfuscate(addNoise(model, 0.3), SHAPE, disguise, 7), 4);
    const { host, report } = await align(suspect, sketch);
    // 30 % drift alone leaves .958; mixed heads cost what fitting them to noise costs, more so in so small a model.
    expect(await likeness(model, host, ["gate", "q", "k"])).toBeGreaterThan(0.89);
    expect(await likeness(model, host)).toBeGreaterThan(disguise.values === "dense" ? 0.75 : 0.85);
    expect(report.correlation).toBeGreaterThan(0.9);
  });

  test("in place and unchanged, rows are the stored bits", async () => {
    const { host } = await align(model, sketch);
    for (const matrix of host.matrices.filter(({ layer }) => layer >= 0)) {
      const name = matrix.role.length === 1 ? "self_attn" : "mlp";
      const stored = model.get(`model.layers.${matrix.layer}.${name}.${matrix.role}_proj.weight`)!.values;
      expect(await matrix.read(0, matrix.rows)).toEqual(stored);
      expect(await matrix.read(5, 2)).toEqual(stored.slice(5 * matrix.cols, 7 * matrix.cols));
    }
  });

  test("any cut of the rows reads the same", async () => {
    const { host } = await align(obfuscate(model, SHAPE, EVERYTHING, 7), sketch);
    for (const matrix of host.matrices.filter(({ layer }) => layer === 1)) {
      const whole = await matrix.read(0, matrix.rows);
      const part = await matrix.read(9, 14);
      expect(Math.max(...part.map((x, i) => Math.abs(x - whole[9 * matrix.cols + i]!)))).toBeLessThan(1e-6);
    }
  });

  test("gains with powers of two of either sign folded into the columns", async () => {
    const { host, report } = await align(refold(model), sketch);
    expect(await likeness(model, host)).toBeGreaterThan(0.9999);
    expect(report.components[0]!.rotation).toBe("none");
  });
});

describe("the report says what was found", () => {
  test("signs and places of neurons and heads", async () => {
    const { report } = await align(obfuscate(model, SHAPE, EVERYTHING, 7), sketch);
    const [component] = report.components;
    expect(component!.rotation).toBe("orthogonal");
    for (const { neurons, heads } of component!.layers) {
      expect(neurons).toMatchObject({ found: SHAPE.hidden, of: SHAPE.hidden });
      expect(neurons.moved).toBeGreaterThan(0.9 * SHAPE.hidden);
      expect(neurons.flipped).toBeGreaterThan(0.3 * SHAPE.hidden);
      expect(heads).toMatchObject({ found: SHAPE.heads, of: SHAPE.heads, mix: "dense" });
    }
  });

  test("a strange model is like chance, and is not made alike", async () => {
    const { host, report } = await align(llama(2), sketch);
    expect(report.correlation).toBeLessThan(0.3);
    expect(report.components[0]!.vocabulary.how).toBe("none");
    expect(await likeness(model, host)).toBeLessThan(0.2);
  });
});

describe("layers", () => {
  test.each([
    ["one dropped", [0, 2], [0, null, 1]],
    ["one repeated", [0, 1, 1, 2], [0, 1, 3]],
    ["another order", [2, 0, 1], [1, 2, 0]],
  ] as const)("%s", async (_, order, expected) => {
    const suspect = obfuscate(relayer(model, order), SHAPE, { neuronOrder: true, residual: "rotation" }, 7);
    const { host, report } = await align(suspect, sketch);
    expect(report.components[0]!.layers.map(({ suspect: found }) => found)).toEqual(expected);
    const there = [0, 1, 2].filter((layer) => expected[layer] !== null);
    expect(await likeness(model, host, undefined, there)).toBeGreaterThan(0.999);
    expect(new Set(host.matrices.map(({ layer }) => layer))).toEqual(new Set(there));
  });
});

describe("vocabulary", () => {
  test("longer", async () => {
    const { host, report } = await align(obfuscate(extendVocabulary(model, 40), SHAPE, EVERYTHING, 7), sketch);
    expect(report.components[0]!.vocabulary.how).toBe("ids");
    expect(await likeness(model, host)).toBeGreaterThan(0.999);
  });

  test("in another order, found by the rows themselves", async () => {
    const suspect = obfuscate(model, SHAPE, { tokenOrder: true, neuronOrder: true }, 7);
    const { host, report } = await align(suspect, sketch);
    expect(report.components[0]!.vocabulary.how).toBe("rows");
    expect(await likeness(model, host, ["up", "down", "embed"])).toBeGreaterThan(0.99);
  });
});

describe("storage", () => {
  test("fused query, key and value rows are taken apart without a config", async () => {
    const { host } = await align(fuse(obfuscate(model, SHAPE, EVERYTHING, 7)), sketch);
    expect(await likeness(model, host)).toBeGreaterThan(0.999);
  });

  test("experts in another order", async () => {
    const moe = withExperts(llama(4), 3);
    const reference = await sketchOf(moe);
    const order = [2, 0, 1];
    const suspect = new Map(
      [...moe].map(([name, tensor]) => [
        name.replace(/experts\.(\d)/, (_, e) => `experts.${order.indexOf(Number(e))}`),
        tensor,
      ]),
    );
    const { host, report } = await align(
      obfuscate(suspect, SHAPE, { neuronOrder: true, residual: "rotation" }, 7),
      reference,
    );
    expect(await likeness(moe, host)).toBeGreaterThan(0.999);
    expect(report.components[0]!.layers[0]!.neurons.found).toBe(3 * SHAPE.hidden);
  });
});

describe("hostile suspects", () => {
  const everywhere = (value: number): Model =>
    new Map([...model].map(([name, tensor]) => [name, { ...tensor, values: tensor.values.map(() => value) }]));

  test.each([0, 1, Number.NaN, Number.POSITIVE_INFINITY, 3e38])("all weights %d", async (value) => {
    const { host } = await align(everywhere(value), sketch);
    for (const matrix of host.matrices) {
      const rows = await matrix.read(0, Math.min(4, matrix.rows));
      expect(rows).toHaveLength(4 * matrix.cols);
    }
  });

  test("half of the weights gone", async () => {
    const { host } = await align(prune(obfuscate(model, SHAPE, { neuronOrder: true }, 7), 0.5), sketch);
    expect(await likeness(model, host)).toBeGreaterThan(0.8);
  });

  test("missing matrices and another width leave less, not an error", async () => {
    const few = new Map([...model].filter(([name]) => !/q_proj|down_proj|embed/.test(name)));
    const { host, report } = await align(few, sketch);
    expect(await likeness(model, host, ["k", "v", "up", "gate"])).toBe(1);
    expect(report.components[0]!.vocabulary.how).toBe("absent");
    const narrow = await align(llama(1, { width: 64 }), sketch);
    expect(narrow.host.matrices).toEqual([]);
    expect(narrow.report).toMatchObject({ components: [], correlation: 0 });
  });

  test("other head counts", async () => {
    const name = "model.layers.0.self_attn.k_proj.weight";
    const cut = model.get(name)!;
    const values = cut.values.slice(0, 40 * SHAPE.width);
    const { host } = await align(new Map(model).set(name, { ...cut, shape: [40, SHAPE.width], values }), sketch);
    expect(await likeness(model, host, undefined, [1, 2])).toBeGreaterThan(0.999);
  });
});

test("flips of orientation that are still to come are in the sketch", async () => {
  const rowSigns = Int8Array.from({ length: SHAPE.hidden }, (_, i) => (i % 3 === 0 ? -1 : 1));
  const flips = new Map([["language/1/up/-1", { rowSigns, colSigns: null }]]);
  const flipped = await buildSketch(await checkpointOf(model, { config: CONFIG }), { key: KEY, flips });
  const { host, report } = await align(model, flipped);
  expect(report.components[0]!.layers.map(({ neurons }) => neurons.flipped)).toEqual([0, 54, 0]);
  const up = host.matrices.find(({ role, layer }) => role === "up" && layer === 1)!;
  const stored = model.get("model.layers.1.mlp.up_proj.weight")!.values;
  expect((await up.read(0, 1))[0]).toBe(-stored[0]!);
  expect((await up.read(1, 1))[0]).toBe(stored[SHAPE.width]);
});

function fuse(separate: Model): Model {
  const out = new Map(separate);
  for (const name of separate.keys()) {
    if (!name.endsWith("q_proj.weight")) continue;
    const parts = ["q", "k", "v"].map((role) => separate.get(name.replace("q_proj", `${role}_proj`))!);
    const values = new Float32Array(parts.reduce((n, part) => n + part.values.length, 0));
    let at = 0;
    for (const part of parts) {
      values.set(part.values, at);
      at += part.values.length;
    }
    for (const role of ["q", "k", "v"]) out.delete(name.replace("q_proj", `${role}_proj`));
    out.set(name.replace("q_proj", "qkv_proj"), {
      ...parts[0]!,
      shape: [values.length / SHAPE.width, SHAPE.width],
      values,
    });
  }
  return out;
}

/** Every dense network as the first of several experts; the others come from other seeds. */
function withExperts(dense: Model, experts: number): Model {
  const out = new Map(dense);
  const others = Array.from({ length: experts }, (_, e) => (e === 0 ? dense : llama(10 + e)));
  for (const [name, tensor] of dense) {
    if (!name.includes(".mlp.")) continue;
    out.delete(name);
    for (let e = 0; e < experts; e++) {
      const { values } = others[e]!.get(name)!;
      out.set(name.replace(".mlp.", `.mlp.experts.${e}.`), { ...tensor, values });
    }
  }
  return out;
}
