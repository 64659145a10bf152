import { describe, expect, test } from "vitest";
import { swapTest } from "../../../src/lineage/swap-test.ts";
import { permutation, prng } from "../../../src/numerics/prng.ts";
import { log10RademacherTail } from "../../../src/numerics/rademacher.ts";
import { randomStack, signsOf, stackOf } from "../../support/signs.ts";

/** D of every pair of neighbours from dense rows, columns centred over each block of rows. */
function exchanges(a: number[][], b: number[][], blocks: readonly number[]): number[] {
  const centred = (rows: number[][]): number[][] => {
    const out: number[][] = [];
    for (const height of blocks) {
      const block = rows.slice(out.length, out.length + height);
      const means = block[0]!.map((_, j) => block.reduce((sum, row) => sum + row[j]!, 0) / height);
      out.push(...block.map((row) => row.map((x, j) => x - means[j]!)));
    }
    return out;
  };
  const [left, right] = [centred(a), centred(b)];
  return Array.from({ length: a[0]!.length >> 1 }, (_, k) => {
    const [i, j] = [2 * k, 2 * k + 1];
    return left.reduce((sum, row, r) => sum + (row[i]! - row[j]!) * (right[r]![i]! - right[r]![j]!), 0);
  });
}

/** D of two labels from dense rows as they are. */
function uncentred(a: number[][], b: number[][], i: number, j: number): number {
  return a.reduce((sum, row, r) => sum + (row[i]! - row[j]!) * (b[r]![i]! - b[r]![j]!), 0);
}

const zOf = (d: readonly number[]): number =>
  d.reduce((x, y) => x + y, 0) / Math.sqrt(d.reduce((x, y) => x + y * y, 0));

