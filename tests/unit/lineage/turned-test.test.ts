import { describe, expect, test } from "vitest";
import { fixedPoints } from "../../../src/lineage/fixed-points.ts";
import { permutationZ } from "../../../src/lineage/permutation-test.ts";
import type { SignStack } from "../../../src/lineage/sign-stack.ts";
import { swapTest } from "../../../src/lineage/swap-test.ts";
import {
  foldedSigma,
  testedLabels,
  turnedCorrelation,
  turnedSigns,
  withTurnedRows,
} from "../../../src/lineage/turned-signs.ts";
import { turnedTest } from "../../../src/lineage/turned-test.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { randomStack, signsOf, stackOf } from "../../support/signs.ts";

/** The stack with rows and labels of the second model turned by coins. */
function turnedAtRandom(stack: SignStack, seed: string, labels = true): SignStack {
  const random = prng(seed);
  const coins = (count: number) => Array.from({ length: count }, () => (random.below(2) === 0 ? 1 : -1));
  const [byRow, byLabel] = [coins(stack.m), labels ? coins(stack.n) : Array<number>(stack.n).fill(1)];
  const b = signsOf(stack.b, stack).map((row, i) => row.map((x, j) => x * byRow[i]! * byLabel[j]!));
  return stackOf(signsOf(stack.a, stack), b);
}

/** The stack with every tested label's column of the second model put through `edit`. */
function withTested(stack: SignStack, edit: (row: number[], labels: Uint32Array) => void): SignStack {
  const labels = testedLabels(stack.n);
  const b = signsOf(stack.b, stack).map((row) => {
    const out = [...row];
    edit(out, labels);
    return out;
  });
  return stackOf(signsOf(stack.a, stack), b);
}

const rowsOf = (stack: SignStack): number[] => [...turnedSigns(stack, true).rows];

describe("the signs that rows are given", () => {
  test.each([64, 75, 128, 33])("do not depend on the labels that are tested, of %i", (n) => {
    for (let seed = 0; seed < 20; seed++) {
      const stack = turnedAtRandom(randomStack(seed, 40, n, { agreement: 0.3 }), `turned ${seed}`);
      const expected = rowsOf(stack);
      const random = prng(`other ${seed}`);
      const exchanged = withTested(stack, (row, labels) => {
        for (let k = 0; k + 1 < labels.length; k += 2) {
          const [i, j] = [labels[k]!, labels[k + 1]!];
          [row[i], row[j]] = [row[j]!, row[i]!];
        }
      });
      const noise = withTested(stack, (row, labels) => {
        for (const j of labels) row[j] = random.below(2) === 0 ? 1 : -1;
      });
      expect(rowsOf(exchanged)).toEqual(expected);
      expect(rowsOf(noise)).toEqual(expected);
    }
  });

  test("are those that were turned, all or none of them", () => {
    const stack = turnedAtRandom(randomStack(1, 100, 128, { agreement: 0.7 }), "turned");
    const signs = turnedSigns(stack, true);
    const back = withTurnedRows(stack, signs);
    const labels = turnedSigns(back, false).labels;
    expect(Math.abs(turnedCorrelation(stack))).toBeGreaterThan(0.65);
    // Turned back, rows agree up to the signs of labels: each label as a whole agrees or disagrees.
    const [a, b] = [signsOf(back.a, back), signsOf(back.b, back)];
    for (let j = 0; j < back.n; j++) {
      const sign = (labels[j >> 5]! >>> (j & 31)) & 1 ? -1 : 1;
      const agreement = a.reduce((sum, row, i) => sum + sign * row[j]! * b[i]![j]!, 0) / back.m;
      expect(agreement).toBeGreaterThan(0.3);
    }
  });

  test("leave pairs of neighbours whole, none of them deciding", () => {
    for (const n of [4, 7, 16, 33, 1000]) {
      const labels = [...testedLabels(n)];
      expect(labels.length % 2).toBe(0);
      expect(labels.every((j) => j < n && j % 4 >= 2)).toBe(true);
      for (let k = 0; k < labels.length; k += 2) expect(labels[k + 1]).toBe(labels[k]! + 1);
    }
    expect(testedLabels(3)).toHaveLength(0);
  });
});

