import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import { MAX_GLOBALS, MAX_STACK, MAX_VALUES } from "../../../src/formats/pickle/limits.ts";
import { type PickleFormat, unpickle } from "../../../src/formats/pickle/machine.ts";
import {
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from "../../../src/formats/pickle/values.ts";
import { call, encoded, global, outside, pickled, raw, tuple, type Value } from "../../support/torch-file.mjs";

const NOTHING: PickleFormat = { call: () => undefined, outside: () => undefined };
const run = (bytes: Uint8Array, format = NOTHING) => unpickle(bytes, format, "a.pkl");
const program = (text: string) => run(raw(text).raw as Buffer).value;
const code = (text: string, format = NOTHING): string => {
  try {
    run(raw(text).raw as Buffer, format);
  } catch (error) {
    if (error instanceof WeightmarkError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "ok";
};

/** Plain data of what was built, for comparison. */
function shown(value: PickleValue): unknown {
  if (value instanceof PickleList || value instanceof PickleTuple) return value.items.map(shown);
  if (value instanceof PickleDict) return new Map(value.entries.map(([key, inner]) => [shown(key), shown(inner)]));
  if (value instanceof PickleGlobal) return value.path;
  if (value instanceof PickleObject)
    return [value.global.path, shown(value.args), shown(value.state), value.items.map(shown)];
  return value;
}

describe("unpickle", () => {
  it.each<[string, Value]>([
    ["nothing and flags", [null, true, false]],
    [
      "whole numbers",
      [0, 255, 256, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2 ** 40), 2n ** 53n, -(2n ** 63n), 0x1950a86a20f9469cfc6cn],
    ],
    ["other numbers", [0.5, -1.5e-300, 2 ** -1074]],
    ["texts and bytes", ["", "é\u{1f600}", "__proto__", new Uint8Array([0, 255])]],
    [
      "dicts",
      new Map<Value, Value>([
        ["a", 1],
        [2, new Map()],
      ]),
    ],
  ])("builds %s", (_what, value) => {
    expect(shown(run(pickled(value)).value)).toEqual(value);
  });

  it("builds what later protocols write otherwise", () => {
    expect(program("\x8c\x02hi.")).toBe("hi");
    expect(program("\x8d\x02\0\0\0\0\0\0\0hi.")).toBe("hi");
    expect(program("U\x02h\xe9.")).toBe("h\u00e9");
    expect(program("T\x02\0\0\0hi.")).toBe("hi");
    expect(program("C\x01\xff.")).toEqual(new Uint8Array([255]));
    expect(program("\x8e\x01\0\0\0\0\0\0\0\xff.")).toEqual(new Uint8Array([255]));
    expect(program("\x96\x01\0\0\0\0\0\0\0\xff.")).toEqual(new Uint8Array([255]));
    expect(program("\x8b\x02\0\0\0\xff\xff.")).toBe(-1);
    expect(program("\x8a\x00.")).toBe(0);
    expect(program("M\x01\x02.")).toBe(513);
    expect(shown(program("NN\x86N\x85\x86NNN\x87\x86."))).toEqual([
      [[null, null], [null]],
      [null, null, null],
    ]);
    expect(shown(program("]Na\x88a."))).toEqual([null, true]);
    expect(shown(program("}NNs."))).toEqual(new Map([[null, null]]));
    expect(shown(program("\x8f(K\x01\x90."))).toEqual(["builtins.set", null, null, [1]]);
    expect(shown(program("(K\x01\x91."))).toEqual(["builtins.frozenset", [1], null, []]);
    expect(shown(program("\x95\x09\0\0\0\0\0\0\0\x8c\x01a\x94\x8c\x01b\x94\x93."))).toBe("a.b");
    expect(shown(program("K\x05\x94\x85\x94]h\x00aj\x01\0\0\0a\x86."))).toEqual([[5], [5, [5]]]);
  });

  it("takes values off the stack as Python does", () => {
    expect(program("NK\x010.")).toBeNull();
    expect(program("N(0.")).toBeNull();
    expect(program("N(K\x01K\x021.")).toBeNull();
    expect(shown(program("K\x012\x86."))).toEqual([1, 1]);
    expect(shown(program("Nr\x07\0\0\0q\x08h\x08\x86."))).toEqual([null, null]);
  });

  it("makes nothing of calls but a record of them", () => {
    const made = call(global("os", "system"), tuple("x"), new Map([["a", 1]]));
    const { value, globals } = run(pickled(made));
    expect(shown(value)).toEqual(["os.system", ["x"], new Map([["a", 1]]), []]);
    expect(globals.map(({ path }) => path)).toEqual(["os.system"]);
    // What a call gives is called, filled and built on like what it was made by.
    expect(shown(program("ca\nb\n)R)R."))).toEqual(["a.b", [], null, []]);
    expect(shown(program("ca\nb\n)\x81Na(K\x01e(K\x02K\x03u."))).toEqual(["a.b", [], null, [null, 1, 2, 3]]);
    expect(shown(program("ca\nb\n)}\x92."))).toEqual(["a.b", [[], new Map()], null, []]);
    expect(shown(program("]Nb."))).toEqual([]);
    expect(shown(program("ca\nb\nNR."))).toEqual(["a.b", null, null, []]);
  });

  it("asks the format what calls and references mean", () => {
    const format: PickleFormat = {
      call: ({ path }, args) => (path === "a.b" ? args.length : undefined),
      outside: (id) => (id === 7 ? "seven" : undefined),
    };
    expect(run(pickled([call(global("a", "b"), tuple(1, 2)), outside(7)]), format).value).toMatchObject({
      items: [2, "seven"],
    });
    expect(code("K\x08Q.", format)).toMatch(/^PICKLE_MALFORMED: .* has no meaning$/);
  });

  it("tells how long the pickle was", () => {
    expect(run(Buffer.concat([pickled("x"), Buffer.from("more")])).length).toBe(pickled("x").length);
  });

  it.each([
    ["0.", "PICKLE_MALFORMED"],
    [".", "PICKLE_MALFORMED"],
    ["NN.", "PICKLE_MALFORMED"],
    ["(N.", "PICKLE_MALFORMED"],
    ["1.", "PICKLE_MALFORMED"],
    ["2.", "PICKLE_MALFORMED"],
    ["q\x00.", "PICKLE_MALFORMED"],
    ["N(q\x00.", "PICKLE_MALFORMED"],
    ["h\x00.", "PICKLE_MALFORMED"],
    ["K\x01Na.", "PICKLE_MALFORMED"],
    ["K\x01NNs.", "PICKLE_MALFORMED"],
    ["}(Nu.", "PICKLE_MALFORMED"],
    ["NNR.", "PICKLE_MALFORMED"],
    ["K\x01\x8c\x01a\x93.", "PICKLE_MALFORMED"],
    ["\x8c\x01aK\x01\x93.", "PICKLE_MALFORMED"],
    ["\x00", "PICKLE_MALFORMED"],
    ["\x80\x06.", "PICKLE_UNSUPPORTED"],
    ["i", "PICKLE_UNSUPPORTED"],
    ["", "PICKLE_TRUNCATED"],
    ["\x8c\x05a", "PICKLE_TRUNCATED"],
    ["cos", "PICKLE_TRUNCATED"],
    [`c${"a".repeat(1001)}`, "PICKLE_LIMIT"],
    [`c${"a".repeat(1001)}\n`, "PICKLE_LIMIT"],
    ["\x8b\xff\xff\xff\x7f.", "PICKLE_LIMIT"],
    ["B\xff\xff\xff\xff.", "PICKLE_LIMIT"],
    ["X\xff\xff\xff\xff.", "PICKLE_LIMIT"],
    ["T\xff\xff\xff\xff.", "PICKLE_LIMIT"],
  ])("refuses %j with %s", (text, expected) => {
    expect(code(text)).toMatch(new RegExp(`^${expected}: at byte \\d+ of the pickle: `));
  });

  it("bounds what a pickle makes, whatever it says", () => {
    expect(code(`(${"N".repeat(MAX_STACK + 1)}`)).toMatch(/^PICKLE_LIMIT: .* wait on the stack$/);
    expect(code("(".repeat(MAX_STACK + 1))).toMatch(/^PICKLE_LIMIT: .* marks$/);
    expect(code(`N${"q\x00".repeat(MAX_VALUES)}`)).toMatch(/^PICKLE_LIMIT: .* values$/);
    const names = Array.from({ length: MAX_GLOBALS + 1 }, (_, i) => `ca\n${i}\n0`).join("");
    expect(code(names)).toMatch(/^PICKLE_LIMIT: .* names of classes$/);
    const long = `\x8d\xe9\x03\0\0\0\0\0\0${"a".repeat(1001)}`;
    expect(code(`${long}\x8c\x01b\x93.`)).toMatch(/^PICKLE_LIMIT: .* letters$/);
  });

  it("keeps halves of surrogate pairs apart from real letters", () => {
    expect(run(Buffer.concat([Buffer.from([0x8c, 3, 0xed, 0xa0, 0x80]), Buffer.from(".")])).value).toBe(
      "\ufffd\ufffd\ufffd",
    );
    expect(encoded("x")).toHaveLength(6);
  });
});
