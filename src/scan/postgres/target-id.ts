import { blake3 } from "../../kernels/blake3.ts";

/** UTF-16, big endian: any string, lone surrogates included, in an order of bytes that is its order of code units. */
export function encodeId(id: string): Buffer {
  return Buffer.from(id, "utf16le").swap16();
}

export function decodeId(bytes: Buffer): string {
  return Buffer.from(bytes).swap16().toString("utf16le");
}

/** 32 bytes that stand for an id of any length. */
export function idKey(id: string): Buffer {
  return Buffer.from(blake3(encodeId(id)));
}

/** A UUID of version 8 that a target of a scan always has: adding its job again is no new job. */
export function jobId(scan: string, id: string): string {
  const bytes = idKey(`${scan} ${id}`).subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
