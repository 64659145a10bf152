import { describe, expect, test } from "vitest";
import { labelProducts } from "../../../src/lineage/label-products.ts";
import { monteCarloP, permutationZ, weightCorrelation } from "../../../src/lineage/permutation-test.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { centredRows, randomStack, signsOf, stackOf } from "../../support/signs.ts";
import { permutations } from "../numerics/permutations.ts";

/** <A, B pi> of row-centred signs, for every relabeling; the last one leaves every label where it is. */
function allStatistics(a: number[][], b: number[][]): number[] {
  const [left, right] = [centredRows(a), centredRows(b)];
  return permutations(a[0]!.length).map((pi) =>
    left.reduce((sum, row, i) => sum + row.reduce((s, x, j) => s + x * right[i]![pi[j]!]!, 0), 0),
  );
}

describe("T1", () => {
  test.each([1, 2, 3])("mean and variance are those of all relabelings, 8 labels (seed %i)", (seed) => {
    const stack = randomStack(seed, 5, 8);
    const [a, b] = [signsOf(stack.a, stack), signsOf(stack.b, stack)];
    const all = allStatistics(a, b);
    const mean = all.reduce((x, y) => x + y, 0) / all.length;
    const variance = all.reduce((sum, t) => sum + t * t, 0) / all.length;
    const t1 = permutationZ(stack)!;
    expect(mean).toBeCloseTo(0, 10);
    expect(t1.variance / variance).toBeCloseTo(1, 10);
    expect(t1.statistic).toBeCloseTo(all.at(-1)!, 10);
    expect(t1.z).toBeCloseTo(all.at(-1)! / Math.sqrt(variance), 10);
  });

  test("is the dense formula on wide rows, with ragged words and repeated rows", () => {
    const stack = randomStack(4, 12, 77, { repeat: 3, agreement: 0.7 });
    const [a, b] = [signsOf(stack.a, stack), signsOf(stack.b, stack)];
    const [left, right] = [centredRows(a), centredRows(b)];
    let statistic = 0;
    let trace = 0;
    let equal = 0;
    const dot = (x: number[], y: number[]): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    for (let i = 0; i < 12; i++) {
      statistic += dot(left[i]!, right[i]!);
      equal += a[i]!.filter((x, j) => x === b[i]![j]).length;
      for (let k = 0; k < 12; k++) trace += dot(left[i]!, left[k]!) * dot(right[i]!, right[k]!);
    }
    const t1 = permutationZ(stack)!;
    expect(t1.statistic).toBeCloseTo(statistic, 9);
    expect(t1.variance).toBeCloseTo(trace / 76, 6);
    expect(t1.agreement).toBeCloseTo(equal / (12 * 77), 12);
    const norms = [left, right].map((m) => Math.sqrt(m.reduce((sum, row) => sum + dot(row, row), 0)));
    expect(t1.signCorrelation).toBeCloseTo(statistic / (norms[0]! * norms[1]!), 12);
  });

  test("says nothing of fewer than eight labels, of no rows and of constant rows", () => {
    expect(permutationZ(randomStack(1, 5, 7))).toBeNull();
    expect(permutationZ(randomStack(1, 0, 64))).toBeNull();
    const row = Array.from({ length: 40 }, () => 1);
    expect(permutationZ(stackOf([row, row], [row, row]))).toBeNull();
  });

  test("z of independent signs has mean 0 and variance 1, for structured rows too", () => {
    const z: number[] = [];
    // A common factor in all rows of both sides: labels differ a lot, but independently so.
    for (let seed = 0; seed < 400; seed++) z.push(permutationZ(randomStack(seed, 24, 96, { factor: 1.2 }))!.z);
    const mean = z.reduce((a, b) => a + b, 0) / z.length;
    const sd = Math.sqrt(z.reduce((a, b) => a + (b - mean) ** 2, 0) / z.length);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(400));
    expect(Math.abs(sd - 1)).toBeLessThan(4 / Math.sqrt(800));
  });
});

describe("Monte-Carlo p", () => {
  test.each([5, 6, 7])("agrees with the share of all relabelings that are as extreme (seed %i)", (seed) => {
    const stack = randomStack(seed, 6, 8, { agreement: 0.6 });
    const all = allStatistics(signsOf(stack.a, stack), signsOf(stack.b, stack));
    const exact = all.filter((t) => Math.abs(t) >= Math.abs(all.at(-1)!) - 1e-9).length / all.length;
    const p = monteCarloP(stack);
    expect(Math.abs(p - exact)).toBeLessThan(1e-4 + 5 * Math.sqrt((exact * (1 - exact)) / 10_000));
    expect(monteCarloP(stack)).toBe(p);
  });

  test("never is zero, and one where all relabelings are alike", () => {
    const same = randomStack(8, 30, 64, { agreement: 1 });
    expect(monteCarloP(same)).toBeCloseTo(1 / 10_001, 12);
    const row = Array.from({ length: 16 }, () => -1);
    expect(monteCarloP(stackOf([row], [row]))).toBe(1);
  });
});

describe("label products", () => {
  test("are the dense product of row-centred signs, for any choice of labels", () => {
    const stack = randomStack(11, 37, 45, { agreement: 0.6 });
    const a = centredRows(signsOf(stack.a, stack));
    const b = centredRows(signsOf(stack.b, stack));
    const labels = Uint32Array.of(44, 3, 31, 32, 0);
    const products = labelProducts(stack, labels);
    labels.forEach((j, x) => {
      labels.forEach((k, y) => {
        const dense = a.reduce((sum, row, i) => sum + row[j]! * b[i]![k]!, 0);
        expect(products[x * labels.length + y]).toBeCloseTo(dense, 9);
      });
    });
  });
});

describe("weight correlation", () => {
  test.each([-0.9, -0.3, 0, 0.2, 0.7, 0.99])("comes back from the signs of Gaussian pairs: %d", (rho) => {
    const random = prng(`correlation ${rho}`);
    const n = 200_000;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      const y = rho * x + Math.sqrt(1 - rho * rho) * random.normal();
      sum += Math.sign(x) * Math.sign(y);
    }
    // The derivative of sin(pi/2 s) is at most pi/2 and s has a standard error of at most 1/sqrt(n).
    expect(Math.abs(weightCorrelation(sum / n) - rho)).toBeLessThan((5 * Math.PI) / 2 / Math.sqrt(n));
  });

  test("is bounded", () => {
    expect(weightCorrelation(1.5)).toBe(1);
    expect(weightCorrelation(-1.5)).toBe(-1);
  });
});
