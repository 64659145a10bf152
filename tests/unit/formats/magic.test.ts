import { describe, expect, it } from "vitest";
import { kindByMagic } from "../../../src/formats/foreign/magic.ts";

describe("a signature", () => {
  it.each([
    ["lfs", "version https://git-lfs"],
    ["lfs", "version https://hawser."],
    ["xet", "# xet version "],
    ["emptyZip", "PK\x05\x06"],
    ["gguf", "GGUF"],
    ["gguf", "FUGG"],
    ["ggml", "tjgg"],
    ["ggml", "fmgg"],
    ["ggml", "algg"],
    ["numpy", "\x93NUMPY"],
    ["torchMobile", "\0\0\0\0PTMF"],
    ["rknn", "\0\0\0\0RKNN"],
    ["rknn", "CYPTRKNN"],
    ["liteRtLm", "LITERTLM"],
    ["tensorRt", "ptrt"],
    ["ncnn", "\xdd\x85\x76\0"],
    ["ncnn", "7767517\r\n"],
    ["matlab", "MATLAB 5.0 MAT-file"],
    ["matlab", "MATLAB 7.3 MAT-file"],
    ["arrow", "ARROW1\0\0"],
    ["avro", "Obj\x01"],
    ["age", "-----BEGIN AGE ENCRYPTED FILE-----"],
    ["gpg", "-----BEGIN PGP MESSAGE-----"],
    ["gpg", "\x8c\x0d\x04\x07\x03"],
    ["gpg", "\x84\x5e\x03"],
    ["ansible", "$ANSIBLE_VAULT;"],
    ["pdf", "%PDF-"],
    ["media", "\xff\xd8\xff"],
    ["media", "GIF8"],
    ["media", "RIFF"],
    ["media", "\0\0\0\x20ftyp"],
    ["media", "OggS"],
    ["media", "fLaC"],
    ["program", "\xcf\xfa\xed\xfe"],
    ["bzip2", "BZh91AY"],
    ["bzip2", "BZh11AY"],
  ])("tells %s: %j", (kind, head) => {
    expect(kindByMagic(head)).toBe(kind);
    expect(kindByMagic(`${head} and more`)).toBe(kind);
    expect(kindByMagic(head.slice(0, -1))).not.toBe(kind);
    expect(kindByMagic(` ${head}`)).toBeNull();
  });

  it.each(["", "BZh91AX", "BZh91", "BZx91AY", "xBZh91AY", "BZh1AY", "TFL3", "ftyp", "GGU", "MATLAB 6.0 MAT-file"])(
    "is not %j",
    (head) => {
      expect(kindByMagic(head)).toBeNull();
    },
  );
});

describe("an HDF5 file", () => {
  const HDF5 = "\x89HDF\r\n\x1a\n";

  it.each([0, 512, 1024, 2048, 4096, 8192])("may begin at byte %i", (at) => {
    expect(kindByMagic("\0".repeat(at) + HDF5)).toBe("hdf5");
    expect(kindByMagic("\0".repeat(at) + HDF5.slice(0, -1))).toBeNull();
  });

  it.each([1, 256, 511, 513, 1536, 16_384])("does not begin at byte %i", (at) => {
    expect(kindByMagic("\0".repeat(at) + HDF5)).toBeNull();
  });
});

describe("a program for Windows", () => {
  /** Says at byte 60 that its own header begins at `at`, where `header` stands. */
  function program(at: number, { begins = "MZ", header = "PE\0\0", length = at + 4 } = {}): string {
    const bytes = Buffer.alloc(Math.max(64, at + 4, length));
    bytes.write(begins, 0, "latin1");
    bytes.writeUInt32LE(at, 60);
    bytes.write(header, at, "latin1");
    return bytes.toString("latin1", 0, Math.max(64, length));
  }

  it.each([4, 56, 64, 0x80, 0xf8, 0x1_80, 0x1_00_80])("has its header at byte %i", (at) => {
    expect(kindByMagic(program(at))).toBe("program");
    expect(kindByMagic(program(at, { length: at + 100 }))).toBe("program");
    expect(kindByMagic(program(at, { header: "PE\0\x01" }))).toBeNull();
    expect(kindByMagic(program(at, { begins: "MX" }))).toBeNull();
    expect(kindByMagic(program(at, { begins: "ZM" }))).toBeNull();
  });

  it("is not told where its header is not to be seen", () => {
    expect(kindByMagic(program(0x80, { length: 0x83 }))).toBeNull();
    expect(kindByMagic(program(0x80, { length: 0x80 }))).toBeNull();
    expect(kindByMagic(program(0x80).slice(0, 64))).toBeNull();
    expect(kindByMagic(program(4).slice(0, 64))).toBe("program");
    expect(kindByMagic(program(4).slice(0, 63))).toBeNull();
    expect(kindByMagic("MZ")).toBeNull();
  });
});
