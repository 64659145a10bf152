import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import {
  FIRST_READ_BYTES,
  HEADER_PIECE_BYTES,
  MAX_METADATA_ENTRIES,
  MAX_STRING_BYTES,
  MAX_TENSORS,
} from "../../../src/formats/safetensors/limits.ts";
import { refusal } from "../../support/refusal.ts";

/** A file with this header and `dataBytes` zeros. */
function file(header: string, dataBytes = 0): Uint8Array {
  const text = Buffer.from(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const read = (bytes: Uint8Array) => readSafetensorsHeader(memorySource(bytes, "f"));
const u8 = (begin: number, end: number) => `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;

/** A source that remembers what was asked of it. */
function recording(bytes: Uint8Array): { source: ByteSource; ranges: [number, number][] } {
  const ranges: [number, number][] = [];
  const inner = memorySource(bytes);
  const source: ByteSource = {
    location: "recorded",
    size: inner.size,
    read(start, end) {
      ranges.push([start, end]);
      return inner.read(start, end);
    },
    verifyUnchanged: () => inner.verifyUnchanged(),
    close: () => inner.close(),
  };
  return { source, ranges };
}

describe("readSafetensorsHeader", () => {
  it("gives tensors in file order with absolute offsets, and metadata", async () => {
    const header = `{"b":${u8(3, 5)},"__metadata__":{"format":"pt"},"a":${u8(0, 3)}}`;
    const { tensors, metadata, dataStart, notes } = await read(file(header, 5));
    expect(dataStart).toBe(8 + header.length);
    expect([...tensors.values()]).toEqual([
      { name: "a", dtype: "U8", shape: [3], begin: dataStart, end: dataStart + 3 },
      { name: "b", dtype: "U8", shape: [2], begin: dataStart + 3, end: dataStart + 5 },
    ]);
    expect([...metadata]).toEqual([["format", "pt"]]);
    expect(notes).toEqual([]);
  });

  it("keeps header order for tensors without bytes at one offset", async () => {
    const empty = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
    const { tensors } = await read(file(`{"w":${u8(0, 1)},"z":${empty},"a":${empty}}`, 1));
    expect([...tensors.keys()]).toEqual(["z", "a", "w"]);
  });

  it("notes unknown fields once, however many", async () => {
    const entry = (more: string) => `{"dtype":"U8","shape":[0],"data_offsets":[0,0]${more}}`;
    const header = `{"a":${entry(',"x":{"x":[[],{"a":1}]}')},"b":${entry("")},"c":${entry(',"x":1,"y":2,"z":3')}}`;
    const { notes } = await read(file(header));
    expect(notes).toEqual(["fields unknown to safetensors in 2 header entries, ignored"]);
  });

  it("names the byte range and the tensor in a refusal", async () => {
    const header = `{"a":${u8(0, 2)},"b":${u8(1, 3)}}`;
    const start = 8 + header.length;
    const overlap = await refusal(read(file(header, 3)), "ST_OVERLAP");
    expect(overlap).toMatchObject({
      tensor: "b",
      file: "f",
      message: `bytes ${start + 1} to ${start + 2} belong to two tensors`,
    });
    const metadata = await refusal(read(file('{"__metadata__":{"a":1}}')), "ST_METADATA_INVALID");
    expect(metadata.tensor).toBeUndefined();
    const field = await refusal(read(file('{"w":{"dtype":1}}')), "ST_ENTRY_INVALID");
    expect(field).toMatchObject({ tensor: "w", message: "dtype is a number" });
  });

  it("reads a long header in bounded pieces and none of the weights", async () => {
    const header = `{"a":${u8(0, 1000)}}${" ".repeat(3 * HEADER_PIECE_BYTES)}`;
    const { source, ranges } = recording(file(header, 200_000).subarray(0, 8 + header.length + 1000));
    const { dataStart } = await readSafetensorsHeader(source);
    const pieces = ranges.slice(0, -1);
    expect(pieces[0]).toEqual([0, FIRST_READ_BYTES]);
    expect(pieces.at(-1)![1]).toBe(dataStart);
    expect(Math.max(...pieces.map(([start, end]) => end - start))).toBe(HEADER_PIECE_BYTES);
    expect(ranges.at(-1)).toEqual([dataStart, dataStart + 1000]);
  });

  it("reads a header that ends with the first piece in that piece alone", async () => {
    for (const header of ["{}", "{}".padEnd(FIRST_READ_BYTES - 8)]) {
      const { source, ranges } = recording(file(header));
      const { dataStart } = await readSafetensorsHeader(source);
      expect(ranges).toEqual([
        [0, dataStart],
        [dataStart, dataStart],
      ]);
    }
  });

  it("looks for a zip directory in no more than the last 64 KiB", async () => {
    const { source, ranges } = recording(file(`{"a":${u8(0, 1_000_000)}}`, 1_000_000));
    await readSafetensorsHeader(source);
    const [start, end] = ranges.at(-1)!;
    expect([end, end - start]).toEqual([source.size, 65_535 + 22]);
  });

  it("refuses three million nested arrays without recursion", async () => {
    await refusal(read(file(`{"a":{"x":${"[".repeat(3_000_000)}`)), "ST_DEPTH_LIMIT");
  });

  it("refuses a long name as soon as it is too long", async () => {
    const { source, ranges } = recording(file(`{"${"n".repeat(20_000_000)}":1}`));
    await refusal(readSafetensorsHeader(source), "ST_TOKEN_LIMIT");
    expect(ranges.length).toBeLessThanOrEqual(2);
  });

  it("takes a metadata value of the limit and none longer", async () => {
    const value = "v".repeat(MAX_STRING_BYTES);
    const { metadata } = await read(file(`{"__metadata__":{"k":"${value}"}}`));
    expect(metadata.get("k")).toHaveLength(MAX_STRING_BYTES);
    await refusal(read(file(`{"__metadata__":{"k":"${value}v"}}`)), "ST_TOKEN_LIMIT");
  });

  it("bounds the number of metadata entries", async () => {
    const pairs = (n: number) => Array.from({ length: n }, (_, i) => `"${i}":""`).join(",");
    const { metadata } = await read(file(`{"__metadata__":{${pairs(MAX_METADATA_ENTRIES)}}}`));
    expect(metadata.size).toBe(MAX_METADATA_ENTRIES);
    await refusal(read(file(`{"__metadata__":{${pairs(MAX_METADATA_ENTRIES + 1)}}}`)), "ST_METADATA_INVALID");
  });

  it("takes a million tensors and not one more than the limit", async () => {
    const parts = Array.from(
      { length: MAX_TENSORS + 1 },
      (_, i) => `"${i}":{"dtype":"U8","shape":[],"data_offsets":[0,0]}`,
    );
    const error = await refusal(read(file(`{${parts.join(",")}}`)), "ST_TENSOR_LIMIT");
    expect(error).toMatchObject({ tensor: String(MAX_TENSORS), message: "more than 1048576 tensors" });
  });

  it("cannot be made to touch a prototype", async () => {
    const entry =
      '{"dtype":"U8","shape":[0],"data_offsets":[0,0],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const { tensors } = await read(file(`{"__proto__":${entry},"__metadata__":{"__proto__":"x"}}`));
    expect([...tensors.keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
