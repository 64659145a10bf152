import { describe, expect, test } from "vitest";
import type { CompareResult } from "../../../src/lineage/result.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { addLora, addNoise, lieAboutRoles, mapMatrices } from "../../support/derive.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { type Shapes, shapedModel } from "../../support/shaped-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const joined = (...models: readonly Model[]): Model => new Map(models.flatMap((model) => [...model]));
const renamed = (model: Model, from: RegExp, to: string): Model =>
  new Map([...model].flatMap(([name, t]) => (from.test(name) ? [[name.replace(from, to), t] as const] : [])));
const verdictOf = (result: CompareResult, name: string) =>
  result.components.find(({ suspectComponent }) => suspectComponent === name)?.verdict;

describe("what content finds", () => {
  const body: Shapes = { "fc1.weight": [192, 200], "fc2.weight": [192, 192], "fc3.weight": [192, 192] };
  const head: Shapes = { "top.0.weight": [128, 192], "top.2.weight": [128, 128], "top.4.weight": [10, 128] };
  const net = shapedModel({ ...body, ...head }, { init: 1 });
  const other = shapedModel({ ...body, ...head }, { init: 2 });

  test("is told stack by stack, and no part is named that does not agree", async () => {
    const mixed = new Map([...other].map(([name, t]) => [name, /fc[23]/.test(name) ? net.get(name)! : t]));
    const result = await judge(mixed, await subjectOf(net, { name: "net", root: true }));
    expect(result.summary).toMatch(/shares 2 of 6 matrices bit for bit with net/);
    expect(result.summary).not.toMatch(/its (?:fc1|top)/);
    expect(result).toMatchObject({ direction: "not-established", relations: [] });
    expect(["fc2", "fc3"].map((name) => verdictOf(result, name))).not.toContain("not-testable");
    for (const name of ["fc1", "top"]) expect(verdictOf(result, name)).not.toMatch(/derived|identical|shared-init/);
  });
});

test("buffers without a value do not count as matrices that disagree", async () => {
  const model = randomModel({ init: 51 });
  const buffered = (m: Model): Model =>
    new Map(
      [...m].flatMap(([name, t]) =>
        /_proj/.test(name)
          ? [
              [name, t] as const,
              [name.replace("weight", "weight_integer"), { ...t, values: new Float32Array(t.values.length) }] as const,
            ]
          : [[name, t] as const],
      ),
    );
  const base = await subjectOf(buffered(model), { name: "base", root: true });
  const result = await judge(buffered(addNoise(model, 0.1)), base);
  expect(result.summary).toBe("suspect derives from base.");
});

test("residual dimensions alone claim no common start where nothing of it is left", async () => {
  // Each model's own layers, that read the dimensions of one public model, a few of which are large.
  const width = 256;
  const reading = (seed: number): Model => {
    const coins = prng(`rows ${seed}`);
    const own = randomModel({ init: seed }, { width, hidden: 512, layers: 4 });
    const layers = [...own].filter(([name]) => /layers/.test(name));
    return mapMatrices(new Map(layers), (values, { shape: [rows] }, name) => {
      if (!/(?:q|k|v|gate|up)_proj/.test(name)) return values;
      const random = prng(`public model ${/layers\.\d/.exec(name)![0]}`);
      const large = Float64Array.from({ length: width }, () => random.normal() * (random.below(4) === 0 ? 6 : 1));
      const wave = Array.from({ length: 3 }, (_, q) => large.map((x, j) => x * (1 + 0.2 * q * Math.sin(j * (q + 1)))));
      const out = Float32Array.from({ length: values.length }, () => 0.02 * coins.normal());
      for (let i = 0; i < rows!; i++) {
        for (const [q, line] of wave.entries()) {
          const size = (0.1 * coins.normal()) / (q + 1);
          for (let j = 0; j < width; j++) out[i * width + j]! += size * line[j]! * 0.08;
        }
      }
      return out;
    });
  };
  const fused = (seed: number): Model => {
    const first = shapedModel({ w: [width, 2 * width] }, { init: seed }).get("w")!;
    return new Map([["fc.weight", first], ...reading(seed)]);
  };
  const result = await judge(fused(61), await subjectOf(fused(62), { name: "other" }));
  expect(["no-evidence", "not-testable"]).toContain(result.verdict);
});

test("a part whose names lie is found beside one whose names do not", async () => {
  const model = randomModel({ init: 41 }, { family: "llava" });
  const stranger = randomModel({ init: 42 }, { family: "llava" });
  const liar = (from: Model): Model => {
    const language = [...from].filter(([name]) => name.startsWith("language_model"));
    return new Map([...from, ...lieAboutRoles(new Map(language))]);
  };
  const base = await subjectOf(model, { name: "base" });
  const result = await judge(addNoise(liar(model), 0.1), base);
  expect(result.verdict).toBe("derived");
  expect(result.summary).not.toMatch(/its vision_tower/);
  expect(verdictOf(result, "language_model.model.layers")).toBe("derived");
  const mixed = new Map([...liar(stranger)].map(([name, t]) => [name, /^vision/.test(name) ? model.get(name)! : t]));
  const part = await judge(mixed, base);
  expect(part.summary).toMatch(/shares the weights of its vision_tower/);
  expect(verdictOf(part, "language_model.model.layers")).toBe("no-evidence");
});

