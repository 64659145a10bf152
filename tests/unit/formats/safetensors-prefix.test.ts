import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { ERRORS, type ErrorCode } from "../../../src/errors.ts";
import { CONTAINERS } from "../../../src/formats/foreign/containers.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { announcedLength, beginsHeader } from "../../../src/formats/safetensors/prefix.ts";
import { refusal } from "../../support/refusal.ts";

const refused = (bytes: Uint8Array, code: ErrorCode, name = "model.safetensors") =>
  refusal(readSafetensorsHeader(memorySource(bytes, name)), code);

/** A length, and what stands where the header should. */
function prefixed(length: bigint, rest: string | Uint8Array): Buffer {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length);
  return Buffer.concat([prefix, Buffer.from(rest as string)]);
}

const RAW = Buffer.from(Float32Array.from({ length: 64 }, (_, i) => (i + 1) / 1024).buffer);

describe("a file that is nothing known", () => {
  it("is refused in words, with its first bytes and no number that tells nobody anything", async () => {
    const { message, detail } = await refused(RAW, "ST_HEADER_TOO_LARGE");
    expect(message).toBe(
      "no safetensors file: its first 8 bytes, 00 00 80 3a 00 00 00 3b, would announce a header of 4.3 EB",
    );
    expect(message).not.toMatch(/\d{9}/);
    expect(detail).toMatch(/^Check that this is the \.safetensors file that was meant/);
  });

  it("is refused alike when the header it would announce is not too large for the format, but for the file", async () => {
    const { message } = await refused(prefixed(1_234_567n, RAW), "ST_HEADER_TRUNCATED");
    expect(message).toBe(
      "no safetensors file: its first 8 bytes, 87 d6 12 00 00 00 00 00, would announce a header of 1.2 MB",
    );
  });

  it("is told apart from a download that was broken off within the header", async () => {
    const { message, detail } = await refused(prefixed(1_234_567n, '{"a":'), "ST_HEADER_TRUNCATED");
    expect(message).toBe("the header claims 1234567 bytes, the file has 13");
    expect(detail).toMatch(/^Complete the download/);
    expect((await refused(prefixed(1_234_567n, ""), "ST_HEADER_TRUNCATED")).detail).toBe(detail);
  });

  it("is told apart from a header that is too long", async () => {
    const { message } = await refused(prefixed(150_000_000n, '{"a":'), "ST_HEADER_TOO_LARGE");
    expect(message).toBe("the header claims 150.0 MB, more than the 100000000 bytes it may have");
  });

  it("is JSON where it is, though a brace stands where a header would begin", async () => {
    expect((await refused(Buffer.from('{"bare":{"words": 1}}'), "TEXT_FILE")).message).toBe("the file is JSON");
  });
});

describe("a file of zeros", () => {
  it("is a download that was not finished", async () => {
    const { message, detail } = await refused(Buffer.alloc(100_000), "ST_HEADER_EMPTY");
    expect(message).toBe("the file begins with 65536 zeros");
    expect(detail).toMatch(/download that was not finished/);
  });

  it("is something else where other bytes follow", async () => {
    expect((await refused(prefixed(0n, RAW), "ST_HEADER_EMPTY")).message).toBe("the header has no bytes");
  });
});

describe("the name of a file that is no safetensors", () => {
  it("tells what it is where the content cannot", async () => {
    const { message, detail } = await refused(RAW, "UNSUPPORTED_CONTAINER", "hf:acme/m@0123456/onnx/model.onnx_data");
    expect(message).toBe("no safetensors file; by its name it is the weights of an ONNX model");
    expect(detail).toMatch(/^Name the \.onnx file that it belongs to/);
  });

  it("is held against what it holds", async () => {
    const { message, detail } = await refused(RAW, "ST_HEADER_TOO_LARGE", "pytorch_model.bin");
    expect(message).toMatch(/; by its name it is a PyTorch file, but it does not begin like one$/);
    expect(detail).toMatch(/^Fetch the file again/);
  });

  it("is not asked when the content tells", async () => {
    const zip = Buffer.from(`PK\x03\x04${"\0".repeat(22)}\x10\0\0\0archive/data.pkl`, "latin1");
    const { message, detail } = await refused(zip, "UNSUPPORTED_CONTAINER", "model.onnx");
    expect(message).toBe("the file is a PyTorch file");
    expect(detail).toContain("torch.load");
  });
});

