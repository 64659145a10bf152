import { expect, test } from "vitest";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

/** The upper half of every matrix. */
const halved = (model: Model): Model =>
  new Map(
    [...model].map(([name, tensor]) => {
      const { values, shape } = tensor;
      if (shape.length !== 2) return [name, tensor];
      const [rows, cols] = shape as [number, number];
      return [name, { ...tensor, shape: [rows / 2, cols], values: values.slice(0, (rows / 2) * cols) }];
    }),
  );

test("where no slices can be held against each other, nothing is said of a start that they would tell", async () => {
  const model = randomModel({ init: 1 }, { width: 128, hidden: 256, layers: 3, vocabulary: 200 });
  const base = await subjectOf(model, { name: "whole" });
  const part = await subjectOf(halved(model), { name: "half" });
  for (const result of [await judge(part, base), await judge(base, part)]) {
    expect(result.verdict).toBe("not-testable");
    const body = result.components.find(({ component }) => component !== "embeddings");
    expect(body).toMatchObject({ verdict: "not-testable", log10P: null, learned: null });
    expect(body!.reason).toMatch(/labels agree \(p = 1e-\d+\).*no slices of both/);
  }
});
