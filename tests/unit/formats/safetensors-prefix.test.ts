import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
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
    expect(detail).toMatch(/^Name the model that it was converted from/);
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
