import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { ERRORS, type ErrorCode } from "../../../src/errors.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { MAX_METADATA_ENTRIES } from "../../../src/formats/safetensors/limits.ts";
import { refusal } from "../../support/refusal.ts";

/** A file with this header and `dataBytes` zeros. */
function read(header: string, dataBytes = 0) {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return readSafetensorsHeader(
    memorySource(Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(dataBytes)]), "f"),
  );
}

/** What a refusal says: its message, its tensor, and that it names the file and gives the advice of its code. */
async function said(header: string, code: ErrorCode, dataBytes = 0): Promise<[string, string | undefined]> {
  const error = await refusal(read(header, dataBytes), code);
  expect([error.file, error.detail]).toEqual(["f", ERRORS[code].advice]);
  return [error.message, error.tensor];
}

const EMPTY = '"dtype":"U8","shape":[0],"data_offsets":[0,0]';
/** Values of each type of JSON. */
const OBJECT = ["{}", "object"] as const;
const ARRAY = ["[]", "array"] as const;
const STRING = ['"U8"', "string"] as const;
const NUMBER = ["5", "number"] as const;
const LITERALS = [
  ["true", "literal"],
  ["null", "literal"],
] as const;

describe("a value of the wrong type", () => {
  it.each([ARRAY, STRING, ["5 ", "number"], ["true ", "literal"]] as const)("as the header: %s", async (text, type) => {
    const [message, tensor] = await said(text, "ST_ROOT_NOT_OBJECT");
    expect([message, tensor]).toEqual([`the header is a JSON ${type}, not an object`, undefined]);
  });

  it.each([ARRAY, STRING, NUMBER, LITERALS[0]])("as metadata: %s", async (text, type) => {
    const message = `__metadata__ must map strings to strings, here is a ${type}`;
    expect(await said(`{"__metadata__":${text}}`, "ST_METADATA_INVALID")).toEqual([message, undefined]);
    // The tensor before it has nothing to do with it.
    expect(await said(`{"w":{${EMPTY}},"__metadata__":${text}}`, "ST_METADATA_INVALID")).toEqual([message, undefined]);
  });

  it("as metadata, though a tensor before it would take it for its dtype", async () => {
    const header = '{"w":{"shape":[0],"data_offsets":[0,0],"dtype":"U8"},"__metadata__":"U8"}';
    const message = "__metadata__ must map strings to strings, here is a string";
    expect(await said(header, "ST_METADATA_INVALID")).toEqual([message, undefined]);
  });

  it.each([OBJECT, ARRAY, NUMBER, ...LITERALS])("in metadata: %s", async (text, type) => {
    const message = `__metadata__ must map strings to strings, here is a ${type}`;
    expect(await said(`{"__metadata__":{"k":${text}}}`, "ST_METADATA_INVALID")).toEqual([message, undefined]);
    const later = `{"w":{${EMPTY}},"__metadata__":{"j":"","k":${text}}}`;
    expect(await said(later, "ST_METADATA_INVALID")).toEqual([message, undefined]);
  });

  it.each([ARRAY, STRING, NUMBER, ...LITERALS])("as a tensor's entry: %s", async (text, type) => {
    const message = `the tensor's entry is a JSON ${type}, not an object`;
    expect(await said(`{"w":${text}}`, "ST_ENTRY_INVALID")).toEqual([message, "w"]);
    expect(await said(`{"v":{${EMPTY}},"w":${text}}`, "ST_ENTRY_INVALID")).toEqual([message, "w"]);
  });

  it.each([OBJECT, ARRAY, NUMBER, ...LITERALS])("as a dtype: %s", async (text, type) => {
    expect(await said(`{"w":{"dtype":${text}}}`, "ST_ENTRY_INVALID")).toEqual([`dtype is a ${type}`, "w"]);
  });

  it.each([OBJECT, STRING, NUMBER, ...LITERALS])("as a list of integers: %s", async (text, type) => {
    expect(await said(`{"w":{"shape":${text}}}`, "ST_ENTRY_INVALID")).toEqual([`shape is a ${type}`, "w"]);
    expect(await said(`{"w":{"data_offsets":${text}}}`, "ST_ENTRY_INVALID")).toEqual([
      `data_offsets is a ${type}`,
      "w",
    ]);
  });

  it.each([OBJECT, ARRAY, STRING, ...LITERALS])("in a list of integers: %s", async (text, type) => {
    for (const field of ["shape", "data_offsets"]) {
      const message = `${field} holds a ${type} where an integer is needed`;
      expect(await said(`{"w":{"${field}":[${text}]}}`, "ST_INTEGER_INVALID")).toEqual([message, "w"]);
      expect(await said(`{"w":{"${field}":[0,${text}]}}`, "ST_INTEGER_INVALID")).toEqual([message, "w"]);
    }
  });
});

