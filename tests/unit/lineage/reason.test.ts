import { describe, expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import type { Retention } from "../../../src/lineage/learned-retention.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import {
  ONE_TENSOR,
  reasonSharedInit,
  reasonTooFew,
  reasonUnmeasured,
  reasonUnsupported,
  reasonUntestable,
  usable,
} from "../../../src/lineage/reason.ts";
import type { Support } from "../../../src/lineage/support.ts";
import { learnedOf } from "../../support/findings.ts";
import { matrixPairs } from "../../support/sketches.ts";

const pairing = (pairs: readonly MatrixPair[]) => ({ pairs }) as Pairing;
const dead: Partial<MatrixSketch> = { valid: Array.from({ length: 64 }, () => false) };
const nobodys: Partial<MatrixSketch> = { axis: null };

test("a matrix is of use where its columns may be exchanged and some row of both can be used", () => {
  const all = [...matrixPairs(1, 2, 0), ...matrixPairs(2, 1, 0, dead), ...matrixPairs(3, 1, 0, nobodys)];
  expect(usable(pairing(all))).toBe(2);
});

describe("why nothing was tested", () => {
  const why = (...pairs: readonly MatrixPair[]) => reasonUntestable(pairing(pairs), new Set());

  test("is an order of the labels' own before all else", () => {
    expect(reasonUntestable(pairing(matrixPairs(1, 1, 0)), new Set(["residual", "neurons"]))).toBe(
      "labels carry an order of their own in both models (residual, neurons)",
    );
  });

  test("is that no columns are known for hidden units, or that all matrices are as wide as what they were given", () => {
    expect(why()).toMatch(/^neither shapes nor names tell/);
    const wide = matrixPairs(1, 2, 0, { ...nobodys, cols: 32 });
    expect(why(...wide)).toMatch(/^neither shapes nor names tell/);
    expect(why(...matrixPairs(1, 2, 0, nobodys))).toMatch(/^all 2 matrices are 64 x 64/);
    // One whose columns are known makes it none of either.
    expect(why(...matrixPairs(1, 2, 0, nobodys), ...matrixPairs(2, 1, 0))).toBe(ONE_TENSOR);
  });

  test("is that no row, or only one matrix, can be used, or else too few labels", () => {
    expect(why(...matrixPairs(1, 3, 0, dead))).toBe("every comparable row is constant or not finite");
    expect(why(...matrixPairs(1, 3, 0, dead), ...matrixPairs(2, 1, 0))).toBe(ONE_TENSOR);
    expect(why(...matrixPairs(2, 2, 0))).toBe("too few comparable labels");
  });
});

test("figures are whole powers of ten", () => {
  expect(reasonTooFew(-7.6)).toMatch(/the best that these could show is p = 1e-8, and a claim needs 1e-9$/);
  expect(reasonUnmeasured(-20.2)).toMatch(/^labels agree \(p = 1e-20\), but they may have been given/);
});

test("what agrees is counted, and none is said in words", () => {
  const said = (agreeing: number) => reasonUnsupported({ agreeing, tested: 12, of: "layers" } as Support, -12.4);
  expect(said(0)).toMatch(/^labels agree \(p = 1e-12\), but no single one of 12 layers by itself/);
  expect(said(1)).toMatch(/but 1 of 12 layers by itself/);
});

describe("why no shared training was shown", () => {
  const said = (
    forward: Parameters<typeof learnedOf>,
    backward: Parameters<typeof learnedOf> = [1],
    { slices = 3, fromWeights = false, isNetwork = true } = {},
  ) => {
    const retention: Retention = {
      forward: learnedOf(...forward),
      backward: learnedOf(...backward),
      outstanding: null,
    };
    return reasonSharedInit(retention, { slices, fromWeights, isNetwork });
  };
  const untrained = [1, 1, { directions: 2 }] as const satisfies Parameters<typeof learnedOf>;

  test("is that too few slices can be compared, of fingerprints that weights could tell more", () => {
    const takes = "learned retention takes 3 slices, and";
    const rest = "comparable, so a common initialisation is not ruled out";
    const more = ": compare the weights of both, not their fingerprints";
    expect(said([1], [1], { slices: 2 })).toBe(`${takes} 2 slices are ${rest}${more}`);
    expect(said([1], [1], { slices: 1, fromWeights: true })).toBe(`${takes} 1 slice is ${rest}`);
    const none = (slices: number) => reasonSharedInit(null, { slices, fromWeights: true, isNetwork: true });
    expect([0, 3].map(none)).toEqual([`${takes} 0 slices are ${rest}`, `${takes} 3 slices are ${rest}`]);
  });

  test("is that training shows in neither", () => {
    expect(said([...untrained], [...untrained])).toMatch(/^in neither model do directions that training wrote/);
    expect(said([...untrained], [0.5])).toMatch(/a share of 0.50 is found again, of the initialisation 1.00/);
    expect(said([0.25], [...untrained])).toMatch(/a share of 0.25 is found again/);
  });

  test("is what siblings share, or what is not even enough", () => {
    expect(said([0.6], [1])).toMatch(/: a common start explains that$/);
    expect(said([0.601], [1])).toMatch(/: not evenly enough, or not both ways round, to rule out/);
    expect(said([0.6, 0.9], [1])).toMatch(/: not evenly enough/);
  });

  test("is of small nets that they learn a simple task alike", () => {
    const simple = { directions: 5, slices: 3 };
    expect(said([0.9, 1, simple], [1], { isNetwork: false })).toMatch(/: a small net that learns a simple task/);
    expect(said([0.9, 1, simple], [1], { isNetwork: true })).toMatch(/: not evenly enough/);
    expect(said([0.9, 1, { directions: 14 }], [1], { isNetwork: false })).toMatch(/: not evenly enough/);
  });
});
