import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { MAX_TAR_MEMBERS } from "../../../src/formats/archive/limits.ts";
import { readTar } from "../../../src/formats/tar/read-tar.ts";
import { refusal } from "../../support/refusal.ts";
import { paxRecord, type TarFile, tarHeader, tarOf } from "../../support/tar-file.mjs";

const read = (bytes: Uint8Array) => readTar(memorySource(bytes, "a.tar"));
const refused = async (bytes: Uint8Array, code: Parameters<typeof refusal>[1]) =>
  (await refusal(read(bytes), code)).message;
const data = Buffer.from("abcd");
const pax = (...records: Buffer[]) => ({ type: "x", data: Buffer.concat(records) });
const long = `${"d/".repeat(90)}model.safetensors`;

/** A size in the binary form of GNU. */
const binary = (size: bigint, first = 0x80): Buffer => {
  const field = Buffer.alloc(12);
  field[0] = first;
  field.writeBigUInt64BE(size, 4);
  return field;
};

describe("readTar", () => {
  it.each<[string, TarFile, string]>([
    ["a plain name", { name: "a", data }, "a"],
    ["a name behind ./", { name: "././a", data }, "a"],
    ["the NUL that old programs give a file", { name: "a", data, type: "\0" }, "a"],
    ["a prefix", { name: "b", prefix: "a", data }, "a/b"],
    ["the form of GNU, whose prefix means something else", { name: "b", prefix: "a", magic: "ustar  \0", data }, "b"],
    ["a name of 100 bytes, without a NUL", { name: "n".repeat(100), data }, "n".repeat(100)],
    ["a long name of GNU", { name: "d", data, extra: [{ type: "L", data: Buffer.from(`${long}\0`) }] }, long],
    ["a long link of GNU before it", { name: "a", data, extra: [{ type: "K", data: Buffer.from("x\0") }] }, "a"],
    ["a path of pax", { name: "d", data, extra: [pax(paxRecord("path", long), paxRecord("mtime", "1.5"))] }, long],
    [
      "a path of pax before that of GNU",
      { name: "d", data, extra: [{ type: "L", data: Buffer.from("g\0") }, pax(paxRecord("path", "p"))] },
      "p",
    ],
    ["a size of pax", { name: "a", sizeField: "00000000000\0", data, extra: [pax(paxRecord("size", "4"))] }, "a"],
    ["a size in binary", { name: "a", sizeField: binary(4n), data }, "a"],
    ["a global record", { name: "a", data, extra: [{ type: "g", data: paxRecord("comment", "x") }] }, "a"],
    ["a name that would lead out", { name: "../../etc/passwd", data }, "../../etc/passwd"],
  ])("reads %s", async (_what, member, name) => {
    const bytes = tarOf([member, { name: "dir/", type: "5" }]);
    const members = await read(bytes);
    expect([...members.keys()]).toEqual([name]);
    const { start, end, plain } = members.get(name)!;
    expect(bytes.subarray(start, end)).toEqual(data);
    expect(plain).toBe(true);
  });

  it("reads many members, through more than one window, and one block of zeros at the end", async () => {
    const files = Array.from({ length: 200 }, (_, i) => ({ name: `f${i}`, data: Buffer.alloc(i * 7, i) }));
    const bytes = tarOf(files, { end: Buffer.alloc(512) });
    const members = await read(bytes);
    for (const { name, data: content } of files) {
      const { start, end } = members.get(name)!;
      expect(bytes.subarray(start, end)).toEqual(content);
    }
    expect((await read(tarOf([], { fill: Buffer.alloc(9216) }))).size).toBe(0);
  });

  it("tells links, devices and sparse files from files", async () => {
    const sparse = { name: "s", data, extra: [pax(paxRecord("GNU.sparse.major", "1"))] };
    const members = await read(
      tarOf([{ name: "l", type: "2" }, { name: "h", type: "1" }, { name: "p", type: "6" }, sparse]),
    );
    expect([...members.values()].map(({ name, plain }) => [name, plain])).toEqual([
      ["l", false],
      ["h", false],
      ["p", false],
      ["s", false],
    ]);
  });

  it.each<[string, Uint8Array]>([
    ["a file that is too short", Buffer.alloc(100)],
    ["no end", tarOf([{ name: "a", data }], { end: Buffer.alloc(0) })],
    ["no signature", tarOf([{ name: "a", magic: "" }])],
    ["a wrong checksum", tarOf([{ name: "a", sum: 1 }])],
    ["a size that is none", tarOf([{ name: "a", sizeField: "0000000000x\0" }])],
    ["a size beyond 2^53", tarOf([{ name: "a", sizeField: binary(2n ** 63n) }])],
    ["a negative size", tarOf([{ name: "a", sizeField: binary(2n ** 64n - 1n, 0xff) }])],
    ["a member that does not fit", Buffer.concat([tarHeader({ name: "a", size: 4096 }), Buffer.alloc(1024)])],
    ["a name twice", tarOf([{ name: "a" }, { name: "./a" }])],
    ["a name that is not UTF-8", tarOf([{ name: Buffer.from([0xff]) }])],
    ["a prefix that is not UTF-8", tarOf([{ name: "a", prefix: Buffer.from([0xff]) }])],
    ["a long name that is not UTF-8", tarOf([{ name: "a", extra: [{ type: "L", data: Buffer.from([0xff]) }] }])],
    ["a path that is not UTF-8", tarOf([{ name: "a", extra: [pax(paxRecord("path", Buffer.from([0xff])))] }])],
    ["a record without a length", tarOf([{ name: "a", extra: [pax(Buffer.from("x path=a\n"))] }])],
    ["a record that is longer than all", tarOf([{ name: "a", extra: [pax(Buffer.from("99 path=a\n"))] }])],
    ["a record that does not end its line", tarOf([{ name: "a", extra: [pax(Buffer.from("10 path=ab"))] }])],
    ["a record without a value", tarOf([{ name: "a", extra: [pax(Buffer.from("8 pathx\n"))] }])],
    ["a record whose = is another's", tarOf([{ name: "a", extra: [pax(Buffer.from("8 pathx\n9 path=a\n"))] }])],
    ["a size of pax that is none", tarOf([{ name: "a", extra: [pax(paxRecord("size", "-4"))] }])],
    ["a size of pax beyond 2^53", tarOf([{ name: "a", extra: [pax(paxRecord("size", "9999999999999999"))] }])],
    ["a global path", tarOf([{ name: "a", extra: [{ type: "g", data: paxRecord("path", "x") }] }])],
    ["a global size", tarOf([{ name: "a", extra: [{ type: "g", data: paxRecord("size", "1") }] }])],
    ["a global sparse file", tarOf([{ name: "a", extra: [{ type: "g", data: paxRecord("GNU.sparse.map", "") }] }])],
    ["extra headers in a row", tarOf([{ name: "a", extra: Array(9).fill({ type: "K", data }) }])],
    ["another archive behind the end", tarOf([{ name: "a" }], { fill: tarOf([{ name: "b" }]) })],
    ["far too many zeros", tarOf([], { fill: Buffer.alloc((1 << 20) + 1) })],
  ])("refuses %s", async (_what, bytes) => {
    expect(await refused(bytes, "TAR_MALFORMED")).not.toBe("");
  });

  it("refuses sparse files of the old form, whose lists would be taken for members", async () => {
    await refused(tarOf([{ name: "a", type: "S" }]), "TAR_UNSUPPORTED");
  });

  it("bounds names and members", async () => {
    const name = { type: "L", data: Buffer.alloc((1 << 20) + 1, 0x61) };
    expect(await refused(tarOf([{ name: "a", extra: [name] }]), "ARCHIVE_LIMIT")).toMatch(/only name a member/);
    const names = Array.from({ length: 33 }, (_, i) => ({
      name: "a",
      extra: [
        { type: "L", data: Buffer.concat([Buffer.from(String(i).padStart(2)), Buffer.alloc((1 << 20) - 2, 0x61)]) },
      ],
    }));
    expect(await refused(tarOf(names), "ARCHIVE_LIMIT")).toMatch(/characters/);
  });

  it("bounds members", async () => {
    const block = tarHeader({ name: "d/", type: "5" });
    const endless = {
      ...memorySource(new Uint8Array(), "a.tar"),
      size: (MAX_TAR_MEMBERS + 10) * 512,
      read: async (start: number, end: number) => {
        const bytes = Buffer.alloc(end - start);
        for (let at = 0; at < bytes.length; at += 512) block.copy(bytes, at);
        return bytes;
      },
    };
    expect((await refusal(readTar(endless), "ARCHIVE_LIMIT")).message).toMatch(/members/);
  });
});
