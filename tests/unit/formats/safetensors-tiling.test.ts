import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/errors.ts";
import { tensorByteLength, tileTensors } from "../../../src/formats/safetensors/tiling.ts";
import type { Dtype, TensorInfo } from "../../../src/formats/tensor-info.ts";
import { refusal } from "../../support/refusal.ts";

/** A tensor of bytes at [begin, end), or of another type and shape there. */
const at = (begin: number, end: number, dtype: Dtype = "U8", shape: readonly number[] = [end - begin]) =>
  ({ dtype, shape, begin, end }) as const;

const tile = (size: number, given: Record<string, Omit<TensorInfo, "name">>) =>
  tileTensors(new Map(Object.entries(given).map(([name, info]) => [name, { name, ...info }])), 100, size, "f");

async function said(code: ErrorCode, size: number, given: Record<string, Omit<TensorInfo, "name">>) {
  const { message, tensor, file } = await refusal((async () => tile(size, given))(), code);
  expect(file).toBe("f");
  return [message, tensor];
}

describe("tensors that fill a file", () => {
  it("come in the order of their bytes, whatever that of the header", () => {
    const tensors = { c: at(103, 106), a: at(100, 101), b: at(101, 103) };
    expect([...tile(106, tensors).keys()]).toEqual(["a", "b", "c"]);
    expect(tile(106, tensors).get("b")).toEqual({ name: "b", dtype: "U8", shape: [2], begin: 101, end: 103 });
    expect([...tile(106, { b: at(100, 101), a: at(101, 106) }).keys()]).toEqual(["b", "a"]);
    expect(tile(100, {}).size).toBe(0);
  });

  it("may be empty, before those that begin where they lie, and otherwise in the order of the header", () => {
    const tensors = { w: at(100, 102), z: at(100, 100), y: at(102, 102), a: at(100, 100), x: at(102, 102) };
    expect([...tile(102, tensors).keys()]).toEqual(["z", "a", "w", "y", "x"]);
    expect([...tile(102, { w: at(100, 102), z: at(100, 100) }).keys()]).toEqual(["z", "w"]);
    expect([...tile(102, { z: at(100, 100), a: at(100, 100), w: at(100, 102) }).keys()]).toEqual(["z", "a", "w"]);
  });

  it("are not copied where they lie in order, for there may be a million", () => {
    const isKept = (...tensors: Omit<TensorInfo, "name">[]) => {
      const given = new Map(tensors.map((info, i) => [String(i), { name: String(i), ...info }]));
      return tileTensors(given, 100, 102, "f") === given;
    };
    expect(isKept(at(100, 101), at(101, 102))).toBe(true);
    expect(isKept(at(100, 100), at(100, 100), at(100, 102), at(102, 102), at(102, 102))).toBe(true);
    expect(isKept(at(101, 102), at(100, 101))).toBe(false);
    expect(isKept(at(100, 102), at(100, 100))).toBe(false);
  });

  it("leave no byte out", async () => {
    expect(await said("ST_HOLE", 103, { a: at(100, 101), b: at(102, 103) })).toEqual([
      "bytes 101 to 102 belong to no tensor",
      "b",
    ]);
    expect(await said("ST_HOLE", 102, { a: at(101, 102) })).toEqual(["bytes 100 to 101 belong to no tensor", "a"]);
    expect(await said("ST_TRAILING_DATA", 103, { a: at(100, 101) })).toEqual([
      "bytes 101 to 103 belong to no tensor",
      undefined,
    ]);
    expect(await said("ST_TRAILING_DATA", 101, {})).toEqual(["bytes 100 to 101 belong to no tensor", undefined]);
    expect(await said("ST_DATA_TRUNCATED", 102, { a: at(100, 103) })).toEqual([
      "the tensors end at byte 103, the file at 102",
      undefined,
    ]);
  });

  it("share no byte", async () => {
    expect(await said("ST_OVERLAP", 104, { a: at(100, 103), b: at(102, 104) })).toEqual([
      "bytes 102 to 103 belong to two tensors",
      "b",
    ]);
    expect(await said("ST_OVERLAP", 104, { b: at(101, 102), a: at(100, 104) })).toEqual([
      "bytes 101 to 102 belong to two tensors",
      "b",
    ]);
    expect(await said("ST_OVERLAP", 102, { a: at(99, 102) })).toEqual(["bytes 99 to 100 belong to two tensors", "a"]);
    expect(await said("ST_OVERLAP", 102, { a: at(100, 102), z: at(101, 101) })).toEqual([
      "bytes 101 to 101 belong to two tensors",
      "z",
    ]);
  });

  it("are as long as their type and shape say", async () => {
    expect(await said("ST_RANGE_REVERSED", 102, { a: at(102, 101, "U8", [0]) })).toEqual([
      "the range ends at byte 101, before it begins at 102",
      "a",
    ]);
    for (const end of [111, 113]) {
      expect(await said("ST_SIZE_MISMATCH", end, { a: at(100, end, "BF16", [2, 3]) })).toEqual([
        `BF16 [2, 3] needs 12 bytes, its range has ${end - 100}`,
        "a",
      ]);
    }
    expect(await said("ST_SUBBYTE_MISFIT", 101, { a: at(100, 101, "F4", [3]) })).toEqual([
      "F4 [3] does not fill whole bytes",
      "a",
    ]);
    expect(await said("ST_SIZE_OVERFLOW", 101, { a: at(100, 101, "F32", [2 ** 30, 2 ** 30]) })).toEqual([
      "the size of F32 [1073741824, 1073741824] is above 2^53 bits",
      "a",
    ]);
  });
});

describe("the bytes of a tensor", () => {
  it.each([
    ["U8", [], 1],
    ["U8", [3, 5], 15],
    ["BF16", [3, 5], 30],
    ["F64", [0], 0],
    ["F4", [2], 1],
    ["F4", [3], "misfit"],
    ["F6_E2M3", [4], 3],
    ["F6_E2M3", [2], "misfit"],
    ["C64", [2], 16],
    // The largest number of bits is 2^53 - 1, and no product on the way to it is larger.
    ["U8", [2 ** 50 - 1], 2 ** 50 - 1],
    ["U8", [2 ** 50], "overflow"],
    ["U8", [2 ** 25, 2 ** 25], "overflow"],
    ["F4", [2 ** 51 - 2], 2 ** 50 - 1],
    ["F4", [2 ** 51], "overflow"],
    ["U8", [2 ** 27, 2 ** 27, 0], "overflow"],
    ["U8", [0, 2 ** 27, 2 ** 27], 0],
  ] as const)("of %s %j are %s", (dtype, shape, bytes) => {
    expect(tensorByteLength(dtype, shape)).toBe(bytes);
  });
});
