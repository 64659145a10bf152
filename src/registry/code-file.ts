import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { writeError } from "../bytes/atomic-file.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { writeFully } from "../bytes/write-fully.ts";
import { WeightmarkError } from "../errors.ts";
import { blake3 } from "../kernels/blake3.ts";
import { blake3Each } from "../kernels/blake3-each.ts";
import { ITEM_BYTES } from "./packed-codes.ts";

const DIGEST_BYTES = 32;
const CHECKSUM_BYTES = 16;
/** Codes of ten million small models or of 400,000 large ones; what a longer file holds beyond is computed again. */
const MAX_FILE_BYTES = 2 ** 32 - 2 ** 20;
/** Records hashed at a time. */
const RUN_RECORDS = 256;
const HEAD_BYTES = DIGEST_BYTES + 4;
/**
 * What the bits of codes mean, and which ones a model has. Another one's records are as good as none. Changes only together
 * with `FINGERPRINT_VERSION`, by which stored codes in PostgreSQL are told apart.
 */
const LAYOUT = 2;
/** The count has three bytes of its word, the layout the last: the first layout wrote no number, and no such count. */
const MOST_ITEMS = 2 ** 24 - 1;

export function codeFilePath(directory: string): string {
  return join(directory, "codes.bin");
}

/**
 * One base's packed codes as a record: u24 count, u8 layout, digest, the items, and a 16-byte BLAKE3 of all that;
 * little-endian. The file is a plain sequence of records and only a cache: what is missing in it, damaged or of another
 * layout is computed again from the fingerprints.
 */
export function encodeCodes(digest: string, items: Uint8Array): Uint8Array {
  const end = HEAD_BYTES + items.length;
  const bytes = new Uint8Array(end + CHECKSUM_BYTES);
  const count = items.length / ITEM_BYTES;
  if (count > MOST_ITEMS) throw new WeightmarkError("INTERNAL", `${count} codes of one model`);
  new DataView(bytes.buffer).setUint32(0, ((LAYOUT << 24) | count) >>> 0, true);
  bytes.set(Buffer.from(digest, "hex"), 4);
  bytes.set(items, HEAD_BYTES);
  bytes.set(blake3(bytes.subarray(0, end)).subarray(0, CHECKSUM_BYTES), end);
  return bytes;
}

/**
 * Packed codes of the models with these digests, in their order: undefined where no intact record has them. What follows a
 * damaged record is lost with it. The codes are views of `bytes`.
 */
export function decodeCodes(bytes: Uint8Array, digests: readonly string[]): StoredCodes {
  const places = new Map(digests.map((digest, place) => [digest, place]));
  const starts = new Float64Array(digests.length);
  const ends = new Float64Array(digests.length);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; ; ) {
    const run = intactRun(buffer, start);
    if (run.records === 0) break;
    for (let r = 0; r < run.records; r++, start += run.size) {
      const place = places.get(buffer.toString("hex", start + 4, start + HEAD_BYTES));
      if (place === undefined) continue;
      starts[place] = start + HEAD_BYTES;
      ends[place] = start + run.size - CHECKSUM_BYTES;
    }
  }
  return {
    length: digests.length,
    at: (place) => (starts[place] === 0 ? undefined : bytes.subarray(starts[place]!, ends[place]!)),
  };
}

/** Codes of model after model, undefined where there are none. */
export interface StoredCodes {
  readonly length: number;
  at(place: number): Uint8Array | undefined;
}

/** How many records from `start` on are intact and of one size. Models of one kind follow each other: hashed side by side. */
function intactRun(bytes: Buffer, start: number): { readonly size: number; readonly records: number } {
  const size = recordSize(bytes, start);
  if (size === 0) return { size, records: 0 };
  let records = 1;
  while (records < RUN_RECORDS && recordSize(bytes, start + records * size) === size) records++;
  const message = size - CHECKSUM_BYTES;
  const digests = blake3Each(bytes.subarray(start, start + records * size), size, message);
  let intact = 0;
  for (; intact < records; intact++) {
    const digest = digests.subarray(intact * DIGEST_BYTES, intact * DIGEST_BYTES + CHECKSUM_BYTES);
    const at = start + intact * size + message;
    if (bytes.compare(digest, 0, CHECKSUM_BYTES, at, at + CHECKSUM_BYTES) !== 0) break;
  }
  return { size, records: intact };
}

/** Bytes of the record at `start`, checksum included, or 0 when no whole one of this layout is there. */
function recordSize(bytes: Buffer, start: number): number {
  if (start + HEAD_BYTES + CHECKSUM_BYTES > bytes.length || bytes[start + 3] !== LAYOUT) return 0;
  const size = HEAD_BYTES + bytes.readUIntLE(start, 3) * ITEM_BYTES + CHECKSUM_BYTES;
  return start + size <= bytes.length ? size : 0;
}

/** `decodeCodes` of a registry's file, of its first `length` bytes if need be; a file that cannot be read has none. */
export async function readCodeFile(
  directory: string,
  digests: readonly string[],
  length = Number.POSITIVE_INFINITY,
): Promise<StoredCodes> {
  const bytes = await readStart(codeFilePath(directory), length).catch(() => new Uint8Array(0));
  return decodeCodes(bytes, digests);
}

async function readStart(path: string, length: number): Promise<Uint8Array> {
  const source = await openFileSource(path);
  try {
    return await source.read(0, Math.min(source.size, length, MAX_FILE_BYTES));
  } finally {
    await source.close();
  }
}

/**
 * Puts a record at byte `at`, cutting off what follows: the leavings of changes that never happened.
 * Returns the new length, or null when the file has to be made anew: it is shorter than `at`, or it begins with another
 * layout, behind which the record would never be found.
 *
 * @throws WRITE_FAILED
 */
export async function putRecord(directory: string, at: number, record: Uint8Array): Promise<number | null> {
  const path = codeFilePath(directory);
  const failed = (error: unknown) => {
    throw writeError(error, path);
  };
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666).catch(failed);
  try {
    if ((await handle.stat()).size < at || (at > 0 && !(await beginsWithLayout(handle)))) return null;
    await handle.truncate(at);
    await writeFully(handle, record, at);
    return at + record.length;
  } catch (error) {
    return failed(error);
  } finally {
    await handle.close();
  }
}

/** Cuts the file back to its first `length` bytes, and removes it when there is nothing to keep. */
export async function cutCodeFile(directory: string, length: number): Promise<void> {
  const path = codeFilePath(directory);
  if (length === 0) return unlink(path);
  const handle = await open(path, "r+");
  try {
    if ((await handle.stat()).size > length) await handle.truncate(length);
  } finally {
    await handle.close();
  }
}

async function beginsWithLayout(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  return bytesRead === 4 && buffer[3] === LAYOUT;
}
