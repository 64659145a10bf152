import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeText, toJson } from "../../src/report/escape.ts";
import { withoutNonFinite } from "../../src/report/finite.ts";
import { formatP } from "../../src/report/numbers.ts";

/** Strings rich in what attacks terminals. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\u001b[2J",
        "\u009b31m",
        "\r",
        "\n",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\ud800",
        "\u00a0",
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

function isPlain(text: string): boolean {
  return [...text].every((char) => {
    const point = char.codePointAt(0)!;
    const control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    const bidi =
      (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || /[\u200e\u200f\u061c]/.test(char);
    const zeroWidth =
      /[\u200b-\u200d\u2060\ufeff\u00ad\u2028\u2029]/.test(char) || (point >= 0xe0000 && point <= 0xe007f);
    return !control && !surrogate && !bidi && !zeroWidth;
  });
}

describe("escapeText", () => {
  it("leaves nothing that a terminal acts on, and bounds the length", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = escapeText(text);
        expect(isPlain(shown)).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves readable text of any script alone", () => {
    for (const text of ["model.layers.0", "Größe", "模型", "модель", "a b", "C:\\m", "🙂"])
      expect(escapeText(text)).toBe(text);
  });

  it("keeps different short names apart when they hold no backslash", () => {
    const short = hostile.filter((text) => text.length < 30 && !text.includes("\\") && !text.includes("\u2026"));
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(escapeText(a) === escapeText(b)).toBe(a === b);
      }),
    );
  });
});

describe("toJson", () => {
  it("is JSON of the same value with nothing invisible in it", () => {
    const value = fc.dictionary(
      hostile,
      fc.oneof(hostile, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
    );
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (object, indent) => {
        const text = toJson(object, indent);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(object)));
        expect(isPlain(text.replaceAll("\n", ""))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("withoutNonFinite", () => {
  it("leaves a value that survives JSON and lists each number that would not", () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.double(),
        fc.string(),
        fc.constant(null),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("tree"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (input) => {
        const { value, found } = withoutNonFinite(input);
        expect(JSON.stringify(value)).toBe(JSON.stringify(input));
        for (const { path, value: was } of found) {
          const keys = path
            .split("/")
            .slice(1)
            .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
          expect(String(keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], input))).toBe(was);
        }
        expect(found.length).toBe(countNonFinite(input));
      }),
    );
  });
});

function countNonFinite(node: unknown): number {
  if (typeof node === "number") return Number.isFinite(node) ? 0 : 1;
  if (typeof node !== "object" || node === null) return 0;
  return Object.values(node).reduce((sum: number, item) => sum + countNonFinite(item), 0);
}

describe("formatP", () => {
  it("is within rounding of the p it was given, however small", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 0, noNaN: true }), (log10P) => {
        const [, mantissa, exponent] = /^p = ([\d.]+)(?:e(-?\d+))?$/.exec(formatP(log10P)) ?? [];
        expect(Math.log10(Number(mantissa)) + Number(exponent ?? 0)).toBeCloseTo(log10P, 1);
      }),
    );
    expect(formatP(0)).toBe("p = 1.0");
    expect(formatP(-9.00001)).toBe("p = 1.0e-9");
    expect(formatP(null)).toBe("p not available");
  });
});
