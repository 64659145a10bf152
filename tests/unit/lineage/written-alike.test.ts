import { describe, expect, test } from "vitest";
import { addNoise } from "../../support/derive.ts";
import type { Model } from "../../support/random-model.ts";
import { type Shapes, shapedModel } from "../../support/shaped-model.ts";
import { judge } from "../../support/stored-model.ts";

const HEADS: Shapes = { "intent.weight": [64, 128], "slot.weight": [50, 128], "topic.weight": [128, 128] };

/** Parts of its own, and heads that were fitted to the same public stream as everybody's. */
function withHeads(own: Shapes, init: number): Model {
  return new Map([...shapedModel(own, { init }), ...addNoise(shapedModel(HEADS, { init: 99 }), 0.2, init)]);
}

describe("what shapes alone call hidden units", () => {
  const beside: Readonly<Record<string, Shapes>> = {
    "a projector into their stream": { "projector.weight": [128, 40] },
    "a projector with as many hidden units as there are classes": {
      "projector.0.weight": [64, 40],
      "projector.2.weight": [128, 64],
    },
    "a cell with as wide a state": { "rnn.weight_ih_l0": [512, 40], "rnn.weight_hh_l0": [512, 128] },
    "a network with as wide an output": {
      "fc1.weight": [200, 40],
      "fc2.weight": [160, 200],
      "fc3.weight": [128, 160],
    },
  };

  test.each(Object.keys(beside))("says nothing of heads that agree beside %s, which does not", async (name) => {
    const [one, two] = [withHeads(beside[name]!, 1), withHeads(beside[name]!, 2)];
    const result = await judge(one, two);
    expect(result.verdict).toMatch(/^(?:not-testable|no-evidence)$/);
    for (const { verdict, reason } of result.components) {
      if (verdict === "no-evidence") expect(reason).toMatch(/^labels agree, but no matrix that may write them does/);
    }
  });

  test.each(Object.keys(beside).slice(2))("counts beside %s, which agrees", async (name) => {
    const whole = withHeads(beside[name]!, 1);
    expect((await judge(addNoise(whole, 0.1), whole)).verdict).toMatch(/^(?:shared-init|derived)$/);
  });

  test("is nothing in maps between public streams, whatever they agree in", async () => {
    const [a, b, c] = [128, 256, 192];
    const ways = { ab: [b, a], ac: [c, a], ba: [a, b], bc: [c, b], ca: [a, c], cb: [b, c] };
    const maps = Object.fromEntries(Object.entries(ways).map(([way, shape]) => [`maps.${way}.weight`, shape]));
    const net = shapedModel(maps, { init: 1 });
    const result = await judge(addNoise(net, 0.3), net);
    expect(result.verdict).toBe("not-testable");
    expect(result.components[0]!.reason).toMatch(/^no matrix whose columns are hidden units/);
  });
});
