import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Role } from "../anatomy/anatomy.ts";
import { blake3 } from "../kernels/blake3.ts";
import type { SearchCode } from "./code-index.ts";

/** Numbers of the roles in the file: append only. */
const ROLES: readonly Role[] = [
  "q",
  "k",
  "v",
  "o",
  "qkv",
  "gate",
  "up",
  "down",
  "cross_q",
  "cross_k",
  "cross_v",
  "cross_o",
  "router",
  "embed",
  "head",
  "position",
  "token_type",
  "patch",
  "norm",
  "bias",
  "other",
  "unknown",
];

const CODE_BYTES = 32;
const DIGEST_BYTES = 32;
const CHECKSUM_BYTES = 16;
const HEAD_BYTES = DIGEST_BYTES + 4;
const ITEM_BYTES = 8 + CODE_BYTES;

export function codeFilePath(directory: string): string {
  return join(directory, "codes.bin");
}

/**
 * One base's codes as a record: u32 count, digest, then role (u32), width (u32) and code each, then a 16-byte BLAKE3 of
 * all that; little-endian. The file is a plain sequence of records and only a cache: what is missing or damaged in it
 * is computed again from the fingerprints.
 */
export function encodeCodes(digest: string, codes: readonly SearchCode[]): Uint8Array {
  const usable = codes.filter(({ role, code }) => ROLES.includes(role) && code.length === CODE_BYTES);
  const bytes = new Uint8Array(HEAD_BYTES + usable.length * ITEM_BYTES + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, usable.length, true);
  bytes.set(Buffer.from(digest, "hex"), 4);
  usable.forEach(({ role, cols, code }, i) => {
    const at = HEAD_BYTES + i * ITEM_BYTES;
    view.setUint32(at, ROLES.indexOf(role), true);
    view.setUint32(at + 4, cols, true);
    bytes.set(code, at + 8);
  });
  const end = bytes.length - CHECKSUM_BYTES;
  bytes.set(blake3(bytes.subarray(0, end)).subarray(0, CHECKSUM_BYTES), end);
  return bytes;
}

/** All intact records by digest, up to the first damaged one. */
export function decodeCodes(bytes: Uint8Array): Map<string, readonly SearchCode[]> {
  const found = new Map<string, readonly SearchCode[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start + HEAD_BYTES + CHECKSUM_BYTES <= bytes.length; ) {
    const count = view.getUint32(start, true);
    const end = start + HEAD_BYTES + count * ITEM_BYTES;
    if (end + CHECKSUM_BYTES > bytes.length) break;
    const checksum = Buffer.from(blake3(bytes.subarray(start, end)).subarray(0, CHECKSUM_BYTES));
    if (!checksum.equals(bytes.subarray(end, end + CHECKSUM_BYTES))) break;
    const codes: SearchCode[] = [];
    for (let at = start + HEAD_BYTES; at < end; at += ITEM_BYTES) {
      const role = ROLES[view.getUint32(at, true)];
      if (role === undefined) continue;
      codes.push({ role, cols: view.getUint32(at + 4, true), code: bytes.subarray(at + 8, at + 8 + CODE_BYTES) });
    }
    found.set(Buffer.from(bytes.subarray(start + 4, start + HEAD_BYTES)).toString("hex"), codes);
    start = end + CHECKSUM_BYTES;
  }
  return found;
}

export async function readCodeFile(directory: string): Promise<Map<string, readonly SearchCode[]>> {
  const bytes = await readFile(codeFilePath(directory)).catch(() => null);
  return bytes === null ? new Map() : decodeCodes(bytes);
}

/**
 * Puts a record at byte `at`, cutting off what follows: the leavings of changes that never happened.
 * Returns the new length, or null when the file is shorter than `at` and has to be made anew.
 */
export async function putRecord(directory: string, at: number, record: Uint8Array): Promise<number | null> {
  const handle = await open(codeFilePath(directory), constants.O_RDWR | constants.O_CREAT, 0o666);
  try {
    if ((await handle.stat()).size < at) return null;
    await handle.truncate(at);
    for (let done = 0; done < record.length; ) {
      done += (await handle.write(record, done, record.length - done, at + done)).bytesWritten;
    }
    return at + record.length;
  } finally {
    await handle.close();
  }
}
