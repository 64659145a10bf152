import { describe, expect, it } from "vitest";
import { kindByStructure } from "../../../src/formats/foreign/structure.ts";

const kindOf = (...parts: readonly (string | readonly number[])[]) =>
  kindByStructure(Buffer.concat(parts.map((part) => Buffer.from(part as string, "latin1"))));

describe("a pickle", () => {
  it.each([2, 3, 4, 5])("is of protocol %i", (version) => {
    for (const opcode of "\x8a\x95}](cX\x8c") expect(kindOf([0x80, version], opcode)).toBe("pickle");
  });

  it.each([0, 1, 6, 255])("is not of protocol %i", (version) => {
    expect(kindOf([0x80, version], "}")).toBeNull();
  });

  it("begins with its protocol, and something that makes an object", () => {
    expect(kindOf([0x7f, 2], "}")).toBeNull();
    expect(kindOf([0x82, 2], "}")).toBeNull();
    for (const opcode of ["\0", "N", "K", "."]) expect(kindOf([0x80, 2], opcode)).toBeNull();
    expect(kindOf([0x80, 2])).toBeNull();
    expect(kindOf([0x80])).toBeNull();
    expect(kindOf([])).toBeNull();
  });
});

describe("a CTranslate2 model", () => {
  const model = (name: string, { version = 6, length = name.length, rest = "\0\0\0\0" } = {}) =>
    kindOf([version, 0, 0, 0, length, 0], name, rest);
  const NAME = "TransformerSpec\0";

  it.each([1, 6, 20])("is of version %i", (version) => {
    expect(model(NAME, { version })).toBe("cTranslate2");
  });

  it.each([0, 21])("is not of version %i", (version) => {
    expect(model(NAME, { version })).toBeNull();
  });

  it("says what it is by a name that ends with a NUL", () => {
    expect(model(`W${"h".repeat(60)}Spec\0`)).toBe("cTranslate2");
    expect(model(`W${"h".repeat(61)}Spec\0`)).toBeNull();
    expect(model("xTransformerSpec\0")).toBeNull();
    expect(model("Transformer-Spec\0")).toBeNull();
    expect(model("TransformerSpec")).toBeNull();
    expect(model("TransformerSpec\0\0")).toBeNull();
    expect(model("Transformer\0")).toBeNull();
    expect(model("\nTransformerSpec\0")).toBeNull();
  });

  it("says how long that name is", () => {
    expect(model(NAME, { rest: "" })).toBe("cTranslate2");
    expect(model(NAME, { length: NAME.length - 1 })).toBeNull();
    expect(model(NAME, { length: NAME.length + 1 })).toBeNull();
    // What is left of a name that is cut off would be one.
    expect(model(NAME, { length: NAME.length + 1, rest: "" })).toBeNull();
    expect(kindOf([6, 0, 0, 0, NAME.length, 1], NAME)).toBeNull();
  });

  it("has sixteen bytes at least", () => {
    expect(model("AaSpec\0", { rest: "\0\0\0" })).toBe("cTranslate2");
    expect(model("AaSpec\0", { rest: "\0\0" })).toBeNull();
    for (let length = 0; length < 8; length++) expect(kindOf([6, 0, 0, 0, 7, 0].slice(0, length))).toBeNull();
  });
});

describe("a MessagePack file of Flax", () => {
  /** A map whose first key is short. */
  const KEY = "\xa6params";
  const MAPS = [[0x81], [0x8f], [0xde, 0, 40], [0xdf, 0, 0, 1, 0]];
  const VALUES = [0x80, 0x81, 0x8f, 0xde, 0xdf, 0xc7, 0xc8, 0xc9];

  it.each(MAPS)("begins with a map: %i", (...map) => {
    for (const value of VALUES) expect(kindOf(map, KEY, [value])).toBe("flax");
  });

  it.each([0x00, 0x7f, 0x80, 0x90, 0xdd, 0xe0])("does not begin with byte %i", (first) => {
    expect(kindOf([first], KEY, [0x81])).toBeNull();
    expect(kindOf([first, 0, 1], KEY, [0x81])).toBeNull();
    expect(kindOf([first, 0, 0, 0, 1], KEY, [0x81])).toBeNull();
  });

  it.each([0x00, 0x7f, 0x90, 0xa1, 0xc6, 0xca, 0xdd, 0xe0])("has no first value of type %i", (value) => {
    expect(kindOf([0x81], KEY, [value])).toBeNull();
  });

  it("has a name as its first key", () => {
    const withKey = (...key: (string | readonly number[])[]) => kindOf([0x81], ...key, [0x81, 0xa1], "x");
    expect(withKey("\xa5a b/c")).toBe("flax");
    expect(withKey("\xa9._-/ aZ09")).toBe("flax");
    expect(withKey("\xbf", "k".repeat(31))).toBe("flax");
    expect(withKey("\xd9\x28", "k".repeat(40))).toBe("flax");
    expect(withKey("\xd9\xff", "k".repeat(255))).toBe("flax");
    expect(withKey("\xa5k\0key")).toBeNull();
    expect(withKey("\xa3\xe9t\xe9")).toBeNull();
    expect(withKey("\xa4key\n")).toBeNull();
    expect(withKey("\xa4\0key")).toBeNull();
    expect(withKey("\xa0")).toBeNull();
    expect(withKey("\xd9\0")).toBeNull();
    for (const first of [0x06, 0x86, 0xc0, 0xda, 0xe6]) expect(withKey([first, 6], "params")).toBeNull();
    // Bytes that are a number, nothing, or the key of another length.
    for (const first of [0x06, 0x46, 0x86, 0xc6, 0xc0, 0xda, 0xe6]) expect(withKey([first], "params")).toBeNull();
  });

  it("is not told where the file ends before its first value", () => {
    for (const map of MAPS) {
      for (let length = 0; length <= KEY.length; length++) expect(kindOf(map, KEY.slice(0, length))).toBeNull();
    }
    expect(kindOf([0x81], "\xd9")).toBeNull();
    expect(kindOf([0x81], "\xd9\x28", "k".repeat(40))).toBeNull();
    expect(kindOf([0x81], "\xa1k", [0xc7])).toBeNull();
    expect(kindOf([0x81], "\xa1k", [0xc7, 1])).toBe("flax");
  });
});
