import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readGgufHeader } from "../../../src/formats/gguf/header.ts";
import { CHUNK_BYTES, FIRST_CHUNK_BYTES, MAX_HEADER_BYTES, MAX_TENSORS } from "../../../src/formats/gguf/limits.ts";
import { type GgufParts, ggufFile, type MetadataParts } from "../../support/gguf-file.mjs";
import { refusal } from "../../support/refusal.ts";

const read = (parts: GgufParts) => readGgufHeader(memorySource(ggufFile(parts), "a.gguf"));

/** A source that counts what is asked of it. */
function counted(bytes: Uint8Array, size = bytes.length): { source: ByteSource; asked: [number, number][] } {
  const asked: [number, number][] = [];
  const near = memorySource(bytes, "far.gguf");
  const source: ByteSource = {
    ...near,
    size,
    async read(start, end) {
      asked.push([start, end]);
      const there = await near.read(Math.min(start, bytes.length), Math.min(end, bytes.length));
      const all = new Uint8Array(end - start);
      all.set(there);
      return all;
    },
  };
  return { source, asked };
}

/** Values of every type, small enough to be kept. */
const VALUES: readonly MetadataParts[] = [
  ["u8", "u8", 255],
  ["i8", "i8", -128],
  ["u16", "u16", 65_535],
  ["i16", "i16", -32_768],
  ["u32", "u32", 4_294_967_295],
  ["i32", "i32", -2_147_483_648],
  ["f32", "f32", 0.25],
  ["bool", "bool", true],
  ["text", "text", "▁é"],
  ["u64", "u64", 2n ** 64n - 1n],
  ["i64", "i64", -5],
  ["f64", "f64", 0.1],
  ["numbers", "array", { of: "i16", items: [-1, 2] }],
  ["bools", "array", { of: "bool", items: [true, false] }],
];

