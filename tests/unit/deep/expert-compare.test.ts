import { expect, test } from "vitest";
import { permutation } from "../../../src/numerics/prng.ts";
import { addNoise, rename } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge } from "../../support/stored-model.ts";

const DIMS = { family: "mixtral", width: 64, hidden: 96, layers: 2, vocabulary: 320 } as const;
const base = randomModel({ init: 1 }, DIMS);

test("a mixture whose stream and experts were renumbered is derived, by the neurons of experts that belong together", async () => {
  const suspect = disguised(addNoise(base, 0.1));
  const options = { monteCarlo: false };
  expect((await judge(suspect, base, options)).verdict).toBe("no-evidence");
  const found = await judge(suspect, base, { ...options, deep: true });
  expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact", moved: ["residual-permuted"] } });
  const neurons = found.tests.filter(({ axis, seenFrom }) => axis === "neurons" && seenFrom !== undefined);
  expect(Math.min(...neurons.map(({ log10P }) => log10P!))).toBeLessThan(-50);
});

test("a stranger's experts are silent, however they are paired", async () => {
  const found = await judge(disguised(randomModel({ init: 2 }, DIMS)), base, { monteCarlo: false, deep: true });
  expect(found).toMatchObject({ verdict: "no-evidence", deep: { basis: null } });
  expect(found.log10P).toBeGreaterThan(-3);
  expect(found.deep?.strength?.gate).toBeLessThan(0.15);
});

/** The same, what it computes but for the router, with another order of the stream's dimensions and of the experts. */
function disguised(model: Model): Model {
  const order = permutation(DIMS.width, "stream");
  const moved = new Map(
    [...model].map(([name, tensor]) => {
      const isRow = tensor.shape.length === 1 || /(?:o_proj|w2)\.weight$/.test(name);
      const cols = tensor.shape[1] ?? 1;
      const values = tensor.values.map((_, at) => {
        const [i, j] = [Math.floor(at / cols), at % cols];
        return tensor.values[isRow ? order[i]! * cols + j : i * cols + order[j]!]!;
      });
      return [name, { ...tensor, values }];
    }),
  );
  return rename(moved, (name) => name.replace(/experts\.(\d+)/, (_, expert) => `experts.${(Number(expert) + 1) % 3}`));
}
