import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parsePythonJson } from "../../../src/formats/python-json.ts";

const refused = (text: string): string => {
  try {
    parsePythonJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(text)} was not refused`);
};

/** As Python writes it: JSON whose numbers may be any that it has. */
function pythonText(value: unknown, space: string): string {
  if (typeof value === "number") {
    if (Number.isFinite(value)) return JSON.stringify(value);
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  if (Array.isArray(value)) return `[${value.map((one) => pythonText(one, space)).join(`${space},`)}${space}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${space}${pythonText(one, space)}`);
  return `{${fields.join(`${space},`)}${space}}`;
}

const odd = fc.oneof(
  fc.constantFrom(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    "NaN",
    '"Infinity,',
    "\\",
    "// -Infinity]",
  ),
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    odd,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("NaN", "-Infinity")), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

describe("what Python writes", () => {
  test.prop([values, fc.constantFrom("", " ", "\r\n\t")])("is read as it was meant", (value, space) => {
    // -0 and __proto__ come out of JSON.parse as they went in, or as nothing else would have them.
    const text = pythonText(value, space);
    const plain = pythonText(JSON.parse(JSON.stringify(value) ?? "null"), space);
    expect(pythonText(parsePythonJson(text), space)).toBe(text);
    expect(parsePythonJson(plain)).toEqual(JSON.parse(plain));
  });

  it("has numbers that JSON does not have, and strings that look like them", () => {
    expect(parsePythonJson('{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN", "NaN": "\\"Infinity"}')).toEqual({
      a: Number.NaN,
      b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      c: "NaN",
      NaN: '"Infinity',
    });
    expect(parsePythonJson(" Infinity\n")).toBe(Number.POSITIVE_INFINITY);
  });

  it("is nothing else", () => {
    for (const text of [
      ...["", "{", '{"a": nan}', '{"a": +Infinity}', '{"a": -NaN}', '{"a": - Infinity}', "[1Infinity]", "[NaNNaN]"],
      ...[
        "{NaN: 1}",
        '["x" NaN]',
        "[NaN",
        '{"a": NaN,}',
        "[infinity]",
        '["\\',
        '["NaN',
        "[NaN] x",
        "undefined",
        "[Infinityx]",
      ],
    ]) {
      expect(refused(text)).toBe("it is not valid JSON");
    }
    for (const text of ['{"a": 1} // one', "/* two */ {}", '{"a": NaN /* three */ }']) {
      expect(refused(text)).toBe("it holds a comment, which JSON does not have");
    }
    expect(refused('{"url": "https://x/*", }')).toBe("it is not valid JSON");
  });

  it("is read in a time that grows with its length alone", () => {
    const many = 200_000;
    expect(refused(`"${'\\"'.repeat(many)}\\`)).toBe("it is not valid JSON");
    expect(refused(`[${"NaN ".repeat(many)}`)).toBe("it is not valid JSON");
    expect(refused("[NaN,".repeat(many))).toBe("it is not valid JSON");
    expect(parsePythonJson(`[${"NaN,".repeat(many)}0]`)).toHaveLength(many + 1);
  });
});