describe("a number in a list", () => {
  it.each(["-1", "-0", "1.0", "1e2", "0.5"])("is no plain integer: %s", async (text) => {
    for (const field of ["shape", "data_offsets"]) {
      const message = `${text} in ${field} is no plain non-negative integer`;
      expect(await said(`{"w":{"${field}":[${text}]}}`, "ST_INTEGER_INVALID")).toEqual([message, "w"]);
    }
  });

  it("is at most 2^53 - 1, and so is where it leads to in the file", async () => {
    for (const field of ["shape", "data_offsets"]) {
      const message = `9007199254740992 in ${field} is above 2^53 - 1`;
      expect(await said(`{"w":{"${field}":[9007199254740992]}}`, "ST_INTEGER_TOO_LARGE")).toEqual([message, "w"]);
    }
    const most = '{"w":{"dtype":"U8","shape":[9007199254740991],"data_offsets":[0,0]}}';
    expect((await said(most, "ST_SIZE_OVERFLOW"))[1]).toBe("w");
    for (const range of ["[0,9007199254740991]", "[9007199254740991,9007199254740991]", "[9007199254740991,0]"]) {
      const header = `{"w":{"dtype":"U8","shape":[0],"data_offsets":${range}}}`;
      expect(await said(header, "ST_INTEGER_TOO_LARGE")).toEqual(["data_offsets lie above 2^53 - 1", "w"]);
    }
  });

  it("is one of 64 dimensions at most", async () => {
    const shape = (rank: number) => `{"w":{"shape":[${Array(rank).fill(1)}],"dtype":"U8","data_offsets":[0,1]}}`;
    expect((await read(shape(64), 1)).tensors.get("w")!.shape).toHaveLength(64);
    expect(await said(shape(65), "ST_RANK_LIMIT", 1)).toEqual(["more than 64 dimensions", "w"]);
  });

  it("is one of two offsets", async () => {
    const offsets = (list: string) => `{"w":{"shape":[0],"dtype":"U8","data_offsets":${list}}}`;
    for (const list of ["[]", "[0]"]) {
      expect(await said(offsets(list), "ST_ENTRY_INVALID")).toEqual(["data_offsets needs two numbers", "w"]);
    }
    expect(await said(offsets("[0,0,0]"), "ST_ENTRY_INVALID")).toEqual(["data_offsets has more than two numbers", "w"]);
  });
});

describe("a tensor's entry", () => {
  it.each(["dtype", "shape", "data_offsets"])("has its own %s", async (missing) => {
    const fields = { dtype: '"U8"', shape: "[0]", data_offsets: "[0,0]" };
    const left = Object.entries(fields).filter(([field]) => field !== missing);
    const entry = left.map(([field, value]) => `"${field}":${value}`).join(",");
    const message = `the tensor's entry has no ${missing}`;
    expect(await said(`{"w":{${entry}}}`, "ST_ENTRY_INVALID")).toEqual([message, "w"]);
    expect(await said(`{"v":{${EMPTY}},"w":{${entry}}}`, "ST_ENTRY_INVALID")).toEqual([message, "w"]);
    const twice = `{"w":{${EMPTY},"${missing}":${fields[missing as "dtype"]}}}`;
    expect(await said(twice, "ST_DUPLICATE_KEY")).toEqual(["a field stands twice in the tensor's entry", "w"]);
  });

  it("has a known dtype, of which a refusal quotes no more than the beginning", async () => {
    const dtype = (name: string) => said(`{"w":{"dtype":"${name}"}}`, "ST_UNKNOWN_DTYPE");
    expect(await dtype("F128")).toEqual(['unknown dtype "F128"', "w"]);
    expect(await dtype("u8")).toEqual(['unknown dtype "u8"', "w"]);
    expect(await dtype("x".repeat(41))).toEqual([`unknown dtype "${"x".repeat(40)}"`, "w"]);
  });

  it("may have unknown fields of any kind, in which nothing means anything", async () => {
    const unknown = [
      '{"dtype":1,"shape":{},"data_offsets":"x","dtype":2}',
      "[[1,2,3],[],[[4.5]]]",
      '[{"shape":[-1]},[{}],"x"]',
      "{}",
      "[]",
      '"text"',
      "-1.5e-7",
      "1e300",
      "-1e300",
      "true",
      "null",
    ];
    for (const value of unknown) {
      for (const entry of [`"x":${value},${EMPTY}`, `${EMPTY},"x":${value},"y":${value}`]) {
        const { tensors, notes } = await read(`{"v":{${entry}},"__metadata__":{"k":"v"},"w":{${EMPTY}}}`);
        expect([...tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
          ["v", "U8", [0]],
          ["w", "U8", [0]],
        ]);
        expect(notes).toEqual(["fields unknown to safetensors in 1 header entries, ignored"]);
      }
    }
    expect((await read(`{"w":{${EMPTY}}}`)).notes).toEqual([]);
  });

  it.each(["2e300", "-2e300", "1e999"])("has no number out of range in them: %s", async (text) => {
    for (const value of [text, `[${text}]`, `{"a":[0,${text}]}`]) {
      expect(await said(`{"w":{"x":${value}}}`, "ST_INTEGER_TOO_LARGE")).toEqual([`${text} is out of range`, "w"]);
    }
  });

  it("has 64 of them at most, each once", async () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `"x${i}":0`).join(",");
    const header = (count: number) => `{"v":{${fields(64)},${EMPTY}},"w":{${EMPTY},${fields(count)}}}`;
    expect((await read(header(64))).tensors.size).toBe(2);
    expect(await said(header(65), "ST_ENTRY_INVALID")).toEqual(["more than 64 unknown fields in one entry", "w"]);
    expect(await said('{"w":{"x":0,"x":0}}', "ST_DUPLICATE_KEY")).toEqual([
      "a field stands twice in the tensor's entry",
      "w",
    ]);
  });

  it("stands once", async () => {
    const twice = `{"v":{${EMPTY}},"w":{${EMPTY}},"v":{${EMPTY}}}`;
    expect(await said(twice, "ST_DUPLICATE_KEY")).toEqual(["the tensor stands twice in the header", "v"]);
  });
});

