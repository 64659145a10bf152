import { describe, expect, test } from "vitest";
import type { Dtype } from "../../../src/formats/tensor-info.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";
import { decodeRare } from "../../../src/kernels/decode-rare.ts";
import { isDecodable } from "../../../src/kernels/decode-target.ts";
import { decodePlain } from "../../oracles/decode.ts";

const codes16 = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer);
const codes8 = Uint8Array.from({ length: 256 }, (_, i) => i);
const bitsOf = (values: Float32Array): string => Buffer.from(values.buffer).toString("hex");

describe("decodeToF32", () => {
  test.each<Dtype>(["BF16", "F16"])("every code of %s equals the oracle", (dtype) => {
    expect(bitsOf(decodeToF32(codes16, dtype))).toEqual(bitsOf(decodePlain(codes16, dtype)));
  });

  test.each<Dtype>(["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"])("every code of %s", (dtype) => {
    expect(bitsOf(decodeToF32(codes8, dtype))).toEqual(bitsOf(decodePlain(codes8, dtype)));
  });

  test.each<[Dtype, number]>([
    ["F8_E4M3", 0x7f],
    ["F8_E5M2", 0x7c],
  ])("every finite code of %s, and runs of them in which others stand", (dtype, special) => {
    const finite = codes8.filter((code) => (code & 0x7f) < special);
    for (const length of [finite.length, 1000, 1008, 40_000]) {
      const codes = Uint8Array.from({ length }, (_, i) => finite[(i * 7) % finite.length]!);
      expect(bitsOf(decodeToF32(codes, dtype))).toBe(bitsOf(decodePlain(codes, dtype)));
      for (let i = 17; i < length; i += 701) codes[i] = special | (i & 0x80);
      expect(bitsOf(decodeToF32(codes, dtype))).toBe(bitsOf(decodePlain(codes, dtype)));
    }
  });

  // Corner codes from the definitions of the types (IEEE 754 binary16; OCP FP8 1.0; OCP MX 1.0; the FNUZ types of MLIR).
  test.each<[Dtype, number[], number[]]>([
    [
      "F16",
      [0x00, 0x3c, 0x01, 0x00, 0xff, 0x7b, 0x00, 0xfc, 0xff, 0x83],
      [1, 2 ** -24, 65_504, -Infinity, -1023 * 2 ** -24],
    ],
    ["BF16", [0x80, 0x3f, 0x01, 0x00, 0x00, 0xc0], [1, 2 ** -133, -2]],
    ["F8_E4M3", [0x38, 0x01, 0x7e, 0x7f, 0xff, 0x80, 0x08], [1, 2 ** -9, 448, NaN, NaN, -0, 2 ** -6]],
    ["F8_E5M2", [0x3c, 0x01, 0x7b, 0x7c, 0xfc, 0x7d], [1, 2 ** -16, 57_344, Infinity, -Infinity, NaN]],
    ["F8_E4M3FNUZ", [0x40, 0x01, 0x7f, 0x80, 0xff], [1, 2 ** -10, 240, NaN, -240]],
    ["F8_E5M2FNUZ", [0x40, 0x01, 0x7f, 0x80, 0xff], [1, 2 ** -17, 57_344, NaN, -57_344]],
    ["F8_E8M0", [127, 0, 254, 255], [1, 2 ** -127, 2 ** 127, NaN]],
    ["I16", [0xff, 0xff, 0x00, 0x80], [-1, -32_768]],
    ["U32", [0xff, 0xff, 0xff, 0xff], [2 ** 32]],
    ["I64", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-1]],
    ["BOOL", [0, 1, 2], [0, 1, 2]],
  ])("%s has the values of its definition", (dtype, bytes, values) => {
    expect([...decodeToF32(Uint8Array.from(bytes), dtype)]).toEqual(values);
  });

  test("works through inputs longer than one tile", () => {
    const bytes = new Uint8Array(2 * 200_001);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7919) >> 3;
    for (const dtype of ["BF16", "F16"] as const) {
      const found = Buffer.from(decodeToF32(bytes, dtype).buffer);
      expect(found.equals(Buffer.from(decodePlain(bytes, dtype).buffer))).toBe(true);
    }
  });

  test("fills what it is given and leaves the rest", () => {
    const out = new Float32Array(4).fill(7);
    const values = decodeToF32(Uint8Array.from([0x80, 0x3f]), "BF16", out);
    expect(values.buffer).toBe(out.buffer);
    expect([values.length, ...out]).toEqual([1, 1, 7, 7, 7]);
  });

  test.each<Dtype>(["F4", "F6_E2M3", "F6_E3M2", "C64"])("refuses %s", (dtype) => {
    expect(isDecodable(dtype)).toBe(false);
    expect(() => decodeToF32(new Uint8Array(8), dtype)).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
  });

  test.each<Dtype>(["BF16", "F16", "F64", "F8_E4M3", "F8_E5M2"])("leaves %s to its kernel", (dtype) => {
    expect(() => decodeRare(new Uint8Array(8), dtype)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  });

  test("refuses bytes that are no whole elements, and an output too short", () => {
    expect(() => decodeToF32(new Uint8Array(3), "BF16")).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    expect(() => decodeToF32(new Uint8Array(4), "BF16", new Float32Array(1))).toThrow(/too short/);
  });
});