describe("the swap test", () => {
  test.each([[[40]], [[8, 8, 8, 8, 8]], [[33, 7]], [[1, 1, 2, 36]]])("is its definition, blocks %j", (blocks) => {
    const stack = randomStack(1, 40, 75, { agreement: 0.2 });
    const d = exchanges(signsOf(stack.a, stack), signsOf(stack.b, stack), blocks).filter((x) => Math.abs(x) > 1e-9);
    const found = swapTest([{ stack, blocks }])!;
    expect(found.z).toBeCloseTo(zOf(d), 9);
    expect(found.pairs).toBe(d.length);
    expect(found.log10P).toBeLessThanOrEqual(0);
    expect(found.log10P).toBeGreaterThanOrEqual(Math.min(0, (Math.log(2) - found.z ** 2 / 2) / Math.LN10) - 1);
  });

  test("holds over every way to exchange the labels of the pairs", () => {
    const [m, n] = [24, 20];
    const stack = randomStack(2, m, n, { agreement: 0.9 });
    const [a, b] = [signsOf(stack.a, stack), signsOf(stack.b, stack)];
    const all: { z: number; log10P: number }[] = [];
    for (let code = 0; code < 2 ** (n / 2); code++) {
      const label = Array.from({ length: n }, (_, j) => j);
      for (let k = 0; k < n / 2; k++) {
        if ((code >> k) & 1) [label[2 * k], label[2 * k + 1]] = [2 * k + 1, 2 * k];
      }
      const swapped = b.map((row) => label.map((j) => row[j]!));
      all.push(swapTest([{ stack: stackOf(a, swapped), blocks: [m] }])!);
    }
    for (const { z, log10P } of all.filter((_, i) => i % 37 === 0)) {
      const exact = all.filter((other) => Math.abs(other.z) >= Math.abs(z) - 1e-9).length / all.length;
      expect(log10P).toBeGreaterThanOrEqual(Math.log10(exact) - 1e-9);
    }
  });

  test("one layer stored eight times is one layer's evidence", () => {
    const stack = randomStack(3, 32, 128, { agreement: 0.1 });
    const once = swapTest([{ stack, blocks: [32] }])!;
    const often = swapTest(Array.from({ length: 8 }, () => ({ stack, blocks: [32] })))!;
    expect(often.z).toBeCloseTo(once.z, 9);
  });

  test("independent layers add up, lengths apart", () => {
    const axes = Array.from({ length: 12 }, (_, i) => {
      const stack = randomStack(10 + i, 16, i % 2 ? 128 : 96, { agreement: 0.15 });
      return { stack, blocks: [16] };
    });
    const best = Math.max(...axes.map((axis) => swapTest([axis])!.z));
    expect(swapTest(axes)!.z).toBeGreaterThan(best);
    expect(swapTest(axes)!.pairs).toBeLessThanOrEqual(64 + 48);
  });

  test("labels that have a sign of their own in all rows of both models are no evidence", () => {
    const random = prng("channels");
    const rows = (): number[][] =>
      Array.from({ length: 160 }, () =>
        Array.from({ length: 600 }, (_, j) => (random.normal() + (j % 3 === 0 ? 1 : 0) < 0 ? -1 : 1)),
      );
    const [a, b] = [rows(), rows()];
    const blocks = Array.from({ length: 20 }, () => 8);
    const plain = Array.from({ length: 300 }, (_, k) => uncentred(a, b, 2 * k, 2 * k + 1));
    expect(zOf(plain)).toBeGreaterThan(8);
    expect(Math.abs(swapTest([{ stack: stackOf(a, b), blocks }])!.z)).toBeLessThan(4);
  });

  test("labels that do alike where they lie close together are no evidence: only neighbours are exchanged", () => {
    const random = prng("blocks");
    // Sixteen groups of labels, each with a part of its own in all rows, at the same places of both models.
    const rows = (): number[][] =>
      Array.from({ length: 160 }, (_, i) =>
        Array.from({ length: 512 }, (_, j) => (random.normal() + Math.cos(i + 2 * Math.floor(j / 32)) < 0 ? -1 : 1)),
      );
    const [a, b] = [rows(), rows()];
    const order = permutation(512, "far apart");
    const far = Array.from({ length: 256 }, (_, k) => uncentred(a, b, order[2 * k]!, order[2 * k + 1]!));
    expect(zOf(far)).toBeGreaterThan(8);
    expect(Math.abs(swapTest([{ stack: stackOf(a, b), blocks: [160] }])!.z)).toBeLessThan(4);
  });

  test("p keeps its promise over many unrelated models", () => {
    const p = Array.from({ length: 600 }, (_, seed) => {
      const stack = randomStack(1000 + seed, 20, 48, { factor: 0.8 });
      return swapTest([{ stack, blocks: [8, 12] }])!.log10P;
    });
    for (const level of [0.3, 0.1, 0.03]) {
      const share = p.filter((x) => x <= Math.log10(level)).length / p.length;
      expect(share).toBeLessThanOrEqual(level + 4 * Math.sqrt(level / p.length));
    }
  });

  test("reaches no further than its largest sum", () => {
    const { log10P, reach } = swapTest([{ stack: randomStack(6, 40, 64, { agreement: 0.5 }), blocks: [40] }])!;
    expect(reach).toBeLessThanOrEqual(log10P);
    const same = randomStack(7, 40, 64, { agreement: 1 });
    const found = swapTest([{ stack: same, blocks: [40] }])!;
    expect(found.log10P).toBeLessThan(found.reach + 0.5);
    expect(found.reach).toBeCloseTo(log10RademacherTail(Math.sqrt(found.pairs)), 9);
  });

  test("passes over matrices without a usable row", () => {
    const stack = randomStack(5, 20, 64, { agreement: 0.3 });
    const plain = swapTest([{ stack, blocks: [12, 8] }])!;
    expect(swapTest([{ stack, blocks: [0, 12, 0, 8, 0] }])).toEqual(plain);
    expect(Number.isFinite(plain.z)).toBe(true);
  });

  test("says nothing of rows that stand alone, or that are constant", () => {
    const stack = randomStack(4, 3, 64, { agreement: 1 });
    expect(swapTest([{ stack, blocks: [1, 1, 1] }])).toBeNull();
    const row = Array.from({ length: 64 }, () => 1);
    expect(swapTest([{ stack: stackOf([row, row], [row, row]), blocks: [2] }])).toBeNull();
    expect(swapTest([])).toBeNull();
  });
});
