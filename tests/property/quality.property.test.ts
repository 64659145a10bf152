import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { compareQuality } from "../../src/quality/compare-quality.ts";
import { LogitComparison } from "../../src/quality/logit-comparison.ts";
import { forwardFixture, hashedModel, withConfig } from "../support/hashed-model.ts";
import type { ModelTensor } from "../support/random-model.ts";

type Weights = Map<string, ModelTensor>;

/** Negates element (row, column) of a stored matrix. */
function negate(model: Weights, name: string, chosen: (row: number, column: number) => boolean): void {
  const tensor = model.get(name)!;
  const columns = tensor.shape[1] ?? 1;
  const values = tensor.values.map((x, i) => (chosen(Math.floor(i / columns), i % columns) ? -x : x));
  model.set(name, { ...tensor, values });
}

const at = (layer: number) => `model.layers.${layer}`;

/** Sign changes of a Llama-shaped model that leave the function as it is, exactly. */
const FLIPS = {
  "up row and down column": (model: Weights, layer: number, j: number) => {
    negate(model, `${at(layer)}.mlp.up_proj.weight`, (row) => row === j % 40);
    negate(model, `${at(layer)}.mlp.down_proj.weight`, (_, column) => column === j % 40);
  },
  "v row and the o columns of its group": (model: Weights, layer: number, j: number, headSize: number) => {
    const [head, i] = [Math.floor(j / headSize) % 2, j % headSize];
    negate(model, `${at(layer)}.self_attn.v_proj.weight`, (row) => row === head * headSize + i);
    const group = (column: number) => Math.floor(column / headSize / 2);
    negate(model, `${at(layer)}.self_attn.o_proj.weight`, (_, c) => group(c) === head && c % headSize === i);
  },
  "rotary pair of the q rows of a group and of k": (model: Weights, layer: number, j: number, headSize: number) => {
    const half = headSize / 2;
    const [head, i] = [Math.floor(j / half) % 2, j % half];
    const pair = (row: number) => row % half === i;
    negate(model, `${at(layer)}.self_attn.k_proj.weight`, (row) => Math.floor(row / headSize) === head && pair(row));
    const group = (row: number) => Math.floor(row / headSize / 2);
    negate(model, `${at(layer)}.self_attn.q_proj.weight`, (row) => group(row) === head && pair(row));
  },
} as const;

const flip = fc.record({
  kind: fc.constantFrom(...(Object.keys(FLIPS) as (keyof typeof FLIPS)[])),
  layer: fc.nat(1),
  j: fc.nat(39),
});
const sequence = fc.array(fc.nat(22), { minLength: 2, maxLength: 40 });

describe("sign changes that cancel", () => {
  test.prop(
    [
      fc.constantFrom("llama", "llama-llama3", "mistral", "qwen3", "gemma"),
      fc.array(flip, { minLength: 1, maxLength: 6 }),
      sequence,
    ],
    { numRuns: 40 },
  )("leave every logit equal to the bit", async (name, flips, tokens) => {
    const fixture = forwardFixture(name);
    const flipped = hashedModel(fixture);
    const headSize = (fixture.config.head_dim as number | null) ?? 8;
    for (const { kind, layer, j } of flips) FLIPS[kind](flipped, layer, j, headSize);
    const a = await withConfig(hashedModel(fixture), fixture.config);
    const b = await withConfig(flipped, fixture.config);
    const { logits, divergence } = await compareQuality(a, b, { sequences: [tokens], prefix: [] });
    expect(logits).toMatchObject({ bitEqual: true, maxDifference: 0 });
    expect(divergence).toBe(0);
  });

  test.prop([flip, fc.integer({ min: 0, max: 1 })], { numRuns: 15 })(
    "and half of one does not",
    async ({ kind, layer, j }, side) => {
      const fixture = forwardFixture("llama");
      const [whole, half] = [hashedModel(fixture), hashedModel(fixture)];
      FLIPS[kind](whole, layer, j, 8);
      const changed = [...whole].filter(([name, { values }]) => values.some((x, i) => x !== half.get(name)!.values[i]));
      expect(changed).toHaveLength(2);
      half.set(...changed[side]!);
      const a = await withConfig(hashedModel(fixture), fixture.config);
      const b = await withConfig(half, fixture.config);
      const tokens = { sequences: [[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9]], prefix: [] };
      expect((await compareQuality(a, b, tokens)).logits.bitEqual).toBe(false);
    },
  );
});

const VOCABULARY = 37;
const logit = fc.float({ min: -80, max: 80, noNaN: true });
const rows = fc.integer({ min: 1, max: 4 }).chain((n) => {
  const row = fc.array(logit, { minLength: n * VOCABULARY, maxLength: n * VOCABULARY });
  return fc.record({ a: row, b: row, targets: fc.array(fc.nat(VOCABULARY - 1), { minLength: n, maxLength: n }) });
});

describe("logits that pass by in bands", () => {
  test.prop([rows, fc.integer({ min: 1, max: VOCABULARY })])(
    "give what all at once would",
    ({ a, b, targets }, band) => {
      const n = targets.length;
      const comparison = new LogitComparison(Int32Array.from(targets));
      const slice = (x: readonly number[], first: number, count: number) =>
        Float32Array.from(targets.flatMap((_, t) => x.slice(t * VOCABULARY + first, t * VOCABULARY + first + count)));
      for (let first = 0; first < VOCABULARY; first += band) {
        const count = Math.min(band, VOCABULARY - first);
        comparison.add(first, count, slice(a, first, count), slice(b, first, count));
      }
      const { nllA, nllB, divergence, agreement } = comparison.scores();
      let largest = 0;
      for (let t = 0; t < n; t++) {
        const [p, q] = [a, b].map((x) => logSoftmax(x.slice(t * VOCABULARY, (t + 1) * VOCABULARY)));
        expect(nllA[t]).toBeCloseTo(-p![targets[t]!]!, 9);
        expect(nllB[t]).toBeCloseTo(-q![targets[t]!]!, 9);
        expect(divergence[t]).toBeCloseTo(
          p!.reduce((sum, value, j) => sum + Math.exp(value) * (value - q![j]!), 0),
          9,
        );
        // Of the logits themselves: a difference in their last place is lost in a logarithm of sums.
        const [first, second] = [a, b].map((x) => {
          const row = x.slice(t * VOCABULARY, (t + 1) * VOCABULARY);
          return row.indexOf(Math.max(...row));
        });
        expect(agreement[t]).toBe(first === second ? 1 : 0);
      }
      a.forEach((x, i) => {
        largest = Math.max(largest, Math.abs(x - b[i]!));
      });
      expect(comparison.maxDifference).toBe(largest);
      expect(comparison.bitEqual).toBe(a.every((x, i) => Object.is(x, b[i])));
    },
  );
});

function logSoftmax(x: readonly number[]): number[] {
  const most = Math.max(...x);
  const total = most + Math.log(x.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return x.map((value) => value - total);
}
