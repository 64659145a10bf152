import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { MAX_HEADER_BYTES, MAX_STRING_BYTES } from "../../../src/formats/safetensors/limits.ts";
import { serializeSafetensors, type TensorData } from "../../../src/formats/safetensors/writer.ts";
import type { Dtype } from "../../../src/formats/tensor-info.ts";
import { refusal } from "../../support/refusal.ts";

interface Given {
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: Dtype;
    readonly shape: number[];
    readonly hex: string;
  }[];
  readonly metadata: Record<string, string> | null;
}

const directory = fileURLToPath(new URL("../../fixtures/writer/", import.meta.url));
const cases = readdirSync(directory).filter((name) => name.endsWith(".safetensors"));

function given(name: string): {
  tensors: TensorData[];
  metadata: Map<string, string> | undefined;
  expected: Uint8Array;
} {
  const { tensors, metadata }: Given = JSON.parse(
    readFileSync(join(directory, name.replace(".safetensors", ".json")), "utf8"),
  );
  return {
    tensors: tensors.map(({ hex, ...tensor }) => ({ ...tensor, data: Buffer.from(hex, "hex") })),
    metadata: metadata === null ? undefined : new Map(Object.entries(metadata)),
    expected: readFileSync(join(directory, name)),
  };
}

const one = (more: Partial<TensorData>): TensorData[] => [
  { name: "w", dtype: "U8", shape: [2], data: Uint8Array.of(1, 2), ...more },
];
const serialize = async (tensors: TensorData[], metadata?: ReadonlyMap<string, string>) =>
  serializeSafetensors(tensors, metadata);

