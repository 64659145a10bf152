import { describe, expect, test } from "vitest";
import { prng } from "../../../src/numerics/prng.ts";
import type { Model } from "../../support/random-model.ts";
import { type Shapes, shapedModel } from "../../support/shaped-model.ts";
import { judge } from "../../support/stored-model.ts";

const joined = (...models: readonly Model[]): Model => new Map(models.flatMap((model) => [...model]));

/** Noise on tensors of every shape, relative to the size of each. */
function addNoise(model: Model, size: number, seed = 1): Model {
  const random = prng(`written alike ${seed}`);
  return new Map(
    [...model].map(([name, tensor]) => {
      const rms = Math.sqrt(tensor.values.reduce((sum, x) => sum + x * x, 0) / tensor.values.length);
      return [name, { ...tensor, values: tensor.values.map((x) => x + size * rms * random.normal()) }];
    }),
  );
}

/** What is each model's own, and what was fitted to the same public streams as everybody's. */
function model(own: Shapes, fitted: Shapes, init: number): Model {
  return joined(shapedModel(own, { init }), addNoise(shapedModel(fitted, { init: 99 }), 0.2, init));
}

const HEADS: Shapes = { "intent.weight": [64, 128], "slot.weight": [50, 128], "topic.weight": [128, 128] };
const WIDTHS = { image: 128, text: 192, audio: 160 };
const towers = (shapes: (name: string, width: number) => Shapes): Shapes =>
  Object.assign({}, ...Object.entries(WIDTHS).map(([name, width]) => shapes(name, width)));

const CELL: Shapes = { "rnn.weight_ih_l0": [512, 40], "rnn.weight_hh_l0": [512, 128] };
const CHAIN: Shapes = { "fc1.weight": [200, 40], "fc2.weight": [160, 200], "fc3.weight": [128, 160] };

describe("strangers agree in what reads a public stream, and not in what writes as wide a one", () => {
  test.each<[string, Shapes, Shapes]>([
    ["heads beside a projector", { "projector.weight": [128, 40] }, HEADS],
    [
      "heads of as many classes as a projector has hidden units",
      { "projector.0.weight": [64, 40], "projector.2.weight": [128, 64] },
      HEADS,
    ],
    ["heads beside a cell", CELL, HEADS],
    ["heads beside a network with as wide an output", CHAIN, HEADS],
    [
      "one head for each of three towers, beside an adapter into its stream",
      towers((name, width) => ({ [`adapter_${name}.weight`]: [width, 64] })),
      towers((name, width) => ({ [`head_${name}.weight`]: [50, width] })),
    ],
    [
      "one head for each tower, beside a bottleneck",
      towers((name, width) => ({
        [`${name}_adapter.down.weight`]: [16, width],
        [`${name}_adapter.up.weight`]: [width, 16],
      })),
      towers((name, width) => ({ [`${name}_head.weight`]: [40, width] })),
    ],
    [
      "heads in a container of their own, beside a projector",
      { "projector.0.weight": [160, 40], "projector.2.weight": [128, 160] },
      { "heads.intent.weight": [50, 128], "heads.slot.weight": [41, 128] },
    ],
    [
      "convolutions for several tasks beside a neck",
      { "neck.conv.weight": [128, 40, 3, 3] },
      { "seg.weight": [150, 128, 1, 1], "depth.weight": [60, 128, 1, 1], "normal.weight": [100, 128, 1, 1] },
    ],
  ])("%s", async (_, own, fitted) => {
    const result = await judge(model(own, fitted, 1), model(own, fitted, 2));
    expect(result.verdict).toMatch(/^(?:no-evidence|not-testable)$/);
    for (const { verdict, reason } of result.components) {
      if (verdict === "no-evidence")
        expect(reason).toMatch(/^labels agree, but no matrix of both models that may write them does/);
    }
  });

  test("nor where one of them holds heads alone", async () => {
    const whole = model({ "neck.conv.weight": [128, 40, 3, 3] }, HEADS, 1);
    const heads = addNoise(shapedModel(HEADS, { init: 99 }), 0.2, 2);
    for (const [suspect, base] of [[whole, heads] as const, [heads, whole] as const]) {
      expect((await judge(suspect, base)).verdict).toMatch(/^(?:no-evidence|not-testable)$/);
    }
  });

  test("nor in maps between several public streams, in no order of a chain", async () => {
    const [a, b, c] = [128, 256, 192];
    const ways = { ab: [b, a], ac: [c, a], ba: [a, b], bc: [c, b], ca: [a, c], cb: [b, c] };
    const maps = Object.fromEntries(Object.entries(ways).map(([way, shape]) => [`maps.${way}.weight`, shape]));
    const net = shapedModel(maps, { init: 1 });
    const result = await judge(addNoise(net, 0.3), net);
    expect(result.verdict).toBe("not-testable");
    expect(result.components[0]!.reason).toMatch(/^neither shapes nor names tell of any matrix of both/);
  });

  test("nor in heads beside a trunk that is frozen in both", async () => {
    const trunk = shapedModel(CHAIN, { init: 1 });
    const heads = (seed: number): Model => addNoise(shapedModel(HEADS, { init: 99 }), 0.2, seed);
    const result = await judge(joined(trunk, heads(1)), joined(trunk, heads(2)));
    for (const { component, verdict } of result.components) {
      if (/intent|slot|topic/.test(component)) expect(verdict).not.toMatch(/derived|shared-init/);
    }
  });
});

describe("what one start wrote is found", () => {
  const one: Shapes = { "fc.weight": [160, 40], "mean.weight": [12, 160], "log_std.weight": [12, 160] };
  test.each<[string, Shapes]>([
    ["a cell with heads", { ...CELL, ...HEADS }],
    ["a perceptron with heads", { ...CHAIN, ...HEADS }],
    ["one hidden layer with heads", one],
    [
      "an encoder with heads in a container of their own",
      {
        "encoder.0.weight": [160, 40],
        "encoder.2.weight": [128, 160],
        "heads.intent.weight": [50, 128],
        "heads.slot.weight": [41, 128],
      },
    ],
    ["a convolutional net with heads", { "a.weight": [64, 12, 3, 3], "b.weight": [96, 64, 3, 3], ...conv() }],
  ])("%s", async (name, shapes) => {
    const whole = shapedModel(shapes, { init: 1 });
    const smaller = new Map([...whole].map(([name, t]) => [name, { ...t, values: t.values.map((x) => 0.9 * x) }]));
    for (const child of [addNoise(whole, 0.3), smaller]) {
      expect((await judge(child, whole)).verdict).toMatch(/^(?:shared-init|derived)$/);
    }
    // What reads them is measured as anything is: heads have slices.
    const slices = (await judge(smaller, whole)).components.flatMap(
      ({ learned }) => learned?.baseInSuspect.slices ?? [],
    );
    if (name === "a perceptron with heads") expect(Math.max(...slices)).toBeGreaterThanOrEqual(4);
    expect((await judge(shapedModel(shapes, { init: 2 }), whole)).verdict).toBe("no-evidence");
  });

  function conv(): Shapes {
    return { "box.weight": [16, 96, 3, 3], "cls.weight": [84, 96, 3, 3] };
  }
});
