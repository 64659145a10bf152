import { describe, expect, test } from "vitest";
import { prng } from "../../../src/numerics/prng.ts";
import type { Model, ModelTensor } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const WIDTH = 96;
const LAYERS = 8;

function drawn(rows: number, cols: number, seed: string, scale = 1): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: rows * cols }, () => scale * random.normal());
}

const tensor = (rows: number, cols: number, values: Float32Array): ModelTensor => ({
  shape: [rows, cols],
  values,
  dtype: "F32",
});

/** What everybody finds who fits one stream of a public model by another: one map, some strong directions of it, and noise. */
function fitted(rows: number, layer: number, owner: number, common = 0.4): Float32Array {
  const noise = drawn(rows, WIDTH, `noise ${owner} ${layer}`, 0.5);
  const solution = drawn(rows, WIDTH, `solution ${layer}`, common);
  const [left, right] = [drawn(rows, 6, `left ${layer}`), drawn(6, WIDTH, `right ${layer}`)];
  return noise.map((x, k) => {
    const [i, j] = [Math.floor(k / WIDTH), k % WIDTH];
    let sum = x + solution[k]!;
    for (let r = 0; r < 6; r++) sum += 1.5 * left[i * 6 + r]! * right[r * WIDTH + j]!;
    return sum;
  });
}

/** The least-squares map between streams of which few directions are strong: its spectrum falls all the way. */
function regression(rows: number, cols: number, map: string, owner: number): Float32Array {
  const rank = Math.min(rows, cols);
  const [left, right] = [drawn(rows, rank, `rows of ${map}`), drawn(rank, cols, `columns of ${map}`)];
  const noise = drawn(rows, cols, `samples of ${owner} for ${map}`, 0.05);
  return noise.map((x, at) => {
    const [i, j] = [Math.floor(at / cols), at % cols];
    let sum = x;
    for (let k = 0; k < rank; k++) sum += (left[i * rank + k]! * right[k * cols + j]!) / (1 + k);
    return sum;
  });
}

const table = tensor(320, WIDTH, drawn(320, WIDTH, "public table"));

/** Maps of one stranger, one for each layer, under such names, beside `more`. */
function maps(owner: number, name: string, rows: number, more: readonly (readonly [string, ModelTensor])[]): Model {
  const own = Array.from({ length: LAYERS }, (_, layer): [string, ModelTensor] => [
    name.replace("{}", String(layer)),
    tensor(rows, WIDTH, fitted(rows, layer, owner)),
  ]);
  return new Map([...more, ...own]);
}

const network = (owner: number, names: readonly [string, string]): [string, ModelTensor][] =>
  Array.from({ length: LAYERS }, (_, layer): [string, ModelTensor][] => [
    [names[0].replace("{}", String(layer)), tensor(160, WIDTH, drawn(160, WIDTH, `up ${owner} ${layer}`))],
    [names[1].replace("{}", String(layer)), tensor(WIDTH, 160, drawn(WIDTH, 160, `down ${owner} ${layer}`))],
  ]).flat();

const SILENT = /^(?:no-evidence|not-testable)$/;

