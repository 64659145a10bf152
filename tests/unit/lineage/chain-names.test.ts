import { describe, expect, test } from "vitest";
import { addNoise } from "../../support/derive.ts";
import { shapedModel } from "../../support/shaped-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

/** What people call the linears of a perceptron: of so many the place of one. */
const NAMINGS: readonly [what: string, name: (place: number, linears: number) => string][] = [
  ["numbers of a sequence", (k) => `net.${2 * k}`],
  ["layers and an output", (k, n) => (k < n - 1 ? `layers.${k}` : "out")],
  ["linears within numbered layers", (k) => `net.${k}.linear`],
  [
    "input, hidden layers, output",
    (k, n) => (k === 0 ? "input_layer" : k < n - 1 ? `hidden_layers.${k - 1}` : "output_layer"),
  ],
  ["words with numbers", (k) => `fc${k + 1}`],
];
const WIDTHS = [63, 64, 64, 64, 64, 3];

describe("a narrow perceptron is told by its shapes, whatever its linears are called", () => {
  test.each(NAMINGS)("%s", async (_, name) => {
    const linears = WIDTHS.length - 1;
    const shapes = Object.fromEntries(
      Array.from({ length: linears }, (_, k) => [`${name(k, linears)}.weight`, [WIDTHS[k + 1]!, WIDTHS[k]!]]),
    );
    const model = shapedModel(shapes, { init: 1 });
    const base = await subjectOf(model, { name: "base" });
    const found = await judge(await subjectOf(addNoise(model, 0.02)), base);
    expect(["derived", "shared-init"]).toContain(found.verdict);
    expect(found.log10P).toBeLessThan(-50);
    const stranger = await judge(await subjectOf(shapedModel(shapes, { init: 2 })), base);
    expect(stranger.verdict).toBe("no-evidence");
  });
});

describe("networks of coordinates are tested, whatever the first layer reads", () => {
  test.each([2, 3, 5])("%d inputs", async (inputs) => {
    const widths = [inputs, 96, 96, 96, 96, 3];
    const shapes = Object.fromEntries(
      Array.from({ length: 5 }, (_, k) => [`net.${k}.linear.weight`, [widths[k + 1]!, widths[k]!]]),
    );
    const model = shapedModel(shapes, { init: 1 });
    const base = await subjectOf(model, { name: "base" });
    const found = await judge(await subjectOf(addNoise(model, 0.02)), base);
    expect(["derived", "shared-init"]).toContain(found.verdict);
    expect(found.log10P).toBeLessThan(-50);
    const stranger = await judge(await subjectOf(shapedModel(shapes, { init: 2 })), base);
    expect(stranger.verdict).toBe("no-evidence");
  });
});
