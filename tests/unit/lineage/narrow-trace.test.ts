import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { gramProduct } from "../../../src/kernels/sign-gram.ts";
import { narrowTrace } from "../../../src/lineage/label-products.ts";
import { buildStack } from "../../../src/lineage/sign-stack.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

function stackOf(m: number, n: number, seed: number) {
  const next = randomWords(seed);
  const row = () => Uint32Array.from({ length: Math.ceil(n / 32) }, next);
  return buildStack(
    Array.from({ length: m }, () => ({ a: row(), b: row() })),
    n,
  );
}

test.prop([fc.integer({ min: 2, max: 150 }), fc.integer({ min: 0, max: 200 }), fc.nat()], { numRuns: 40 })(
  "the trace by labels is the trace by rows",
  (n, more, seed) => {
    const stack = stackOf(2 * n + more, n, seed);
    const { trace } = gramProduct(stack.a, stack.b, stack.m, stack.words, n);
    expect(Math.abs(narrowTrace(stack)! - trace)).toBeLessThanOrEqual(1e-11 * trace);
  },
);

test("is left to the rows where labels are many", () => {
  expect(narrowTrace(stackOf(9, 5, 1))).toBeNull();
});
