import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readZip } from "../../../src/formats/zip/archive.ts";
import { MAX_DIRECTORY_BYTES, MAX_MEMBERS } from "../../../src/formats/zip/limits.ts";
import { announcedOnly } from "../../support/decoders.ts";
import { refusal } from "../../support/refusal.ts";
import { type Member, type ZipOptions, zipOf } from "../../support/torch-file.mjs";

const read = (bytes: Uint8Array) => readZip(memorySource(bytes, "a.zip"));
const refused = async (bytes: Uint8Array, code: Parameters<typeof refusal>[1]) =>
  (await refusal(read(bytes), code)).message;
const data = Buffer.from("abcd");
const END_BYTES = 22;

/** An archive whose end records are written over, counted from the last byte. */
function withField(bytes: Buffer, fromEnd: number, value: bigint, width: 2 | 4 | 8): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.length - fromEnd;
  if (width === 2) changed.writeUInt16LE(Number(value), at);
  else if (width === 4) changed.writeUInt32LE(Number(value), at);
  else changed.writeBigUInt64LE(value, at);
  return changed;
}

describe("readZip", () => {
  it.each<[string, readonly Member[], ZipOptions]>([
    [
      "plain members",
      [
        { name: "a", data },
        { name: "b/é", data },
      ],
      {},
    ],
    ["members without bytes", [{ name: "a" }, { name: "b" }], {}],
    [
      "sizes behind the bytes, of every length",
      [
        { name: "a", data, flags: 8 },
        ...[12, 16, 20, 24].map((descriptor) => ({ name: `d${descriptor}`, data, flags: 8, descriptor })),
      ],
      {},
    ],
    [
      "large records and members",
      [
        { name: "a", data, large: true },
        { name: "b", data },
      ],
      { large: true },
    ],
    [
      "extra fields of others",
      [{ name: "a", data, extra: Buffer.alloc(60), listedExtra: Buffer.from([9, 9, 1, 0, 7]) }],
      {},
    ],
    ["nothing", [], {}],
  ])("reads %s", async (_what, members, options) => {
    const bytes = zipOf(members, options);
    const archive = await read(bytes);
    expect([...archive.keys()]).toEqual(members.map(({ name }) => name));
    for (const { name, data: content = Buffer.alloc(0) } of members) {
      const { start, end, stored } = archive.get(String(name))!;
      expect(bytes.subarray(start, end)).toEqual(content);
      expect(stored).toBe(true);
    }
  });

  it("announces headers to sources far away", async () => {
    const bytes = zipOf([
      { name: "a", data: Buffer.alloc(1000) },
      { name: "b", data },
    ]);
    const source = announcedOnly(memorySource(bytes, "a.zip"));
    const { read: announced } = source;
    const directory = bytes.length - 22 - 2 * 47;
    const lenient = {
      ...source,
      read: (start: number, end: number) =>
        start < directory ? announced(start, end) : memorySource(bytes).read(start, end),
    };
    expect((await readZip(lenient)).size).toBe(2);
  });

  it("says what is packed in another way", async () => {
    const archive = await read(
      zipOf([
        { name: "deflated", data, method: 8, size: 9, localSize: 0xffffffff },
        { name: "sealed", data, flags: 1 },
        { name: "odd", data, size: 9, localSize: 0xffffffff },
      ]),
    );
    expect([...archive.values()].map(({ stored }) => stored)).toEqual([false, false, false]);
  });

  it("refuses records of its end that are wrong", async () => {
    const small = zipOf([{ name: "a", data }]);
    const large = zipOf([{ name: "a", data }], { large: true });
    expect(await refused(Buffer.alloc(4), "ZIP_MALFORMED")).toBe("4 bytes are too few for an archive");
    expect(await refused(Buffer.concat([small, data]), "ZIP_MALFORMED")).toMatch(/does not end with/);
    for (const at of [18, 16])
      expect(await refused(withField(small, at, 1n, 2), "ZIP_MALFORMED")).toMatch(/several volumes/);
    expect(await refused(withField(small, 10, 9n, 4), "ZIP_MALFORMED")).toMatch(/does not end where/);
    expect(await refused(withField(large, 6, 1n, 4), "ZIP_MALFORMED")).toMatch(/contradict one another/);
    expect(await refused(withField(large, 10, 1n, 4), "ZIP_MALFORMED")).toMatch(/contradict one another/);
    expect(await refused(withField(large, 12, 2n, 2), "ZIP_MALFORMED")).toMatch(/contradict one another/);
    expect(await refused(withField(large, END_BYTES + 12, 1n, 8), "ZIP_MALFORMED")).toMatch(/before its locator/);
    expect(await refused(withField(large, END_BYTES + 20 + 56, 1n, 4), "ZIP_MALFORMED")).toMatch(/before its locator/);
    expect(await refused(withField(large, END_BYTES + 20 + 52, 45n, 8), "ZIP_MALFORMED")).toMatch(/fields of its own/);
    // Nothing before the locator that could be its record.
    expect(await refused(large.subarray(-42), "ZIP_MALFORMED")).toMatch(/before its locator/);
    expect(await refused(withField(large, END_BYTES + 20 + 24, BigInt(MAX_MEMBERS + 1), 8), "ZIP_LIMIT")).toMatch(
      /members, more than/,
    );
    expect(
      await refused(withField(large, END_BYTES + 20 + 16, BigInt(MAX_DIRECTORY_BYTES + 1), 8), "ZIP_LIMIT"),
    ).toMatch(/a list of members of/);
  });

  it("refuses a list of members that is damaged", async () => {
    const bytes = zipOf([
      { name: "a", data },
      { name: "b", data },
    ]);
    const list = bytes.length - END_BYTES - 2 * 47;
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt16LE(value, list + at);
      return copy;
    };
    expect(await refused(changed(0, 7), "ZIP_MALFORMED")).toMatch(/is damaged/);
    expect(await refused(changed(28, 0), "ZIP_MALFORMED")).toMatch(/has 0 bytes/);
    expect(await refused(changed(30, 2000), "ZIP_MALFORMED")).toMatch(/is cut off/);
    expect(await refused(zipOf([{ name: "n".repeat(16_001), data }]), "ZIP_MALFORMED")).toMatch(/has 16001 bytes/);
    // A list that ends within an entry.
    expect(await refused(changed(32, 47 - 20), "ZIP_MALFORMED")).toMatch(/is damaged/);
  });

  it("believes a header that has no checksum, and none that has another", async () => {
    expect((await read(zipOf([{ name: "a", data, flags: 8, descriptor: 12, crc: 5 }]))).size).toBe(1);
    expect((await read(zipOf([{ name: "a", data, crc: 5, localCrc: 5 }]))).size).toBe(1);
    expect(await refused(zipOf([{ name: "a", data, crc: 5 }]), "ZIP_MALFORMED")).toMatch(/size or checksum/);
    expect(await refused(zipOf([{ name: "a", data, flags: 8, crc: 5, localCrc: 6 }]), "ZIP_MALFORMED")).toMatch(
      /checksum/,
    );
  });

  it("refuses large members without their sizes", async () => {
    const sized = (listedExtra: Buffer) => zipOf([{ name: "a", data, packed: 0xffffffff, listedExtra }]);
    expect(await refused(sized(Buffer.alloc(0)), "ZIP_MALFORMED")).toMatch(/lacks its large sizes/);
    expect(await refused(sized(Buffer.from([1, 0, 4, 0, 1, 2, 3, 4])), "ZIP_MALFORMED")).toMatch(
      /lacks its large sizes/,
    );
    expect(await refused(sized(Buffer.from([1, 0, 99, 0, 1])), "ZIP_MALFORMED")).toMatch(/lacks its large sizes/);
    expect(await refused(sized(Buffer.from([9, 0, 1, 0, 7])), "ZIP_MALFORMED")).toMatch(/lacks its large sizes/);
    const huge = Buffer.concat([Buffer.from([1, 0, 8, 0]), Buffer.alloc(8, 0xff)]);
    expect(await refused(sized(huge), "ZIP_MALFORMED")).toMatch(/larger than any file/);
  });

  it("refuses members that are not where the list says", async () => {
    expect(await refused(zipOf([{ name: "a", data, at: 9 }]), "ZIP_POLYGLOT")).toBe("bytes 0 to 9 belong to no member");
    expect(await refused(zipOf([], { before: data }), "ZIP_POLYGLOT")).toBe("bytes 0 to 4 belong to no member");
    expect(
      await refused(
        zipOf([
          { name: "a", data },
          { name: "b", data, at: 1 },
        ]),
        "ZIP_MALFORMED",
      ),
    ).toMatch(/no header where/);
    expect(await refused(zipOf([{ name: "a", data, gap: Buffer.alloc(16) }]), "ZIP_POLYGLOT")).toMatch(
      /belong to no member/,
    );
    expect(await refused(zipOf([{ name: "a", data, descriptor: 13, flags: 8 }]), "ZIP_POLYGLOT")).toMatch(
      /belong to no member/,
    );
    const noHeader = zipOf([{ name: "a", data }]);
    noHeader.writeUInt32LE(7, 0);
    expect(await refused(noHeader, "ZIP_MALFORMED")).toMatch(/^"a": no header where/);
  });
});
