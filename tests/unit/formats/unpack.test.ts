import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { inflate, mostUnpacked } from "../../../src/formats/archive/inflate.ts";
import { FREE_BYTES, MAX_RATIO, MAX_UNPACKED_BYTES } from "../../../src/formats/archive/limits.ts";
import { readZip } from "../../../src/formats/zip/archive.ts";
import { unpackMember } from "../../../src/formats/zip/unpack-member.ts";
import { refusal } from "../../support/refusal.ts";
import { type Member, zipOf } from "../../support/torch-file.mjs";

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) >>> 7));
const gunzipped = (bytes: Uint8Array) =>
  all(inflate(memorySource(bytes), { start: 0, end: bytes.length }, "gzip", "a.gz"));

/** A deflated member, and what its archive says of it. */
async function unpacked(content: Buffer, lie: Partial<Member> = {}): Promise<Buffer> {
  const { crc32 } = await import("node:zlib");
  const packed = deflateRawSync(content);
  const member = {
    name: "a",
    data: packed,
    method: 8,
    size: content.length,
    localSize: content.length,
    localPacked: packed.length,
    crc: crc32(content),
  };
  const bytes = zipOf([{ ...member, localCrc: member.crc, ...lie }]);
  const source = memorySource(bytes, "a.zip");
  return all(unpackMember(source, (await readZip(source)).get("a")!, "a.zip!/a"));
}

describe("inflate", () => {
  it("unpacks gzip, several members of it as one", async () => {
    expect((await gunzipped(gzipSync(data))).equals(data)).toBe(true);
    const twice = await gunzipped(Buffer.concat([gzipSync(data), gzipSync(data)]));
    expect(twice.equals(Buffer.concat([data, data]))).toBe(true);
  });

  it.each([
    ["what is cut off", gzipSync(data).subarray(0, -9)],
    ["what is damaged", Buffer.concat([gzipSync(data).subarray(0, 1000), Buffer.alloc(1000)])],
    ["something behind the end", Buffer.concat([gzipSync(data), Buffer.from("and more")])],
    ["nothing", Buffer.alloc(0)],
  ])("refuses %s", async (_what, bytes) => {
    await refusal(gunzipped(bytes), "GZIP_MALFORMED");
  });

  it("ends before a bomb has gone off", async () => {
    const bomb = gzipSync(Buffer.alloc(FREE_BYTES + 1));
    expect((await refusal(gunzipped(bomb), "ARCHIVE_LIMIT")).message).toMatch(/unpack to more than/);
  });

  it("passes on what the source throws", async () => {
    const source = { ...memorySource(data), read: async () => Promise.reject(new RangeError("gone")) };
    await expect(all(inflate(source, { start: 0, end: 10 }, "gzip", "a"))).rejects.toThrow("gone");
  });

  it("allows what weights need, and never more than the most", () => {
    expect(mostUnpacked(1)).toBe(FREE_BYTES);
    expect(mostUnpacked(FREE_BYTES)).toBe(FREE_BYTES * MAX_RATIO);
    expect(mostUnpacked(2 ** 50)).toBe(MAX_UNPACKED_BYTES);
  });
});

describe("unpackMember", () => {
  it("gives exactly what the archive promises", async () => {
    expect((await unpacked(data)).equals(data)).toBe(true);
  });

  it.each<[string, Partial<Member>]>([
    ["more bytes than are listed", { size: 10, localSize: 10 }],
    ["fewer bytes than are listed", { size: data.length + 1, localSize: data.length + 1 }],
    ["another checksum", { crc: 1, localCrc: 1 }],
  ])("refuses %s", async (_what, lie) => {
    await refusal(unpacked(data, lie), "ZIP_MALFORMED");
  });

  it("refuses a promise that no weights keep, before it unpacks a byte", async () => {
    const lie = { size: 3_000_000_000, localSize: 3_000_000_000 };
    expect((await refusal(unpacked(Buffer.from("abc"), lie), "ARCHIVE_LIMIT")).message).toMatch(/are said to unpack/);
  });
});
