import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_DIRECTORY_BYTES, MAX_MEMBERS } from "./limits.ts";

/** Where the list of members lies in an archive. */
export interface DirectoryPlace {
  readonly start: number;
  readonly end: number;
  readonly members: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const END_64 = 0x06064b50;
const END_64_BYTES = 56;
const NONE_16 = 0xffff;
const NONE_32 = 0xffffffff;

/**
 * Finds the list of members. Its end record must be the last of the file, without a comment behind it: whoever looks for it
 * from behind finds no other one then, and all readers see the same archive.
 *
 * @throws ZIP_MALFORMED, ZIP_LIMIT
 * @see APPNOTE.TXT 4.3.14 to 4.3.16
 */
export async function findDirectory(source: ByteSource): Promise<DirectoryPlace> {
  const { location: file, size } = source;
  const refuse = (message: string) => new WeightmarkError("ZIP_MALFORMED", message, { file });
  if (size < END_BYTES) throw refuse(`${size} bytes are too few for an archive`);
  const tailStart = Math.max(0, size - END_BYTES - LOCATOR_BYTES - END_64_BYTES);
  const tail = Buffer.from(await source.read(tailStart, size));
  const at = tail.length - END_BYTES;
  if (tail.readUInt32LE(at) !== END || tail.readUInt16LE(at + 20) !== 0) {
    throw refuse("the file does not end with an archive's end record: it is cut off, or something stands behind it");
  }
  if (tail.readUInt16LE(at + 4) !== 0 || tail.readUInt16LE(at + 6) !== 0)
    throw refuse("the archive is one of several volumes");
  const small = {
    members: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    start: tail.readUInt32LE(at + 16),
  };
  const isLarge = at >= LOCATOR_BYTES && tail.readUInt32LE(at - LOCATOR_BYTES) === LOCATOR;
  const whole = isLarge ? largeRecord(tail, at, tailStart, refuse) : { ...small, end: tailStart + at };
  const { members, bytes, start, end } = whole;
  if (isLarge && !agrees(small, whole)) throw refuse("the two end records of the archive contradict one another");
  if (members > MAX_MEMBERS) throw limit(file, `${members} members, more than ${MAX_MEMBERS}`);
  if (bytes > MAX_DIRECTORY_BYTES) {
    throw limit(file, `a list of members of ${bytes} bytes, more than ${MAX_DIRECTORY_BYTES}`);
  }
  if (start + bytes !== end) throw refuse("the list of members does not end where the end record begins");
  return { start, end, members };
}

/** The record of archives beyond 4 GiB or 65,535 members; it stands right before its locator. */
function largeRecord(tail: Buffer, at: number, tailStart: number, refuse: (message: string) => Error) {
  const record = at - LOCATOR_BYTES - END_64_BYTES;
  const place = tail.readBigUInt64LE(at - LOCATOR_BYTES + 8);
  if (record < 0 || tail.readUInt32LE(record) !== END_64 || place !== BigInt(tailStart + record)) {
    throw refuse("the large end record does not stand before its locator");
  }
  if (tail.readBigUInt64LE(record + 4) !== BigInt(END_64_BYTES - 12))
    throw refuse("the large end record has fields of its own");
  const [members, bytes, start] = [32, 40, 48].map((field) => Number(tail.readBigUInt64LE(record + field))) as [
    number,
    number,
    number,
  ];
  return { members, bytes, start, end: tailStart + record };
}

/** Each field of the small record is that of the large one, or says that it is there. */
function agrees(small: Omit<DirectoryPlace, "end"> & { bytes: number }, large: typeof small): boolean {
  return (
    (small.members === NONE_16 || small.members === large.members) &&
    (small.bytes === NONE_32 || small.bytes === large.bytes) &&
    (small.start === NONE_32 || small.start === large.start)
  );
}

function limit(file: string, message: string): WeightmarkError {
  return new WeightmarkError("ZIP_LIMIT", message, { file });
}
