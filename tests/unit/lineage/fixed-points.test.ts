import { expect, test } from "vitest";
import { fixedPoints } from "../../../src/lineage/fixed-points.ts";
import { log10FixedPointTail } from "../../../src/numerics/fixed-points.ts";
import { prng, subset } from "../../../src/numerics/prng.ts";
import { centredRows, randomStack, signsOf, stackOf } from "../../support/signs.ts";

/** Mutual nearest neighbours by |product|, from dense rows, without ties. */
function bruteForce(a: number[][], b: number[][], labels: readonly number[]): { matched: number; fixed: number } {
  const [left, right] = [centredRows(a), centredRows(b)];
  const size = (j: number, k: number): number => Math.abs(left.reduce((s, row, i) => s + row[j]! * right[i]![k]!, 0));
  const best = (score: (k: number) => number): number => labels.reduce((x, y) => (score(y) > score(x) ? y : x));
  let matched = 0;
  let fixed = 0;
  for (const j of labels) {
    const k = best((other) => size(j, other));
    if (best((other) => size(other, k)) !== j) continue;
    matched++;
    if (k === j) fixed++;
  }
  return { matched, fixed };
}

test.each([0, 0.3, 0.8])("matching and bound are those of the definition (copied signs: %d)", (agreement) => {
  const stack = randomStack(3, 301, 40, { agreement });
  const found = fixedPoints(stack)!;
  const brute = bruteForce(
    signsOf(stack.a, stack),
    signsOf(stack.b, stack),
    Array.from({ length: 40 }, (_, i) => i),
  );
  expect(found).toMatchObject({ n: 40, ...brute });
  expect(found.log10P).toBe(log10FixedPointTail(40, brute.matched, brute.fixed));
});

test("of many labels it takes 512, drawn by a frozen rule", () => {
  const stack = randomStack(4, 40, 700, { agreement: 0.9 });
  const labels = [...subset(700, 512, "weightmark labels")];
  expect(fixedPoints(stack)).toMatchObject({
    n: 512,
    ...bruteForce(signsOf(stack.a, stack), signsOf(stack.b, stack), labels),
  });
});

test("labels that repeat in either model are left out, all of them", () => {
  const random = prng("repeated labels");
  const rows = (copied: readonly number[]): number[][] =>
    Array.from({ length: 40 }, () => {
      const row = Array.from({ length: 30 }, () => (random.below(2) === 0 ? 1 : -1));
      for (const j of copied) row[j] = row[copied[0]!]!;
      return row;
    });
  expect(fixedPoints(stackOf(rows([3, 9, 20]), rows([5, 9])))!.n).toBe(30 - 4);
});

test("is silent on too few rows or labels", () => {
  expect(fixedPoints(randomStack(1, 15, 64))).toBeNull();
  expect(fixedPoints(randomStack(1, 64, 7))).toBeNull();
  const row = Array.from({ length: 40 }, (_, j) => (j % 2 ? 1 : -1));
  // Two distinct labels only: nothing is left.
  expect(fixedPoints(stackOf(Array(20).fill(row), Array(20).fill(row)))).toBeNull();
});

test("the p-value keeps its promise under random relabelings, ties included", () => {
  // 16 rows give products from a few values only: nearly every comparison is a tie.
  const stack = randomStack(5, 16, 24, { agreement: 1 });
  const b = signsOf(stack.b, stack);
  const random = prng("relabelings");
  const order = Uint32Array.from({ length: 24 }, (_, j) => j);
  let below = 0;
  const trials = 1500;
  for (let t = 0; t < trials; t++) {
    random.shuffle(order);
    const relabelled = b.map((row) => [...order].map((j) => row[j]!));
    if (fixedPoints(stackOf(signsOf(stack.a, stack), relabelled))!.log10P <= -2) below++;
  }
  expect(below / trials).toBeLessThanOrEqual(0.01 + 4 * Math.sqrt(0.01 / trials));
});

test("sees half of the labels through noise that flips a third of the signs", () => {
  const found = fixedPoints(randomStack(6, 512, 128, { agreement: 1 / 3 }))!;
  expect(found.fixed).toBeGreaterThan(64);
  expect(found.log10P).toBeLessThan(-80);
});