describe("metadata", () => {
  it("may be null, as if there were none", async () => {
    const { metadata, tensors } = await read(`{"__metadata__":null,"w":{${EMPTY}}}`);
    expect([metadata.size, tensors.size]).toEqual([0, 1]);
  });

  it("stands once, and each key in it", async () => {
    for (const [first, second] of [
      ["null", "{}"],
      ["{}", "null"],
      ['{"k":"v"}', "{}"],
    ]) {
      const twice = `{"w":{${EMPTY}},"__metadata__":${first},"__metadata__":${second}}`;
      expect((await said(twice, "ST_DUPLICATE_KEY"))[0]).toBe("__metadata__ stands twice in the header");
    }
    expect(await said('{"__metadata__":{"k":"","l":"","k":""}}', "ST_DUPLICATE_KEY")).toEqual([
      "a key stands twice in __metadata__",
      undefined,
    ]);
  });

  it("has no more entries than the limit", async () => {
    const pairs = Array.from({ length: MAX_METADATA_ENTRIES + 1 }, (_, i) => `"${i}":""`).join(",");
    const [message] = await said(`{"__metadata__":{${pairs}}}`, "ST_METADATA_INVALID");
    expect(message).toBe("more than 65536 metadata entries");
  });
});

describe("a header that is no JSON", () => {
  it.each([
    ['{"w" 1}', "ST_INVALID_JSON", "header: unexpected '1' at byte 5"],
    ["{} x", "ST_INVALID_JSON", "header: 'x', a second value or garbage, after the end of the JSON text at byte 3"],
    ['{"w":', "ST_INVALID_JSON", "header: the JSON text ends in the middle at byte 5"],
    ['{"\\ud800":1}', "ST_NOT_UTF8", "header: half of a surrogate pair at byte 8"],
    [`{"w":{"x":${"[".repeat(63)}`, "ST_DEPTH_LIMIT", "header: more than 64 nested values at byte 72"],
    [`{"${"n".repeat(16_001)}":1}`, "ST_TOKEN_LIMIT", "header: a key of more than 16000 bytes at byte 16003"],
  ] as const)("is refused with the byte: %s", async (header, code, message) => {
    expect(await said(header, code)).toEqual([message, undefined]);
  });

  it("is no safetensors where not even its object begins", async () => {
    const error = await refusal(read("\x01 nothing"), "ST_INVALID_JSON");
    expect(error).toMatchObject({ file: "f", message: "header: unexpected byte 0x01 at byte 0" });
    expect(error.detail).toBe(
      "Check that this is the .safetensors file that was meant, whole, undamaged and not encrypted.",
    );
  });
});

describe("names and nesting of the limit", () => {
  it("are read", async () => {
    const nested = "[".repeat(62) + "]".repeat(62);
    const name = "n".repeat(16_000);
    const { tensors } = await read(`{"${name}":{${EMPTY},"x":${nested}}}`);
    expect([...tensors.keys()]).toEqual([name]);
  });
});