describe("the first eight bytes of a file", () => {
  const said = async (bytes: Uint8Array, code: ErrorCode) => {
    const { message, detail, file } = await refused(bytes, code);
    expect(file).toBe("model.safetensors");
    return [message, detail];
  };
  const WHOLE = "Complete the download: the file ends within its header.";

  it("have to be there", async () => {
    expect(await said(new Uint8Array(0), "EMPTY_FILE")).toEqual(["the file is empty", ERRORS.EMPTY_FILE.advice]);
    for (const size of [1, 7]) {
      // Begins as a GGUF file does, or one that is compressed: so little may be the beginning of anything.
      for (const begins of ["GGUFGGUF", "\x1f\x8b\x08\0\0\0\0\0"]) {
        expect(await said(Buffer.from(begins, "latin1").subarray(0, size), "ST_TRUNCATED_PREFIX")).toEqual([
          `the file has only ${size} bytes`,
          ERRORS.ST_TRUNCATED_PREFIX.advice,
        ]);
      }
    }
    expect((await said(Buffer.from("GGUFGGUF"), "UNSUPPORTED_CONTAINER"))[0]).toBe("the file is a GGUF model");
    expect((await said(Buffer.alloc(8), "ST_HEADER_EMPTY"))[0]).toBe("the header has no bytes");
    expect((await said(Buffer.alloc(9), "ST_HEADER_EMPTY"))[0]).toBe("the file begins with 9 zeros");
  });

  it("announce a header that ends within the file", async () => {
    expect((await readSafetensorsHeader(memorySource(prefixed(2n, "{}")))).dataStart).toBe(10);
    expect(await said(prefixed(3n, "{}"), "ST_HEADER_TRUNCATED")).toEqual([
      "the header claims 3 bytes, the file has 10",
      WHOLE,
    ]);
    expect(await said(prefixed(100_000_000n, "{}"), "ST_HEADER_TRUNCATED")).toEqual([
      "the header claims 100000000 bytes, the file has 10",
      WHOLE,
    ]);
  });

  it("announce a header of the longest that is read", async () => {
    const tooLong = (size: string) => `the header claims ${size}, more than the 100000000 bytes it may have`;
    const { advice } = ERRORS.ST_HEADER_TOO_LARGE;
    expect(await said(prefixed(100_000_001n, "{}"), "ST_HEADER_TOO_LARGE")).toEqual([tooLong("100.0 MB"), advice]);
    expect(await said(prefixed(999_949_999n, " \n{"), "ST_HEADER_TOO_LARGE")).toEqual([tooLong("999.9 MB"), advice]);
    expect(await said(prefixed(1_000_000_000n, "{"), "ST_HEADER_TOO_LARGE")).toEqual([tooLong("1.0 GB"), advice]);
    // The largest number that is still believed to be a length.
    expect(await said(prefixed(2n ** 40n, "{"), "ST_HEADER_TOO_LARGE")).toEqual([tooLong("1.1 TB"), advice]);
    const [message] = await said(prefixed(2n ** 40n + 1n, "{"), "ST_HEADER_TOO_LARGE");
    expect(message).toBe(
      "no safetensors file: its first 8 bytes, 01 00 00 00 00 01 00 00, would announce a header of 1.1 TB",
    );
  });

  it.each([
    [9n, "9.0 bytes"],
    [999n, "999.0 bytes"],
    [1000n, "1.0 kB"],
    [12_345n, "12.3 kB"],
    [10n ** 14n, "100.0 TB"],
    [10n ** 15n, "1.0 PB"],
    [2n ** 64n - 1n, "18.4 EB"],
  ])("are told as a size: %s as %s", async (length, size) => {
    const code = length > 100_000_000n ? "ST_HEADER_TOO_LARGE" : "ST_HEADER_TRUNCATED";
    const [message, detail] = await said(prefixed(length, "\x01"), code);
    expect(message).toMatch(new RegExp(`, would announce a header of ${size}$`));
    expect(detail).toMatch(/^Check that this is/);
  });

  it("begin a header where a brace follows, at once or behind spaces, or nothing at all", () => {
    expect(beginsHeader(prefixed(5n, "{"))).toBe(true);
    expect(beginsHeader(prefixed(5n, `${" ".repeat(63)}{`))).toBe(true);
    expect(beginsHeader(prefixed(5n, `${" ".repeat(64)}{`))).toBe(false);
    expect(beginsHeader(prefixed(5n, "x{"))).toBe(false);
    expect(beginsHeader(prefixed(5n, " "))).toBe(false);
    expect(beginsHeader(prefixed(2n ** 40n, "{"))).toBe(true);
    expect(beginsHeader(prefixed(2n ** 40n + 1n, "{"))).toBe(false);
    expect(beginsHeader(prefixed(100_000_000n, ""))).toBe(true);
    expect(beginsHeader(prefixed(100_000_001n, ""))).toBe(false);
    expect(beginsHeader(prefixed(5n, "{").subarray(0, 7))).toBe(false);
    expect(beginsHeader(new Uint8Array(0))).toBe(false);
    expect(announcedLength(Buffer.concat([Buffer.of(9, 9, 9), prefixed(2n ** 63n, "")]).subarray(3))).toBe(2n ** 63n);
  });
});

describe("a file that is something else", () => {
  it("is refused by name with the file and what to do", async () => {
    const file = "m/model.onnx_data";
    expect(await refused(RAW, "UNSUPPORTED_CONTAINER", file)).toMatchObject({ file });
    const belied = await refused(RAW, "ST_HEADER_TOO_LARGE", "m/pytorch_model.bin");
    expect(belied).toMatchObject({
      file: "m/pytorch_model.bin",
      message:
        "no safetensors file: its first 8 bytes, 00 00 80 3a 00 00 00 3b, would announce a header of 4.3 EB; " +
        "by its name it is a PyTorch file, but it does not begin like one",
      detail: "Fetch the file again: it is damaged, encrypted, or something else under this name.",
    });
    expect(await refused(Buffer.from("GGUF\x03\0\0\0"), "UNSUPPORTED_CONTAINER", file)).toMatchObject({
      file,
      detail: CONTAINERS.gguf.advice,
    });
  });

  it("is known by its size where only that tells", async () => {
    const savedModel = Buffer.of(8, 1, 0x12, 4, 0x0a, 2, 0x0a, 0);
    expect((await refused(savedModel, "UNSUPPORTED_CONTAINER")).message).toBe("the file is a TensorFlow SavedModel");
    await refused(Buffer.concat([savedModel, Buffer.of(0)]), "ST_HEADER_TOO_LARGE");
  });
});
