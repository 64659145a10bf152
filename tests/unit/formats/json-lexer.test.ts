import { describe, expect, it } from "vitest";
import { type JsonHandler, JsonLexer } from "../../../src/formats/safetensors/json-lexer.ts";

const LIMITS = { maxDepth: 8, maxKeyBytes: 600, maxStringBytes: 700 };

/** The events of a text that arrives in these pieces, or the problem that ends it. */
function events(...pieces: readonly (string | Uint8Array)[]): string[] {
  const seen: string[] = [];
  const handler: JsonHandler = {
    beginObject: () => seen.push("{"),
    endObject: () => seen.push("}"),
    beginArray: () => seen.push("["),
    endArray: () => seen.push("]"),
    key: (text) => seen.push(`key ${text}`),
    string: (text) => seen.push(`string ${text}`),
    number: (text) => seen.push(`number ${text}`),
    literal: (value) => seen.push(`literal ${value}`),
  };
  const lexer = new JsonLexer(handler, LIMITS, (problem, message) => new Error(`${problem}: ${message}`));
  try {
    for (const piece of pieces) lexer.push(typeof piece === "string" ? Buffer.from(piece) : piece);
    lexer.finish();
  } catch (error) {
    seen.push((error as Error).message);
  }
  return seen;
}

describe("JsonLexer", () => {
  it("reports every value, escapes undone and numbers as written", () => {
    const text = '{"a":[1,-2.50E+3,true,false,null],"\\u00e9\\n":{},"":"\\ud83d\\ude00/\\/ü"}';
    expect(events(text)).toEqual([
      ...["{", "key a", "[", "number 1", "number -2.50E+3", "literal true", "literal false", "literal null", "]"],
      ...["key é\n", "{", "}", "key ", "string 😀//ü", "}"],
    ]);
  });

  it("reads the same in pieces of one byte, and cut in two anywhere", () => {
    const text = Buffer.from(' {"k\\u00e9y \u{1f600}":["\\ud83d\\ude00\\\\", 12.5e-1 ,null, [ ] , { } , "ü"]}\n ');
    const whole = events(text);
    expect(whole.at(-1)).toBe("}");
    expect(events(...[...text].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
    for (let cut = 0; cut <= text.length; cut++) {
      expect(events(text.subarray(0, cut), text.subarray(cut))).toEqual(whole);
    }
  });

  it("knows where surrogates begin and end", () => {
    const text = String.raw`"\ud7ff\ue000\ud800\udc00\udbff\udfff"`;
    expect(events(text)).toEqual(["string \ud7ff\ue000\u{10000}\u{10ffff}"]);
  });

  it("reads a lone number at the very end", () => {
    expect(events("12")).toEqual(["number 12"]);
    expect(events("1", "2")).toEqual(["number 12"]);
  });

  it("knows a byte order mark by its place in the whole text", () => {
    expect(events("[", " \ufeff")).toEqual(["[", "syntax: unexpected byte 0xef at byte 2"]);
    expect(events(" ", "\ufeff")).toEqual(["syntax: unexpected byte 0xef at byte 1"]);
  });

  it("keeps a byte order mark inside a string", () => {
    expect(events('"\ufeffa"')).toEqual(["string \ufeffa"]);
  });

  it("takes strings and keys of exactly the limit and none longer, plain or escaped", () => {
    const key = "k".repeat(LIMITS.maxKeyBytes);
    const string = "s".repeat(LIMITS.maxStringBytes);
    expect(events(`{"${key}":"${string}"}`)).toEqual(["{", `key ${key}`, `string ${string}`, "}"]);
    expect(events(`{"${key}k"`).at(-1)).toMatch(/^token: a key of more than 600 bytes/);
    expect(events(`"${string}`, 's"').at(-1)).toMatch(/^token: a string of more than 700 bytes/);
    expect(events(`"${"\\u00e9".repeat(351)}"`)).toEqual(["token: a string of more than 700 bytes at byte 2106"]);
    expect(events(`"${"\\u00e9".repeat(350)}"`)).toEqual([`string ${"é".repeat(350)}`]);
  });

  it("stops a long string before its end is seen", () => {
    expect(events(`"${"s".repeat(100_000)}`)).toEqual(["token: a string of more than 700 bytes at byte 100001"]);
  });

  it.each([
    ["", "syntax: the JSON text ends in the middle at byte 0"],
    ["  ", "syntax: the JSON text ends in the middle at byte 2"],
    ["[1", "syntax: the JSON text ends in the middle at byte 2"],
    ['"a', "syntax: the JSON text ends in the middle at byte 2"],
    ["\ufeff1", "syntax: a byte order mark stands at byte 0"],
    ["[\ufeff1]", "syntax: unexpected byte 0xef at byte 1"],
    ["1 2", "syntax: '2', a second value or garbage, after the end of the JSON text at byte 2"],
    ["{}\0", "syntax: NUL padding (pad with spaces instead) after the end of the JSON text at byte 2"],
    ["{}\u0001", "syntax: byte 0x01, a second value or garbage, after the end of the JSON text at byte 2"],
    ["[1,]", "syntax: unexpected ']' at byte 3"],
    ["[,]", "syntax: unexpected ',' at byte 1"],
    ["{,}", "syntax: unexpected ',' at byte 1"],
    ['{"a" 1}', "syntax: unexpected '1' at byte 5"],
    ['{"a":}', "syntax: unexpected '}' at byte 5"],
    ['{"a":1,}', "syntax: unexpected '}' at byte 7"],
    ["{1:1}", "syntax: unexpected '1' at byte 1"],
    ["{]", "syntax: unexpected ']' at byte 1"],
    ["[}", "syntax: unexpected '}' at byte 1"],
    ["[1}", "syntax: unexpected '}' at byte 2"],
    ['{"a":1]', "syntax: unexpected ']' at byte 6"],
    ["[1:2]", "syntax: unexpected ':' at byte 2"],
    ["tru", "syntax: tru is no JSON value, it ends at byte 3"],
    ["[nul]", "syntax: nul is no JSON value, it ends at byte 4"],
    ["[01]", "syntax: 01 is no JSON value, it ends at byte 3"],
    ["[1.]", "syntax: 1. is no JSON value, it ends at byte 3"],
    ["[-]", "syntax: - is no JSON value, it ends at byte 2"],
    ["[1e]", "syntax: 1e is no JSON value, it ends at byte 3"],
    ["[NaN]", "syntax: NaN is no JSON value, it ends at byte 4"],
    [`[${"1".repeat(65)}]`, "token: a number of more than 64 characters at byte 65"],
    ['{"a""b":1}', "syntax: unexpected '\"' at byte 4"],
    ['[1"a"]', "syntax: unexpected '\"' at byte 2"],
    ["[azAZ09+-.]", "syntax: azAZ09+-. is no JSON value, it ends at byte 10"],
    ...["z", "A", "Z", "+", "."].map((word) => [`[${word}]`, `syntax: ${word} is no JSON value, it ends at byte 2`]),
    ...["@", "`", "/", ":", ",", "*", "|", "~"].map((byte) => [`[${byte}]`, `syntax: unexpected '${byte}' at byte 1`]),
    ["[\x7f]", "syntax: unexpected byte 0x7f at byte 1"],
    ['"\\ "', "syntax: unknown escape byte 0x20 at byte 2"],
    ['"\u0001"', "syntax: an unescaped control character, byte 0x01, at byte 1"],
    ['"\\x"', "syntax: unknown escape 'x' at byte 2"],
    ['"\\u00g0"', "syntax: 'g' is no hexadecimal digit at byte 5"],
    ['"\\ud800"', "utf8: half of a surrogate pair at byte 7"],
    ['"\\ud800x"', "utf8: half of a surrogate pair at byte 7"],
    ['"\\ud800\\n"', "utf8: half of a surrogate pair at byte 8"],
    ['"\\ud800\\ud800"', "utf8: half of a surrogate pair at byte 12"],
    ['"\\ud800\\u0041"', "utf8: half of a surrogate pair at byte 12"],
    ['"\\udc00"', "utf8: half of a surrogate pair at byte 6"],
    ["[".repeat(9), "depth: more than 8 nested values at byte 8"],
  ])("refuses %j", (text, problem) => {
    expect(events(text).at(-1)).toBe(problem);
  });

  it.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]])(
    "refuses bytes %j in a string",
    (...bytes) => {
      const text = Buffer.from([0x22, ...bytes, 0x22]);
      expect(events(text)).toEqual([
        `utf8: bytes that are not UTF-8 in the string that ends at byte ${bytes.length + 1}`,
      ]);
    },
  );
});
