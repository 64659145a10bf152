import { describe, expect, it } from "vitest";
import { kindOfText } from "../../../src/formats/foreign/text.ts";

const latin1 = (text: string) => kindOfText(Buffer.from(text, "latin1"));
const utf8 = (text: string) => kindOfText(Buffer.from(text, "utf8"));

describe("a text", () => {
  it("has eight characters at least", () => {
    expect(utf8("1234567\n")).toBe("text");
    expect(utf8("1234567")).toBeNull();
    expect(utf8("ééééééé")).toBeNull();
    expect(utf8("")).toBeNull();
  });

  it("has no control characters but spaces, as far as it is looked at", () => {
    expect(utf8("a\tb\nc\r\nd\fe\v")).toBe("text");
    for (const control of ["\0", "\x07", "\x1b", "\x7f", "\x85"]) {
      expect(utf8(`some words${control}`)).toBeNull();
      expect(utf8(`${control}some words`)).toBeNull();
    }
    expect(utf8(`${"x".repeat(511)}\0`)).toBeNull();
    expect(utf8(`${"x".repeat(512)}\0`)).toBe("text");
  });

  it("is UTF-8, of which the last character may be cut off", () => {
    expect(utf8(`${"x".repeat(511)}é`)).toBe("text");
    expect(utf8(`${"x".repeat(510)}\u{1f600}`)).toBe("text");
    expect(utf8("des élèves")).toBe("text");
    expect(latin1("des \xe9l\xe8ves")).toBeNull();
    expect(latin1("some words \xff")).toBeNull();
    expect(latin1(`\xe9${"x".repeat(600)}`)).toBeNull();
    expect(latin1(`${"x".repeat(512)}\xe9`)).toBe("text");
  });
});

describe("a text in UTF-16", () => {
  const units = (text: string) => Buffer.from(text, "utf16le");
  const little = (text: string) => Buffer.concat([Buffer.of(0xff, 0xfe), units(text)]);
  const big = (text: string) => little(text).swap16();

  it.each([
    ["the least byte first", little],
    ["the least byte last", big],
  ])("may have %s", (_, encode) => {
    expect(kindOfText(encode("Not found\r\n"))).toBe("text");
    expect(kindOfText(encode("\t ~"))).toBe("text");
    expect(kindOfText(encode("ok"))).toBeNull();
    expect(kindOfText(encode("bells \b"))).toBeNull();
    expect(kindOfText(encode("\x7f bells"))).toBeNull();
    expect(kindOfText(encode("caf\u0100"))).toBeNull();
    // An odd byte at the end is half a character.
    expect(kindOfText(Buffer.concat([encode("Not found"), Buffer.of(1)]))).toBe("text");
    // As far as it is looked at: the mark and 31 characters.
    expect(kindOfText(encode(`${"x".repeat(31)}\0\0`))).toBe("text");
    expect(kindOfText(encode(`${"x".repeat(30)}\0\0`))).toBeNull();
  });

  it("begins with its mark, whole and in the order of what follows", () => {
    for (const mark of [
      [0xff, 0xff],
      [0xfe, 0xfe],
      [0xff, 0x00],
      [0x00, 0xfe],
      [0xfe, 0x00],
      [0x00, 0xff],
    ]) {
      expect(kindOfText(Buffer.concat([Buffer.from(mark), units("Not found")]))).toBeNull();
      expect(kindOfText(Buffer.concat([Buffer.from(mark), units("Not found").swap16()]))).toBeNull();
    }
    expect(kindOfText(Buffer.concat([Buffer.of(0xff, 0xfe), units("Not found").swap16()]))).toBeNull();
    expect(kindOfText(Buffer.concat([Buffer.of(0xfe, 0xff), units("Not found")]))).toBeNull();
  });
});

describe("what a text is", () => {
  it.each([
    ["html", "<!doctype html><p>"],
    ["html", "\n\t<!DOCTYPE  HTML>"],
    ["html", "<head><title>"],
    ["html", "<body>Not found"],
    ["html", "<!-- page -->"],
    ["text", "<p>Not found</p>"],
    ["text", "see <html> for it"],
    ["xml", "<?xml version='1.0'?>"],
    ["xml", " <?XML version='1.0'?><net name='no number'>"],
    ["openVino", "<net name='m' version='11'>"],
    ["openVino", " <?xml version='1.0'?> <net version='11'>"],
    ["text", "<network version='11'>"],
    ["annex", ".git/annex/objects/SHA256E-s5--ab"],
    ["annex", "annex/objects/SHA256E-s5--ab"],
    ["text", "see annex/objects/SHA256E-s5--ab"],
    ["dvc", "outs:\n  - path: model.safetensors"],
    ["dvc", "outs:\n- hash: md5"],
    ["dvc", `md5: ${"0a".repeat(16)}\n`],
    ["text", `md5: ${"0a".repeat(15)}\n`],
    ["text", "outs: none of them"],
    ["json", '{ "a": 1 }'],
    ["json", "{\n}      "],
    ["json", '["a", "b"]'],
    ["json", "[[1, 2], [3]]"],
    ["json", '[{"a": 1}]'],
    ["json", "[-1, 2, 3]"],
    ["json", "[       ]"],
    ["text", "{not JSON}"],
    ["text", "[see below]"],
    ["text", "12345678 {}"],
  ])("is %s: %j", (kind, text) => {
    expect(utf8(text)).toBe(kind);
  });

  it.each([
    ['{"weight_map":{"a":"FILE"}}'],
    ['{"metadata": {"total_size": 5}, "weight_map": {"a": "FILE", "b": "other"}}'],
    ['{ "weight_map" \n : \r\n { \t\n "a" \n\n : \n\n "FILE" } }'],
    ['{"weight_map": {"": "FILE"}}'],
    ['{"weight_map": {"layers.0\\"\\\\": "FILE"}}'],
    ['{"weight_map": {"a": "d\\"i\\\\r/FILE"}}'],
  ])("is an index by the first of its shards: %s", (text) => {
    expect(utf8(text.replace("FILE", "model-00001-of-00002.safetensors"))).toBe("misnamedIndex");
    expect(utf8(text.replace("FILE", "MODEL.SFT"))).toBe("misnamedIndex");
    expect(utf8(text.replace("FILE", "pytorch_model-00001-of-00002.bin"))).toBe("foreignIndex");
    expect(utf8(text.replace("FILE", ""))).toBe("foreignIndex");
    expect(utf8(text.replace("FILE", "x".repeat(1000)))).toBe("foreignIndex");
  });

  it.each([
    '{"weight_map": {}}',
    '{"weight_map": "model.safetensors"}',
    '{"weight_map": ["a", "model.safetensors"]}',
    '{"weight_map": {"a": 1, "b": "model.safetensors"}}',
    '{"weight_map": {"a": {"b": "model.safetensors"}}}',
    '{"weight_maps": {"a": "model.safetensors"}}',
    '{"weight map": {"a": "model.safetensors"}}',
    '{"weight_map": {"a": "model.safetensors',
    '{"weight_map": {"a\\": "model.safetensors"}}',
    '{"weight_map" {"a": "model.safetensors"}}',
  ])("is JSON and no index: %s", (text) => {
    expect(utf8(text)).toBe("json");
  });

  it("is an index wherever in the first bytes the shards are named", () => {
    const late = `{"metadata": {"note": "${"x".repeat(5000)}"}, "weight_map": {"a": "model.safetensors"}}`;
    expect(utf8(late)).toBe("misnamedIndex");
  });
});
