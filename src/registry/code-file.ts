import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { blake3 } from "../kernels/blake3.ts";
import { ITEM_BYTES } from "./packed-codes.ts";
import { readStored } from "./stored-file.ts";

const DIGEST_BYTES = 32;
const CHECKSUM_BYTES = 16;
/** Codes of 100,000 bases; a larger file is not read. */
const MAX_FILE_BYTES = 2 ** 30;
const HEAD_BYTES = DIGEST_BYTES + 4;

export function codeFilePath(directory: string): string {
  return join(directory, "codes.bin");
}

/**
 * One base's packed codes as a record: u32 count, digest, the items, and a 16-byte BLAKE3 of all that; little-endian.
 * The file is a plain sequence of records and only a cache: what is missing or damaged in it is computed again from the
 * fingerprints.
 */
export function encodeCodes(digest: string, items: Uint8Array): Uint8Array {
  const end = HEAD_BYTES + items.length;
  const bytes = new Uint8Array(end + CHECKSUM_BYTES);
  new DataView(bytes.buffer).setUint32(0, items.length / ITEM_BYTES, true);
  bytes.set(Buffer.from(digest, "hex"), 4);
  bytes.set(items, HEAD_BYTES);
  bytes.set(blake3(bytes.subarray(0, end)).subarray(0, CHECKSUM_BYTES), end);
  return bytes;
}

/** Packed codes of all intact records by digest, up to the first damaged one. */
export function decodeCodes(bytes: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start + HEAD_BYTES + CHECKSUM_BYTES <= bytes.length; ) {
    const end = start + HEAD_BYTES + view.getUint32(start, true) * ITEM_BYTES;
    if (end + CHECKSUM_BYTES > bytes.length) break;
    const checksum = Buffer.from(blake3(bytes.subarray(start, end)).subarray(0, CHECKSUM_BYTES));
    if (!checksum.equals(bytes.subarray(end, end + CHECKSUM_BYTES))) break;
    const digest = Buffer.from(bytes.subarray(start + 4, start + HEAD_BYTES)).toString("hex");
    found.set(digest, bytes.subarray(start + HEAD_BYTES, end));
    start = end + CHECKSUM_BYTES;
  }
  return found;
}

export async function readCodeFile(directory: string): Promise<Map<string, Uint8Array>> {
  const bytes = await readStored(codeFilePath(directory), MAX_FILE_BYTES).catch(() => null);
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
