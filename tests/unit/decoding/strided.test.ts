import { describe, expect, it } from "vitest";
import { stridedDecoder } from "../../../src/decoding/strided.ts";

/** What has to be read for some elements of an array of F32, in elements. */
function pieces(shape: number[], strides: number[], first: number, count: number): [number, number][] {
  const array = { name: "w", dtype: "F32" as const, shape, strides, begin: 0, bigEndian: false };
  return stridedDecoder(array, 0)
    .ranges(first, count)
    .map(({ start, end }) => [start / 4, end / 4]);
}

describe("stridedDecoder", () => {
  it("reads neighbours in one piece, and a little more rather than many pieces", () => {
    expect(pieces([4, 3], [3, 1], 0, 12)).toEqual([[0, 12]]);
    expect(pieces([4, 3], [6, 2], 0, 12)).toEqual([[0, 23]]);
    expect(pieces([4, 3], [1, 4], 0, 12)).toEqual([[0, 12]]);
  });

  it("reads what lies far apart piece by piece", () => {
    expect(pieces([2, 3], [5000, 1], 0, 6)).toEqual([
      [0, 3],
      [5000, 5003],
    ]);
    expect(pieces([3, 2], [1, 5000], 0, 6)).toEqual([
      [0, 3],
      [5000, 5003],
    ]);
  });

  it("reads no more of a row than is asked for", () => {
    expect(pieces([2, 8], [5000, 1], 3, 2)).toEqual([[3, 5]]);
    expect(pieces([2, 8], [5000, 1], 6, 4)).toEqual([
      [6, 8],
      [5000, 5002],
    ]);
  });
});
