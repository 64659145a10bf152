import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { refusal } from "../../support/refusal.ts";

interface Peer {
  readonly metadata: Map<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  getTensor(name: string): Uint8Array;
}

/**
 * The npm package `safetensors` 0.0.1, held against our reader: what both read, and why it cannot serve. When a release
 * makes one of the lower tests fail, the choice can be looked at again.
 */
const { SafeTensor }: { SafeTensor: new (file: Uint8Array) => Peer } = createRequire(import.meta.url)("safetensors");

const read = (file: Uint8Array) => readSafetensorsHeader(memorySource(file));

/** Bytes that begin at the start of their own memory, which is all the package can read. */
function unpooled(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function file(header: string, data: Uint8Array): Uint8Array {
  const text = Buffer.from(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const PLAIN = serializeSafetensors([
  { name: "a", dtype: "F32", shape: [1], data: Uint8Array.of(1, 2, 3, 4) },
  { name: "b", dtype: "BF16", shape: [1, 2], data: Uint8Array.of(5, 6, 7, 8) },
]);

describe("npm's safetensors", () => {
  it("agrees with us on a plain file without metadata", async () => {
    const peer = new SafeTensor(unpooled(PLAIN));
    const { tensors } = await read(PLAIN);
    expect([...peer.metadata.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const { name, dtype, shape, begin, end } of tensors.values()) {
      expect(peer.metadata.get(name)).toEqual({ dtype, shape, data_offsets: [begin, end] });
      expect(peer.getTensor(name)).toEqual(PLAIN.subarray(begin, end));
    }
  });

  it("throws on any file with __metadata__, which is what transformers writes", async () => {
    const withMetadata = serializeSafetensors([], new Map([["format", "pt"]]));
    expect(() => new SafeTensor(withMetadata)).toThrow(TypeError);
    expect((await read(withMetadata)).metadata.get("format")).toBe("pt");
  });

  it("reads a Buffer out of Node's pool from the wrong offset", async () => {
    const pool = new Uint8Array(PLAIN.length + 16);
    pool.set(PLAIN, 16);
    const pooled = pool.subarray(16);
    expect(() => new SafeTensor(pooled)).toThrow();
    expect((await read(pooled)).tensors.size).toBe(2);
  });

  it("returns fewer bytes than a truncated tensor has", async () => {
    const truncated = unpooled(PLAIN.subarray(0, -3));
    expect(new SafeTensor(truncated).getTensor("b")).toHaveLength(1);
    await refusal(read(truncated), "ST_DATA_TRUNCATED");
  });

  it.each([
    [
      "overlapping ranges",
      '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
      "b",
      [2, 3],
      "ST_OVERLAP",
    ],
    [
      "a shape that the range does not fit",
      '{"w":{"dtype":"F64","shape":[99],"data_offsets":[0,3]}}',
      "w",
      [1, 2, 3],
      "ST_SIZE_MISMATCH",
    ],
    [
      "a type that does not exist",
      '{"w":{"dtype":"F128","shape":[1],"data_offsets":[0,3]}}',
      "w",
      [1, 2, 3],
      "ST_UNKNOWN_DTYPE",
    ],
    [
      "bytes that no tensor owns",
      '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      "w",
      [1],
      "ST_TRAILING_DATA",
    ],
    [
      "the last of two tensors of one name",
      '{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"w":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
      "w",
      [3],
      "ST_DUPLICATE_KEY",
    ],
  ] as const)("accepts %s", async (_what, header, name, bytes, code) => {
    const bad = file(header, Uint8Array.of(1, 2, 3));
    expect([...new SafeTensor(bad).getTensor(name)]).toEqual(bytes);
    await refusal(read(bad), code);
  });

  it("gives the header's own bytes for a negative range", async () => {
    const header = '{"w":{"dtype":"U8","shape":[2],"data_offsets":[-2,0]}}';
    const bad = file(header, new Uint8Array(0));
    expect(Buffer.from(new SafeTensor(bad).getTensor("w")).toString()).toBe("}}");
    await refusal(read(bad), "ST_INTEGER_INVALID");
  });

  it("has no way to tell numbers, shards or ranges apart: whole files in memory, raw bytes out", () => {
    const members = Object.getOwnPropertyNames(SafeTensor.prototype).sort();
    expect(members).toEqual(["constructor", "getTensor"]);
    expect(new SafeTensor(unpooled(PLAIN)).getTensor("b")).toBeInstanceOf(Uint8Array);
  });
});