describe("what strangers fit to the streams of one public model", () => {
  const beside: [string, (owner: number) => (readonly [string, ModelTensor])[]][] = [
    ["nothing", () => []],
    ["the public table", () => [["embed_tokens.weight", table]]],
    ["the public unembedding", () => [["unembedding.weight", table]]],
    ["a table of their own", (o) => [["embed_tokens.weight", tensor(320, WIDTH, drawn(320, WIDTH, `table ${o}`))]]],
    [
      "networks of their own",
      (o) => network(o, ["model.layers.{}.mlp.up_proj.weight", "model.layers.{}.mlp.down_proj.weight"]),
    ],
  ];
  const named: [string, number][] = [
    ["{}.weight", WIDTH],
    ["translators.{}.weight", WIDTH],
    ["model.layers.{}.lens.weight", WIDTH],
    ["layers.{}.probe.weight", 64],
    ["heads.{}.weight", 160],
  ];
  test.each(named.flatMap(([name, rows]) => beside.map(([what, more]) => [name, rows, what, more] as const)))(
    "%s of %i rows beside %s is no start of theirs",
    async (name, rows, _what, more) => {
      const [one, other] = [1, 2].map((owner) => maps(owner, name, rows, more(owner)));
      const result = await judge(await subjectOf(one!), await subjectOf(other!));
      for (const { component, verdict } of result.components) {
        if (component !== "embeddings") expect(verdict, component).toMatch(SILENT);
      }
      expect(result.verdict).not.toBe("derived");
    },
  );

  test.each([
    ["transcoders.{}.enc.weight", "transcoders.{}.dec.weight", "transcoders.{}.skip.weight"],
    ["model.layers.{}.mlp.up_proj.weight", "model.layers.{}.mlp.down_proj.weight", "model.layers.{}.mlp.skip.weight"],
  ])("the skips beside %s and %s are none either", async (up, down, skip) => {
    const [one, other] = [1, 2].map((owner) =>
      maps(owner, skip, WIDTH, [["embed_tokens.weight", table], ...network(owner, [up, down])]),
    );
    const result = await judge(await subjectOf(one!), await subjectOf(other!));
    for (const { component, verdict } of result.components) {
      if (component !== "embeddings") expect(verdict, component).toMatch(SILENT);
    }
  });

  test.each([
    ["layers.{}.attn.k_proj.weight", 64],
    ["layers.{}.query.weight", WIDTH],
  ])("%s of %i rows, fitted to few samples, is no start of theirs either", async (name, rows) => {
    const all = (owner: number): Model => {
      const own = Array.from({ length: LAYERS }, (_, layer): [string, ModelTensor] => [
        name.replace("{}", String(layer)),
        tensor(rows, WIDTH, fitted(rows, layer, owner, 0.2)),
      ]);
      return new Map([["embed_tokens.weight", table], ...own]);
    };
    const result = await judge(await subjectOf(all(1)), await subjectOf(all(2)));
    for (const { component, verdict } of result.components) {
      if (component !== "embeddings") expect(verdict, component).toMatch(SILENT);
    }
  });

  const OTHER = 64;
  test.each<[string, readonly (readonly [name: string, rows: number, cols: number])[]]>([
    [
      "there and back",
      [
        ["translators.{}.there.weight", OTHER, WIDTH],
        ["translators.{}.back.weight", WIDTH, OTHER],
      ],
    ],
    [
      "by names of a network",
      [
        ["layers.{}.up_proj.weight", WIDTH, OTHER],
        ["layers.{}.down_proj.weight", OTHER, WIDTH],
      ],
    ],
    [
      "by names of caches",
      [
        ["layers.{}.attn.k_proj.weight", OTHER, WIDTH],
        ["layers.{}.attn.v_proj.weight", OTHER, WIDTH],
      ],
    ],
  ])("maps between two public models, %s, are no start of theirs", async (_what, names) => {
    const all = (owner: number): Model => {
      const own = names.flatMap(([name, rows, cols]) =>
        Array.from({ length: LAYERS }, (__, layer): [string, ModelTensor] => {
          const map = name.replace("{}", String(layer));
          return [map, tensor(rows, cols, regression(rows, cols, map, owner))];
        }),
      );
      return new Map([["embed_tokens.weight", table], ...own]);
    };
    const result = await judge(await subjectOf(all(1)), await subjectOf(all(2)));
    for (const { component, verdict } of result.components) {
      if (component !== "embeddings") expect(verdict, component).toMatch(SILENT);
    }
  });

  test.each<[string, readonly string[], readonly number[]]>([
    ["kernels", ["layers.{}.conv.weight"], [WIDTH, WIDTH, 1]],
    ["attention", ["layers.{}.attn.q_proj.weight", "layers.{}.attn.k_proj.weight"], [WIDTH, WIDTH]],
  ])("maps that change a public stream little, called %s, are no start of theirs", async (_what, names, shape) => {
    const all = (owner: number): Model => {
      const own = names.flatMap((name) =>
        Array.from({ length: LAYERS }, (__, layer): [string, ModelTensor] => {
          const map = name.replace("{}", String(layer));
          const solution = drawn(WIDTH, WIDTH, `solution ${map}`, 0.03);
          const samples = drawn(WIDTH, WIDTH, `samples of ${owner} for ${map}`, 0.01);
          const values = solution.map((x, at) => x + samples[at]! + Number(at % (WIDTH + 1) === 0));
          return [map, { shape: [...shape], values, dtype: "F32" }];
        }),
      );
      return new Map([["embed_tokens.weight", table], ...own]);
    };
    const result = await judge(await subjectOf(all(1)), await subjectOf(all(2)));
    for (const { component, verdict } of result.components) {
      if (component !== "embeddings") expect(verdict, component).toMatch(SILENT);
    }
  });

  test("but a copy of them is one, and a network in a stream of its own is known", async () => {
    const lenses = maps(1, "translators.{}.weight", WIDTH, [["embed_tokens.weight", table]]);
    expect((await judge(await subjectOf(lenses), await subjectOf(lenses))).verdict).toBe("identical");
    const own = new Map([
      ["embed_tokens.weight", table] as const,
      ...network(1, ["blocks.{}.fc1.weight", "blocks.{}.fc2.weight"]),
    ]);
    const noisy = new Map(
      [...own].map(([name, { shape, values, dtype }]) => {
        const noise = drawn(values.length, 1, `noise of ${name}`, 0.05);
        return [name, { shape, dtype, values: values.map((x, i) => x + noise[i]!) }];
      }),
    );
    expect((await judge(await subjectOf(noisy), await subjectOf(own))).verdict).toMatch(/^(?:derived|shared-init)$/);
  });
});
