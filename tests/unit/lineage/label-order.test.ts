import { describe, expect, test } from "vitest";
import { testComponent } from "../../../src/lineage/component-test.ts";
import { labelsHaveOrder, neighbourSigma } from "../../../src/lineage/label-order.ts";
import { orderedAxes } from "../../../src/lineage/order-guard.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { addNoise, mapMatrices } from "../../support/derive.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { randomStack, signsOf, stackOf } from "../../support/signs.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const SHAPE = { width: 128, hidden: 160, layers: 3, vocabulary: 256 };
const READERS = /[qkv]_proj|gate_proj|up_proj/;

/** What positions that are added but not stored do: every row of either sign uses the smooth dimensions as a bias. */
function withPositions(model: Model, seed: number, used: number): Model {
  const random = prng(`positions ${seed}`);
  return mapMatrices(model, (values, { shape }, name) => {
    if (!READERS.test(name)) return values;
    const cols = shape[1]!;
    const weights = Array.from({ length: shape[0]! }, () => used * 0.05 * random.normal());
    return values.map((x, i) => x + weights[Math.floor(i / cols)]! * Math.cos((12 * (i % cols)) / cols));
  });
}

describe("the order of labels", () => {
  test("is not seen where there is none, sigma by sigma", () => {
    const sigmas = Array.from({ length: 60 }, (_, seed) => {
      const stack = randomStack(seed, 40, 200, { factor: 1 });
      return neighbourSigma(stack.a, stack, 1 + (seed % 2));
    });
    const mean = sigmas.reduce((a, b) => a + b, 0) / sigmas.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(60));
    expect(Math.max(...sigmas.map(Math.abs))).toBeLessThan(5);
  });

  test("is seen where neighbours do alike, or every other one", () => {
    const random = prng("smooth");
    for (const lag of [1, 2]) {
      const rows = Array.from({ length: 40 }, () => {
        const phase = 6 * random.float();
        return Array.from({ length: 200 }, (_, j) =>
          Math.cos(phase + Math.floor(j / lag) / 20 + (j % lag) * 1.6) + random.normal() < 0 ? -1 : 1,
        );
      });
      const stack = stackOf(rows, rows);
      expect(neighbourSigma(stack.a, stack, lag)).toBeGreaterThan(8);
      const order = [...Array(200).keys()].sort((a, b) => ((a * 73) % 200) - ((b * 73) % 200));
      const shuffled = signsOf(stack.a, stack).map((row) => order.map((j) => row[j]!));
      const mixed = stackOf(shuffled, shuffled);
      expect(neighbourSigma(mixed.a, mixed, lag)).toBeLessThan(6);
    }
  });

  test("takes the residual axis out of strangers with positions of one kind", async () => {
    const shape = { width: 256, hidden: 256, layers: 4, vocabulary: 256 };
    const [a, b] = [100, 200].map((seed) => withPositions(randomModel({ init: seed }, shape), seed, 2));
    const [suspect, base] = [await subjectOf(a!), await subjectOf(b!)];
    // Labels agree as strongly as those of relatives, far apart ones more than close ones: exchanging neighbours shows nothing.
    const layers = (s: Subject) => s.fingerprint.sketches.filter((sketch) => sketch.layer >= 0);
    const pairs = layers(base).map((sketch, i) => ({ suspect: layers(suspect)[i]!, base: sketch }));
    const options = { component: "model.layers", monteCarlo: false, excluded: new Set<never>() };
    const { tests, log10P } = testComponent(pairs, options);
    const z = (name: string) => Math.abs(tests.find((t) => t.name === name && t.axis === "residual" && !t.turned)!.z!);
    expect(z("T1")).toBeGreaterThan(12);
    expect(z("T1-swap")).toBeLessThan(4);
    expect(log10P).toBeGreaterThan(-9);
    // And where other tests would be fooled, the order is seen.
    expect([...orderedAxes(pairs)]).toEqual(["residual"]);
    expect(["no-evidence", "not-testable"]).toContain((await judge(suspect, base)).verdict);
  });

  test("leaves derivatives their neurons, and other models their residual axis", async () => {
    const ordered = withPositions(randomModel({ init: 5 }, SHAPE), 5, 1);
    const found = await judge(addNoise(ordered, 0.1), await subjectOf(ordered));
    expect(found.verdict).toBe("derived");
    expect(found.tests.filter((t) => t.component === "model.layers").map((t) => t.axis)).not.toContain("residual");
    const plain = randomModel({ init: 6 }, SHAPE);
    const other = await judge(addNoise(plain, 0.1), await subjectOf(plain));
    expect(other.tests.map((t) => t.axis)).toContain("residual");
    expect(labelsHaveOrder(stackOf([], []))).toBe(false);
  });
});