describe("the tests on turned signs", () => {
  test.each([0.3, 0.6, 1])("find a relative whose rows and labels were turned (copied signs: %d)", (agreement) => {
    const related = randomStack(2, 256, 256, { agreement });
    const turned = turnedAtRandom(related, "both");
    // Nothing of it shows as it lies.
    expect(Math.abs(permutationZ(turned)!.z)).toBeLessThan(5);
    expect(fixedPoints(turned)!.log10P).toBeGreaterThan(-9);
    const found = turnedTest([turned])!;
    expect(found.t2!.log10P).toBeLessThan(-20);
    expect(found.swap!.log10P).toBeLessThan(-9);
    const plain = permutationZ(related)!.signCorrelation;
    expect(Math.abs(turnedCorrelation(turned) - plain)).toBeLessThan(0.08);
    expect(turnedTest([turnedAtRandom(related, "rows", false)])!.t2!.log10P).toBeLessThan(-20);
  });

  test("find layers that each are turned by themselves", () => {
    const layers = Array.from({ length: 8 }, (_, i) =>
      turnedAtRandom(randomStack(50 + i, 48, 96, { agreement: 0.5 }), `layer ${i}`),
    );
    const { t2, swap } = turnedTest(layers)!;
    expect(t2).toBeNull();
    expect(swap!.log10P).toBeLessThan(-3);
    expect(swap!.pairs).toBeLessThanOrEqual(24);
    expect(Math.max(...layers.map((layer) => turnedTest([layer])?.swap?.z ?? 0))).toBeLessThan(swap!.z);
  });

  test("give no p below what chance gives, unrelated pair by unrelated pair", () => {
    const p: number[] = [];
    let looked = 0;
    for (let seed = 0; seed < 500; seed++) {
      const stack = randomStack(3000 + seed, 24, 64, { factor: seed % 2 });
      const found = turnedTest([stack]);
      if (found !== null && seed % 2 === 0) looked++;
      p.push(found === null ? 0 : Math.min(found.t2?.log10P ?? 0, found.swap?.log10P ?? 0) + Math.log10(2));
    }
    // The cheap look that comes first lets few of them pass where labels have nothing in common.
    expect(looked).toBeLessThan(10);
    for (const level of [0.1, 0.01]) {
      const share = p.filter((x) => x <= Math.log10(level)).length / p.length;
      expect(share).toBeLessThanOrEqual(level + 4 * Math.sqrt(level / p.length));
    }
  });

  test("hold for relatives whose tested labels were exchanged by coins, without the cheap look", () => {
    const related = turnedAtRandom(randomStack(4, 64, 64, { agreement: 0.9 }), "held");
    const random = prng("coins");
    const [fixed, swapped]: [number[], number[]] = [[], []];
    for (let trial = 0; trial < 400; trial++) {
      const labels = testedLabels(64);
      const order = Uint32Array.from(labels.keys());
      random.shuffle(order);
      const shuffled = withTested(related, (row, tested) => {
        const before = [...row];
        tested.forEach((j, k) => {
          row[j] = before[tested[order[k]!]!]!;
        });
      });
      fixed.push(fixedPoints(withTurnedRows(shuffled, turnedSigns(shuffled, true)), labels)!.log10P);
      const coins = labels.map(() => random.below(2));
      const exchanged = withTested(related, (row, tested) => {
        for (let k = 0; k < tested.length; k += 2) {
          if (coins[k] === 1) [row[tested[k]!], row[tested[k + 1]!]] = [row[tested[k + 1]!]!, row[tested[k]!]!];
        }
      });
      swapped.push(turnedTest([exchanged])?.swap?.log10P ?? 0);
    }
    for (const p of [fixed, swapped]) {
      for (const level of [0.1, 0.01]) {
        const share = p.filter((x) => x <= Math.log10(level)).length / p.length;
        expect(share).toBeLessThanOrEqual(level + 4 * Math.sqrt(level / p.length));
      }
    }
  });

  test("cost strangers' correlation of signs no more than choosing can", () => {
    for (let seed = 0; seed < 20; seed++) {
      const [m, n] = [96, 160];
      const found = turnedCorrelation(randomStack(5000 + seed, m, n));
      expect(found).toBeGreaterThan(0);
      expect(found).toBeLessThan(1.2 * (1 / Math.sqrt(m) + 1 / Math.sqrt(n)));
    }
  });

  test("fold a standard normal score of nothing", () => {
    const sigmas = Array.from({ length: 200 }, (_, seed) => {
      const stack = randomStack(6000 + seed, 64, 128);
      return foldedSigma(stack, turnedSigns(stack, true));
    });
    const mean = sigmas.reduce((x, y) => x + y, 0) / sigmas.length;
    const sd = Math.sqrt(sigmas.reduce((sum, x) => sum + (x - mean) ** 2, 0) / sigmas.length);
    expect(Math.abs(mean)).toBeLessThan(0.5);
    expect(sd).toBeGreaterThan(0.7);
    expect(sd).toBeLessThan(1.3);
  });

  test("say nothing of few labels, and of none", () => {
    expect(turnedTest([])).toBeNull();
    expect(turnedTest([randomStack(1, 40, 15, { agreement: 1 })])).toBeNull();
    expect(swapTest([])).toBeNull();
    expect(foldedSigma(randomStack(1, 4, 2), { rows: new Uint32Array(1), labels: new Uint32Array(1) })).toBe(0);
  });
});