describe("readGgufHeader", () => {
  it.each([true, false])("reads values of every type, little-endian: %s", async (littleEndian) => {
    const { metadata, ...about } = await read({ littleEndian, metadata: VALUES });
    expect(about).toEqual({ version: 3, littleEndian, tensors: [] });
    const wanted = VALUES.map(([key, , value]) => {
      const items = (value as { readonly items?: unknown }).items;
      return [key, items ?? value];
    });
    expect([...metadata]).toEqual(wanted);
  });

  it("says where long values lie, and keeps none of them", async () => {
    const items = Array.from({ length: 5000 }, (_, i) => `token ${i}`);
    const parts: GgufParts = {
      metadata: [
        ["texts", "array", { of: "text", items }],
        ["numbers", "array", { of: "f32", items: new Array(5000).fill(1) }],
        ["arrays", "array", { of: "array", items: [{ of: "text", items: ["x"] }] }],
        ["text", "text", "y".repeat(70_000)],
        ["last", "u8", 1],
      ],
    };
    const file = ggufFile(parts);
    const { metadata } = await readGgufHeader(memorySource(file));
    const passed = (key: string) => metadata.get(key) as { kind: string; count: number; begin: number; end: number };
    expect(passed("texts")).toMatchObject({ kind: "texts", count: 5000 });
    expect(Buffer.from(file).toString("latin1", passed("texts").begin + 8, passed("texts").begin + 15)).toBe("token 0");
    expect(passed("numbers")).toMatchObject({ kind: "numbers", count: 5000 });
    expect(passed("numbers").end - passed("numbers").begin).toBe(20_000);
    expect(passed("arrays")).toMatchObject({ kind: "arrays", count: 1 });
    const { begin, end, count, kind } = passed("text");
    expect([kind, count, end - begin, file[begin]]).toEqual(["text", 70_000, 70_000, "y".charCodeAt(0)]);
    expect(metadata.get("last")).toBe(1);
  });

  it("keeps only so much of many short values", async () => {
    const long = "z".repeat(65_536);
    const metadata = Array.from({ length: 260 }, (_, i): MetadataParts => [`${i}`, "text", long]);
    metadata.push(["numbers", "array", { of: "u8", items: [1] }]);
    const found = (await read({ metadata })).metadata;
    expect(found.get("255")).toBe(long);
    expect(found.get("256")).toMatchObject({ kind: "text", count: 65_536 });
    expect(found.get("numbers")).toMatchObject({ kind: "numbers", count: 1 });
  });

  it("gives shapes slowest axis first, and where tensors lie", async () => {
    const data = new Uint8Array(18 * 6);
    const { tensors } = await read({
      tensors: [
        { name: "a", type: "Q4_0", shape: [2, 3, 32], data },
        { name: "b", type: "F32", shape: [2], data: new Uint8Array(8) },
        { name: "c", type: 77, shape: [100], data: new Uint8Array(31) },
      ],
    });
    expect(
      tensors.map(({ name, shape, elements, type, typeId, end, begin }) => {
        return { name, shape, elements, type: type?.name, typeId, bytes: end - begin };
      }),
    ).toEqual([
      { name: "a", shape: [2, 3, 32], elements: 192, type: "Q4_0", typeId: 2, bytes: 108 },
      { name: "b", shape: [2], elements: 2, type: "F32", typeId: 0, bytes: 8 },
      { name: "c", shape: [100], elements: 100, type: undefined, typeId: 77, bytes: 32 },
    ]);
    expect(tensors.every(({ begin }) => begin % 32 === 0)).toBe(true);
  });

  it("reads a vocabulary of megabytes in few pieces, and none of the weights", async () => {
    const items = Array.from({ length: 600_000 }, (_, i) => `token number ${i}`);
    const file = ggufFile({
      metadata: [
        ["tokenizer.ggml.tokens", "array", { of: "text", items }],
        ["tokenizer.ggml.scores", "array", { of: "f32", items: [], count: 0 }],
      ],
      tensors: [{ name: "w", type: "F32", shape: [1 << 20], data: new Uint8Array(4 << 20) }],
    });
    const { source, asked } = counted(file);
    expect((await readGgufHeader(source)).tensors.length).toBe(1);
    const header = file.length - (4 << 20);
    expect(header).toBeGreaterThan(3 * CHUNK_BYTES);
    expect(asked.length).toBeLessThanOrEqual(3 + Math.ceil(header / CHUNK_BYTES));
    expect(asked[1]).toEqual([0, FIRST_CHUNK_BYTES]);
    expect(asked.reduce((sum, [start, end]) => sum + end - start, 0)).toBeLessThan(header + 2 * CHUNK_BYTES);
  });

  it("reads the same wherever a piece ends", async () => {
    const nested: MetadataParts = ["nested", "array", { of: "array", items: [{ of: "text", items: ["x", "y"] }] }];
    const rest = { metadata: [...VALUES, nested], tensors: [{ name: "w", type: "F32", shape: [1, 2] as const }] };
    const bytes = ggufFile(rest).length;
    const filler = (length: number): MetadataParts[] =>
      [65_536, 65_536, 65_536, length].map((size, i) => [`filler ${i}`, "text", "z".repeat(size)]);
    const plain = await read({ ...rest, tensors: [] });
    for (let inside = 0; inside < bytes; inside++) {
      const length = FIRST_CHUNK_BYTES - 3 * 65_536 - 130 - inside;
      const { metadata, tensors } = await readGgufHeader(
        memorySource(
          ggufFile({
            ...rest,
            metadata: [...filler(length), ...rest.metadata],
            tensors: [{ name: "w", type: "F32", shape: [1, 2], data: new Uint8Array(8) }],
          }),
        ),
      );
      expect([...metadata].slice(4, -1)).toEqual([...plain.metadata].slice(0, -1));
      expect(metadata.get("nested")).toMatchObject({ kind: "arrays", count: 1 });
      expect(tensors).toMatchObject([{ name: "w", shape: [1, 2] }]);
    }
  });

  it("passes over numbers without reading them, and ends where no header does", async () => {
    const metadata: MetadataParts[] = [["n", "array", { of: "f64", items: [], count: 20 << 20 }]];
    const file = ggufFile({ entries: 2, metadata });
    const far = counted(file, 300 << 20);
    const { metadata: found } = await readGgufHeader(far.source);
    expect(found.get("")).toBe(0);
    expect(far.asked.length).toBeLessThanOrEqual(4);
    const endless = counted(
      ggufFile({ metadata: [["n", "array", { of: "f64", items: [], count: 40 << 20 }]] }),
      2 ** 40,
    );
    await refusal(readGgufHeader(endless.source), "GGUF_LIMIT");
    expect(40 << 23).toBeGreaterThan(MAX_HEADER_BYTES);
  });

  it("takes as many tensors as safetensors may have, in seconds", async () => {
    const tensors = Array.from({ length: 100_000 }, (_, i) => ({ name: `t.${i}`, type: "F32", shape: [0] }));
    const { tensors: found } = await read({ tensors });
    expect(found.length).toBe(100_000);
    expect(MAX_TENSORS).toBe(1_048_576);
  });

  it("names the tensor that is wrong, and what is", async () => {
    const tensors = [{ name: "blk.0.w", type: "Q4_K", shape: [2, 128], data: new Uint8Array(144) }];
    const error = await refusal(read({ tensors }), "GGUF_BLOCK_MISFIT");
    expect(error).toMatchObject({
      file: "a.gguf",
      tensor: "blk.0.w",
      message: "rows of 128 are no whole blocks of 256, as Q4_K has",
    });
    const twice: MetadataParts = ["k".repeat(200), "u8", 1];
    expect((await refusal(read({ metadata: [twice, twice] }), "GGUF_DUPLICATE_KEY")).message).toMatch(/k{100}\.\.\."/);
  });
});