describe("a root of which a part is found", () => {
  const model = randomModel({ init: 31 }, { layers: 4 });
  const stranger = randomModel({ init: 32 }, { layers: 4 });

  test.each([0, 0.05])("one of its layers beside another model's, noise %f: a part, and no parent", async (noise) => {
    const extra = renamed(model, /^model\.layers\.2\./, "extra.layers.0.");
    const suspect = joined(stranger, noise === 0 ? extra : addNoise(extra, noise));
    const result = await judge(suspect, await subjectOf(model, { name: "root", root: true }));
    expect(result).toMatchObject({ verdict: "derived", direction: "not-established", relations: [], parents: [] });
    expect(result.summary).toBe("suspect shares the weights of its extra.layers with root, whoever had them first.");
  });

  test("beside a larger stranger it says of no change how the whole was made", async () => {
    const draft = renamed(addLora(model, 4, 0.1), /^model\.layers\./, "draft.layers.");
    const result = await judge(joined(stranger, draft), await subjectOf(model, { name: "root", root: true }));
    expect(result).toMatchObject({ verdict: "derived", relations: [] });
  });

  test("stages of a pipeline in one file are all of it", async () => {
    const stages = joined(
      renamed(model, /^model\.layers\.([01])\./, "stage0.layers.$1."),
      new Map(
        [...renamed(model, /^model\.layers\.([23])\./, "stage1.layers.$1.")].map(([name, t]) => [
          name.replace(/layers\.(\d)/, (_, n: string) => `layers.${Number(n) - 2}`),
          t,
        ]),
      ),
      renamed(model, /^(?=model\.embed|lm_head)/, ""),
    );
    const result = await judge(addNoise(stages, 0.05), await subjectOf(model, { name: "root", root: true }));
    expect(result).toMatchObject({ verdict: "derived", direction: "suspect-from-base", relations: [] });
    expect(["stage0.layers", "stage1.layers"].map((name) => verdictOf(result, name))).toEqual(["derived", "derived"]);
  });

  test("a tower of a model of many small stacks does not derive from that", async () => {
    const blocks: Record<string, readonly number[]> = {};
    for (let i = 0; i < 8; i++) {
      for (const j of [0, 1, 2]) blocks[`unet.block${i}.net.${j}.conv.weight`] = [48, 48, 3, 3];
    }
    const tower = renamed(model, /^model\./, "text.");
    const all = await subjectOf(joined(shapedModel(blocks, { init: 3 }), tower), { name: "all", root: true });
    for (const noise of [0, 0.05]) {
      const result = await judge(noise === 0 ? model : addNoise(model, noise), all);
      expect(result).toMatchObject({ verdict: "derived", direction: "not-established", parents: [] });
      expect(result.relations).not.toContain("vocabulary-extended");
    }
  });
});

const table = (rows: number, cols: number, value: (i: number, j: number) => number): ModelTensor => ({
  shape: [rows, cols],
  values: Float32Array.from({ length: rows * cols }, (_, k) => value(Math.floor(k / cols), k % cols)),
  dtype: "F32",
});

describe("constants of mathematics that two strangers hold", () => {
  const window = (t: number, n: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * t) / n);
  const buffers: Readonly<Record<string, Model>> = {
    "windowed transforms": new Map(
      [128, 256, 512].map((n, i) => [
        `stft.${i}.basis`,
        table(n + 2, n, (k, t) => {
          const angle = (2 * Math.PI * (k % (n / 2 + 1)) * t) / n;
          return (k <= n / 2 ? Math.cos(angle) : -Math.sin(angle)) * window(t, n);
        }),
      ]),
    ),
    positions: new Map(
      [200, 300, 400].map((rows, i) => [
        `layers.${i}.pos`,
        table(rows, 128, (p, j) => (j < 64 ? Math.sin(p / 1e4 ** (j / 64)) : Math.cos(p / 1e4 ** ((j - 64) / 64)))),
      ]),
    ),
    "state space matrices": new Map(
      [64, 96, 128].map((n, i) => [
        `ssm.${i}.A`,
        table(n, n, (r, c) => (r > c ? -Math.sqrt((2 * r + 1) * (2 * c + 1)) : r === c ? -(r + 1) : 0)),
      ]),
    ),
    filters: new Map(
      [129, 257].map((n, i) => [
        `mel.${i}.fb`,
        table(80, n, (k, f) => Math.max(0, 1 - Math.abs(f - ((k + 1) ** 1.4 * n) / 81 ** 1.4) / (2 + k / 12))),
      ]),
    ),
  };

  test.each(Object.keys(buffers))("%s: equal, and nobody's", async (name) => {
    const net: Shapes = { "net.0.weight": [192, 80], "net.2.weight": [192, 192], "net.4.weight": [192, 192] };
    const [one, two] = [1, 2].map((init) => joined(shapedModel(net, { init }), buffers[name]!)) as [Model, Model];
    const stored = await subjectOf(two, { name: "two", root: true });
    for (const base of [stored, { ...stored, checkpoint: null }]) {
      const result = await judge(one, base);
      expect(result).toMatchObject({ verdict: "no-evidence", direction: "not-established" });
      expect(result.summary).toMatch(/shares \d of \d matrices bit for bit with two.*nothing else is shown/);
    }
  });
});
