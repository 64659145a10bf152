import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { orderedAxes, sortedAxes, unsortedChannels, withoutOrder } from "../../../src/lineage/order-guard.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import { matrixPairs } from "../../support/sketches.ts";

const NONE = { sketches: [] } as unknown as Fingerprint;
type Axis = MatrixSketch["axis"];

/** Pairs of 64 columns whose energy goes with their number so far, by suspect and base. */
function sorted(axis: Axis, ...orders: readonly (readonly [number, number])[]): MatrixPair[] {
  return matrixPairs(1, orders.length, 0, { axis }).map(({ suspect, base }, i) => ({
    suspect: { ...suspect, moments: { ...suspect.moments, columnOrder: orders[i]![0] } },
    base: { ...base, moments: { ...base.moments, columnOrder: orders[i]![1] } },
  }));
}
// Of 64 columns a correlation of a half is four standard errors.
const [MORE, LESS] = [0.51, 0.5];

describe("labels are sorted", () => {
  const axes = (...pairs: readonly MatrixPair[]) => [...sortedAxes(NONE, NONE, pairs)];

  test("where both models' are, in whichever direction", () => {
    expect(axes(...sorted("residual", [MORE, -MORE]))).toEqual(["residual"]);
    expect(axes(...sorted("residual", [MORE, LESS]))).toEqual([]);
    expect(axes(...sorted("residual", [LESS, MORE]))).toEqual([]);
    expect(axes()).toEqual([]);
  });

  test("where all matrices of one stream agree in the mean", () => {
    expect(axes(...sorted("residual", [1, 1], [0.03, 0.03]))).toEqual(["residual"]);
    expect(axes(...sorted("residual", [1, 1], [-0.03, -0.03]))).toEqual([]);
  });

  test("where most layers of neurons are, each by itself", () => {
    expect(axes(...sorted("neurons", [1, 1], [1, -1], [0, 0]))).toEqual(["neurons"]);
    expect(axes(...sorted("neurons", [1, 1], [0, 0]))).toEqual([]);
    expect(axes(...sorted("residual", [1, 1]), ...sorted("neurons", [0, 0]))).toEqual(["residual"]);
    expect(axes(...sorted("channels", [1, 1]))).toEqual([]);
  });

  test("of hidden units those pairs are left out whose own are", () => {
    const [plain, ordered] = [sorted("channels", [0, 1]), sorted("channels", [1, 1])];
    const neurons = sorted("neurons", [1, 1]);
    expect(unsortedChannels([...plain, ...ordered, ...neurons])).toEqual([...plain, ...neurons]);
  });
});

test("a stored table of sines in both models sorts the stream", () => {
  const table = (change: Partial<MatrixSketch> = {}, moments: Partial<MatrixSketch["moments"]> = {}) => {
    const [{ suspect }] = matrixPairs(1, 1, 0) as [MatrixPair];
    const figures = { ...suspect.moments, rowNormSpread: 0.009, ...moments };
    return { sketches: [{ ...suspect, role: "position", moments: figures, ...change }] } as unknown as Fingerprint;
  };
  const axes = (one: Fingerprint, other = table()) =>
    [[one, other] as const, [other, one] as const].map((pair) => [...sortedAxes(...pair, [])]);
  expect(axes(table())).toEqual([["residual"], ["residual"]]);
  for (const other of [
    NONE,
    table({ role: "embed" }),
    table({ sampled: [0, 1, 2, 3, 4, 5, 6] }),
    table({}, { rms: 0 }),
    table({}, { rowNormSpread: 0.01 }),
  ]) {
    expect(axes(other)).toEqual([[], []]);
  }
  expect(axes(table({ sampled: [0, 1, 2, 3, 4, 5, 6, 7] }))[0]).toEqual(["residual"]);
});

/** Pairs in which columns resemble their neighbours: the sign of each row changes once. */
function smooth(axis: Axis, count: number): MatrixPair[] {
  const words = (row: number) => {
    const turn = 1 + ((row * 29) % 63);
    const bits = Array.from({ length: 64 }, (_, j) => j < turn);
    return [0, 32].map(
      (from) => bits.slice(from, from + 32).reduce((word, bit, i) => word | (Number(bit) << i), 0) >>> 0,
    );
  };
  return matrixPairs(1, count, 0, { axis }).map(({ suspect, base }) => {
    const bits = Uint32Array.from(base.sampled.flatMap((_, row) => words(row)));
    return { suspect: { ...suspect, bits }, base: { ...base, bits } };
  });
}

describe("labels resemble their neighbours", () => {
  const axes = (...pairs: readonly MatrixPair[]) => [...orderedAxes(pairs)];
  const plain = (axis: Axis, count: number) => matrixPairs(9, count, 0, { axis });

  test("on the stream, in both models", () => {
    const [pair] = smooth("residual", 1) as [MatrixPair];
    expect(axes(pair)).toEqual(["residual"]);
    const [other] = plain("residual", 1) as [MatrixPair];
    expect(axes({ ...pair, suspect: other.suspect })).toEqual([]);
    expect(axes({ ...pair, base: other.base })).toEqual([]);
    expect(axes()).toEqual([]);
  });

  test("of neurons, in most layers", () => {
    expect(axes(...smooth("neurons", 2), ...plain("neurons", 1))).toEqual(["neurons"]);
    expect(axes(...smooth("neurons", 1), ...plain("neurons", 1))).toEqual([]);
    expect(axes(...plain("neurons", 1), ...smooth("residual", 1))).toEqual(["residual"]);
    expect(axes(...smooth("channels", 1))).toEqual([]);
  });

  test("of hidden units, and then these pairs are left out", () => {
    const way = (...pairs: readonly MatrixPair[]) => ({ pairs, component: "x" }) as unknown as Pairing;
    const [ordered, rest] = [smooth("channels", 1), [...plain("channels", 1), ...smooth("neurons", 1)]];
    expect(withoutOrder(way(...ordered, ...rest))).toEqual(way(...rest));
    const kept = way(...rest);
    expect(withoutOrder(kept)).toBe(kept);
  });
});
