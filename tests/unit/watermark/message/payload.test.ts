import { describe, expect, test } from "vitest";
import type { WeightmarkError } from "../../../../src/errors.ts";
import {
  classOf,
  parsePayload,
  payloadOf,
  samePayload,
  showPayload,
} from "../../../../src/watermark/message/payload.ts";

const codeOf = (input: string): string => {
  try {
    parsePayload(input);
    return "none";
  } catch (error) {
    return (error as WeightmarkError).code;
  }
};

describe("parsePayload", () => {
  test.each([
    ["0xc0ffee", "c0ffee00", 32],
    ["C0FFEE", "c0ffee00", 32],
    ["text:c0ffee", "6330666665650000", 64],
    ["abc", "61626300", 32],
    ["acme-42", "61636d652d343200", 64],
    ["00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff", 128],
    ["sixteen letters!", "7369787465656e206c65747465727321", 128],
    ["straße", "73747261c39f6500", 64],
    ["text:text:x", "746578743a780000", 64],
  ])("%s", (input, hex, bits) => {
    const payload = parsePayload(input);
    expect(Buffer.from(payload.bytes).toString("hex")).toBe(hex);
    expect(payload.bits).toBe(bits);
    expect(classOf(payload).payloadBits).toBe(bits);
  });

  test.each(["", "0x", "0x1", "0xzz", "text:", "a\u0000b", "line\nbreak", "\ud800"])("refuses %j", (input) => {
    expect(codeOf(input)).toBe("PAYLOAD_INVALID");
  });

  test.each([`0x${"00".repeat(17)}`, "seventeen letters", "ß".repeat(9)])("%s is too long", (input) => {
    expect(codeOf(input)).toBe("PAYLOAD_TOO_LONG");
  });
});

test("no payload belongs to the zero-bit class", () => {
  expect(classOf(null)).toMatchObject({ payloadBits: 0, coded: 0 });
});

test.each([
  ["text:cafe", { hex: "63616665", text: "cafe", bits: 32 }],
  ["0xcafe", { hex: "cafe0000", text: null, bits: 32 }],
  ["0x00000000", { hex: "00000000", text: null, bits: 32 }],
  ["0x61000062", { hex: "61000062", text: null, bits: 32 }],
  ["0xe2808e", { hex: "e2808e00", text: null, bits: 32 }],
])("%s is shown as what it is", (input, shown) => {
  expect(showPayload(parsePayload(input))).toEqual(shown);
});

test("padding makes payloads the same", () => {
  expect(samePayload(parsePayload("0x12"), parsePayload("0x120000"))).toBe(true);
  expect(samePayload(parsePayload("0x12"), payloadOf(Uint8Array.of(0x12, 0, 0, 0, 0)))).toBe(false);
});
