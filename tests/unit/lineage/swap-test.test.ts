import { expect, test } from "vitest";
import { swapTest } from "../../../src/lineage/swap-test.ts";
import { permutation } from "../../../src/numerics/prng.ts";
import { randomStack, signsOf, stackOf } from "../../support/signs.ts";

test("is the dense sum over the fixed pairs of labels", () => {
  const stack = randomStack(1, 37, 45, { agreement: 0.6 });
  const [a, b] = [signsOf(stack.a, stack), signsOf(stack.b, stack)];
  const order = permutation(45, "weightmark label pairs");
  const d: number[] = [];
  for (let k = 0; k + 1 < 45; k += 2) {
    const [i, j] = [order[k]!, order[k + 1]!];
    d.push(a.reduce((sum, row, r) => sum + (row[i]! - row[j]!) * (b[r]![i]! - b[r]![j]!), 0));
  }
  const sum = d.reduce((x, y) => x + y, 0);
  const size = Math.sqrt(d.reduce((x, y) => x + y * y, 0));
  const swap = swapTest([stack])!;
  expect(swap.z).toBeCloseTo(sum / size, 10);
  expect(swap.pairs).toBe(d.filter((x) => x !== 0).length);
});

test("its bound holds over every exchange of the pairs of 16 labels", () => {
  const stack = randomStack(2, 20, 16, { agreement: 0.8 });
  const b = signsOf(stack.b, stack);
  const a = signsOf(stack.a, stack);
  const order = permutation(16, "weightmark label pairs");
  const all = Array.from({ length: 2 ** 8 }, (_, mask) => {
    const pi = Array.from({ length: 16 }, (_, j) => j);
    for (let k = 0; k < 8; k++) {
      if ((mask >> k) & 1) [pi[order[2 * k]!], pi[order[2 * k + 1]!]] = [order[2 * k + 1]!, order[2 * k]!];
    }
    return swapTest([
      stackOf(
        a,
        b.map((row) => pi.map((j) => row[j]!)),
      ),
    ])!;
  });
  for (const { z, log10P } of all) {
    const exact = all.filter((x) => Math.abs(x.z) >= Math.abs(z) - 1e-9).length / all.length;
    expect(log10P).toBeGreaterThanOrEqual(Math.log10(exact) - 1e-12);
  }
});

test("pools axes, falls with agreement, and is silent without", () => {
  const of = (agreement: number): number => swapTest([randomStack(10, 64, 256, { agreement })])!.log10P;
  expect(of(0)).toBeGreaterThan(-2);
  expect(of(0.9)).toBeLessThan(-20);
  expect(of(1)).toBeLessThan(of(0.9));
  const layers = [1, 2, 3, 4].map((seed) => randomStack(seed, 16, 128, { agreement: 0.7 }));
  expect(swapTest(layers)!.log10P).toBeLessThan(swapTest(layers.slice(0, 1))!.log10P - 5);
});

test("has nothing to say where no row tells labels apart", () => {
  const flat = Array.from({ length: 4 }, () => new Array<number>(8).fill(1));
  expect(swapTest([stackOf(flat, flat)])).toBeNull();
  expect(swapTest([])).toBeNull();
});
