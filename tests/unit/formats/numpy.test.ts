import { describe, expect, it } from "vitest";
import type { ByteRange, PrefetchingSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { parseHeader } from "../../../src/formats/numpy/literal.ts";
import { readNpy } from "../../../src/formats/numpy/read-npy.ts";
import { readNpz } from "../../../src/formats/numpy/read-npz.ts";
import { refusal } from "../../support/refusal.ts";
import { floats, npy, zipOf } from "../../support/torch-file.mjs";

const ROW = Array.from({ length: 400 }, (_, i) => i);
const data = floats([1, 2, 3, 4, 5, 6]);
const read = (bytes: Uint8Array) => readNpy(memorySource(bytes, "a.npy"), { start: 0, end: bytes.length }, "a");

describe("readNpy", () => {
  it("tells where elements lie", async () => {
    for (const version of [1, 2, 3]) {
      const bytes = npy("<f4", [2, 3], data, { version });
      const array = await read(bytes);
      expect(array).toEqual({
        name: "a",
        dtype: "F32",
        shape: [2, 3],
        strides: [3, 1],
        begin: bytes.length - 24,
        bigEndian: false,
      });
    }
    expect(await read(npy("<f4", [2, 3], data, { fortran: true }))).toMatchObject({ shape: [2, 3], strides: [1, 2] });
    expect(await read(npy(">f4", [6], data))).toMatchObject({ bigEndian: true });
    expect(await read(npy("|u1", [24], data))).toMatchObject({ dtype: "U8", bigEndian: false });
    expect(await read(npy(">i1", [24], data))).toMatchObject({ dtype: "I8", bigEndian: false });
    expect(await read(npy("<f4", [], data.subarray(0, 4)))).toMatchObject({ shape: [], strides: [] });
    expect(await read(npy("<f4", [0, 3], Buffer.alloc(0)))).toMatchObject({ shape: [0, 3] });
  });

  it("refuses what is no plain array", async () => {
    const code = async (bytes: Uint8Array, expected: "NPY_MALFORMED" | "NPY_UNSUPPORTED") =>
      refusal(read(bytes), expected);
    await code(Buffer.from("\x93NUMPY", "latin1"), "NPY_MALFORMED");
    await code(Buffer.alloc(40), "NPY_MALFORMED");
    await code(npy("<f4", [6], data, { version: 0 }), "NPY_MALFORMED");
    const minor = npy("<f4", [6], data);
    minor[7] = 1;
    await code(minor, "NPY_MALFORMED");
    await code(npy("<f4", [6], data).subarray(0, 40), "NPY_MALFORMED");
    await code(npy("x", [6], data), "NPY_UNSUPPORTED");
    await code(npy("~f4", [6], data), "NPY_UNSUPPORTED");
    await code(npy("", [6], data), "NPY_UNSUPPORTED");
    expect((await code(npy("", [], data, { header: "{'descr': [" }), "NPY_UNSUPPORTED")).message).toMatch(/records/);
    await code(npy("<f4", [2 ** 50, 2 ** 50, 0], data), "NPY_MALFORMED");
  });
});

describe("parseHeader", () => {
  const good = { descr: "<f4", fortranOrder: false, shape: [3, 4] };

  it.each([
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
    "{'shape':(3,4),'descr':'<f4','fortran_order':False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }      \n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4,), }",
  ])("reads %s", (text) => {
    expect(parseHeader(text)).toEqual(good);
  });

  it("reads shapes of no axis and of one, and the other order", () => {
    expect(parseHeader("{'descr': 'x', 'fortran_order': True, 'shape': ()}")).toEqual({
      descr: "x",
      fortranOrder: true,
      shape: [],
    });
    expect(parseHeader("{'descr': 'x', 'fortran_order': True, 'shape': (3,)}")?.shape).toEqual([3]);
  });

  it.each([
    "",
    "x",
    "[",
    "{",
    "{'descr'",
    "{'descr' '<f4'}",
    "{3: 4}",
    "{'descr': 3, 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': 'False', 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 3}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': ('3',)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    `{'descr': '<f4', 'fortran_order': False, 'shape': (${"1, ".repeat(65)})}`,
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': True}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} {}",
    "{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (3,)}",
    "{'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'shape': (3,)}",
  ])("refuses %s", (text) => {
    expect(parseHeader(text)).toBeNull();
  });
});

describe("readNpz", () => {
  const plain = npy("<f4", [6], data);

  it("calls arrays what their members are", async () => {
    const bytes = zipOf([
      { name: "model.w.npy", data: plain },
      { name: "notes.txt", data },
      { name: "../x.npy", data: plain },
    ]);
    const arrays = await readNpz(memorySource(bytes, "a.npz"));
    expect(arrays.map(({ name }) => name)).toEqual(["model.w", "../x"]);
    for (const { begin } of arrays) expect(bytes.subarray(begin, begin + 24)).toEqual(data);
  });

  it("asks a source far away once for each member, and for the list", async () => {
    const members = Array.from({ length: 5 }, (_, i) => ({ name: `w${i}.npy`, data: npy("<f4", [400], floats(ROW)) }));
    const near = memorySource(zipOf(members), "a.npz");
    let held: readonly ByteRange[] = [];
    const asked = { announced: 0, alone: 0 };
    const far: PrefetchingSource = {
      ...near,
      async read(start, end) {
        if (!held.some((range) => range.start <= start && end <= range.end)) asked.alone++;
        return near.read(start, end);
      },
      async prefetch(ranges) {
        held = ranges;
        asked.announced += ranges.length;
      },
    };
    expect(await readNpz(far)).toHaveLength(5);
    // The end record and the list of members are read before anything can be announced.
    expect(asked).toEqual({ announced: 5, alone: 2 });
  });

  it("refuses packed arrays by name, and archives without any", async () => {
    const packed = zipOf([{ name: "w.npy", data: plain, method: 8 }]);
    const error = await refusal(readNpz(memorySource(packed, "a.npz")), "ZIP_MEMBER_UNSUPPORTED");
    expect(error).toMatchObject({ tensor: "w", detail: expect.stringContaining("numpy.savez,") });
    await refusal(readNpz(memorySource(zipOf([{ name: "a.txt", data }]))), "PT_NO_TENSORS");
  });
});