describe("serializeSafetensors", () => {
  it("has fixtures", () => {
    expect(cases.length).toBeGreaterThanOrEqual(9);
  });

  it.each(cases)("writes the reference writer's bytes: %s", (name) => {
    const { tensors, metadata, expected } = given(name);
    expect(Buffer.from(serializeSafetensors(tensors, metadata)).equals(expected)).toBe(true);
    expect(Buffer.from(serializeSafetensors(tensors.toReversed(), metadata)).equals(expected)).toBe(true);
  });

  it("writes metadata in order of key, by UTF-8 bytes", async () => {
    const file = serializeSafetensors([], new Map(["\u{1f600}", "b", "\ue000", "a"].map((key) => [key, ""])));
    const { metadata } = await readSafetensorsHeader(memorySource(file));
    expect([...metadata.keys()]).toEqual(["a", "b", "\ue000", "\u{1f600}"]);
  });

  it.each([
    ["too few bytes", one({ data: Uint8Array.of(1) }), /1 bytes of data where the shape needs 2/],
    ["too many bytes", one({ shape: [1] }), /2 bytes of data where the shape needs 1/],
    ["a name twice", [...one({}), ...one({})], /same name/],
    ["half a surrogate pair", one({ name: "\ud800" }), /surrogate/],
    ["the name of the metadata", one({ name: "__metadata__" }), /__metadata__/],
    ["a long name", one({ name: "é".repeat(8_001) }), /16000/],
    ["an unknown type", one({ dtype: "F128" as Dtype }), /unknown dtype F128/],
    ["a negative dimension", one({ shape: [-1] }), /dimension/],
    ["a broken dimension", one({ shape: [0.5] }), /dimension/],
    ["too many elements", one({ shape: [2 ** 40, 2 ** 40] }), /overflow/],
    ["part of a byte", one({ dtype: "F4", shape: [3] }), /misfit/],
  ])("refuses %s", async (_what, tensors, message) => {
    expect((await refusal(serialize(tensors), "ST_WRITE_INVALID")).message).toMatch(message);
  });

  it("names the tensor in a refusal, unless its name is what is wrong", async () => {
    const refused = (tensors: TensorData[], metadata?: ReadonlyMap<string, string>) =>
      refusal(serialize(tensors, metadata), "ST_WRITE_INVALID");
    for (const more of [
      { data: Uint8Array.of(1) },
      { dtype: "F128" as Dtype },
      { shape: [-1] },
      { shape: [2 ** 53] },
      { shape: [2 ** 40, 2 ** 40] },
    ]) {
      expect((await refused(one(more))).tensor).toBe("w");
    }
    expect(await refused([...one({}), ...one({})])).toMatchObject({
      tensor: "w",
      message: "two tensors have the same name",
    });
    expect(await refused(one({ name: "__metadata__" }))).toMatchObject({
      tensor: "__metadata__",
      message: "a tensor cannot be called __metadata__",
    });
    expect(await refused(one({ name: "n".repeat(16_001) }))).toMatchObject({
      tensor: undefined,
      message: "a name of more than 16000 bytes",
    });
    expect(await refused(one({ name: "a\udc00" }))).toMatchObject({
      tensor: undefined,
      message: "half of a surrogate pair cannot be written as UTF-8",
    });
    const { message } = await refused(one({ dtype: "F32", shape: [2 ** 40, 2 ** 40] }));
    expect(message).toBe("the size of F32 [1099511627776, 1099511627776] is overflow");
  });

  it("writes the longest name that is read, and dimensions of nothing", async () => {
    const name = "é".repeat(8000);
    const bytes = serializeSafetensors([
      { name, dtype: "U8", shape: [0, 2], data: new Uint8Array(0) },
      { name: "s", dtype: "F32", shape: [], data: Uint8Array.of(1, 2, 3, 4) },
    ]);
    const { tensors } = await readSafetensorsHeader(memorySource(bytes));
    expect(tensors.get(name)).toMatchObject({ dtype: "U8", shape: [0, 2] });
    expect(tensors.get("s")).toMatchObject({ dtype: "F32", shape: [], begin: bytes.length - 4 });
  });

  it("pads the header with spaces to eight bytes, and no further", () => {
    for (let length = 1; length <= 16; length++) {
      const bytes = serializeSafetensors([], new Map([["k", "v".repeat(length)]]));
      const text = `{"__metadata__":{"k":"${"v".repeat(length)}"}}`;
      const padded = text.padEnd(Math.ceil(text.length / 8) * 8, " ");
      expect(Buffer.from(bytes.subarray(8)).toString()).toBe(padded);
      expect(Buffer.from(bytes).readBigUInt64LE()).toBe(BigInt(padded.length));
    }
    expect(Buffer.from(serializeSafetensors([])).toString("latin1")).toBe("\x08\0\0\0\0\0\0\0{}      ");
  });

  it("refuses metadata that cannot be written", async () => {
    await refusal(serialize([], new Map([["k", "\udc00"]])), "ST_WRITE_INVALID");
    await refusal(serialize([], new Map([["\udc00", "v"]])), "ST_WRITE_INVALID");
    // Longer than what is read.
    const long = new Map([["k", "v".repeat(MAX_STRING_BYTES + 1)]]);
    expect((await refusal(serialize([], long), "ST_WRITE_INVALID")).message).toBe(
      "metadata of more than 67108864 bytes",
    );
  });

  it("writes the longest header that is read, and none longer", async () => {
    const value = "v".repeat(MAX_HEADER_BYTES / 2);
    const rest = "w".repeat(MAX_HEADER_BYTES / 2 - '{"__metadata__":{"k":"","l":""}}'.length);
    const both = (second: string) =>
      new Map([
        ["k", value],
        ["l", second],
      ]);
    const longest = serializeSafetensors([], both(rest));
    expect(longest).toHaveLength(8 + MAX_HEADER_BYTES);
    expect((await readSafetensorsHeader(memorySource(longest))).metadata).toEqual(both(rest));
    const { message } = await refusal(serialize([], both(`${rest}w`)), "ST_WRITE_INVALID");
    expect(message).toBe("a header of 100000008 bytes, more than 100000000");
  });
});
