import { WeightmarkError } from "../../errors.ts";
import { extraField } from "./extra-field.ts";

/** A member as the list of an archive names it. */
export interface ListedMember {
  /** Opaque and hostile: never a path. */
  readonly name: string;
  /** 0 is stored, 8 deflated. */
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  /** Bytes in the archive, and unpacked. */
  readonly packed: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly header: number;
}

const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const NONE_32 = 0xffffffff;
const LARGE = 0x0001;
/** Longest name of a member, in bytes: below the length from which V8 hashes strings by their length alone (CWE-407). */
const MAX_NAME_BYTES = 16_000;

/**
 * Reads the list of members of an archive.
 *
 * @param bytes the list and nothing else
 * @throws ZIP_MALFORMED
 * @see APPNOTE.TXT 4.3.12
 */
export function readDirectory(bytes: Uint8Array, count: number, file: string): ListedMember[] {
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (message: string) => new WeightmarkError("ZIP_MALFORMED", message, { file });
  const members: ListedMember[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < list.length) {
    if (at + ENTRY_BYTES > list.length || list.readUInt32LE(at) !== ENTRY)
      throw refuse("the list of members is damaged");
    const [name, extra, comment] = [28, 30, 32].map((field) => list.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const extraAt = at + ENTRY_BYTES + name;
    const end = extraAt + extra + comment;
    if (end > list.length) throw refuse("the list of members is cut off");
    if (name === 0 || name > MAX_NAME_BYTES) throw refuse(`a member's name has ${name} bytes`);
    if (list.readUInt16LE(at + 34) !== 0) throw refuse("a member lies in another volume");
    const text = memberName(list.subarray(at + ENTRY_BYTES, extraAt), refuse);
    if (names.has(text)) throw refuse(`${JSON.stringify(text.slice(0, 80))} stands twice in the list of members`);
    names.add(text);
    const fields = {
      size: list.readUInt32LE(at + 24),
      packed: list.readUInt32LE(at + 20),
      header: list.readUInt32LE(at + 42),
    };
    members.push({
      name: text,
      flags: list.readUInt16LE(at + 8),
      method: list.readUInt16LE(at + 10),
      crc: list.readUInt32LE(at + 16),
      ...large(fields, list.subarray(extraAt, extraAt + extra), refuse),
    });
    at = end;
  }
  if (members.length !== count) throw refuse(`${members.length} members are listed, ${count} announced`);
  return members;
}

/** Names are UTF-8 in the archives that we read, whether a flag says so or not. */
function memberName(bytes: Buffer, refuse: (message: string) => Error): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("a member's name is not UTF-8");
  }
}

/** The fields in their order, each out of the extra field where the small one says that it is there. */
function large<T extends Record<"size" | "packed" | "header", number>>(
  fields: T,
  extra: Buffer,
  refuse: (message: string) => Error,
): T {
  const missing = (["size", "packed", "header"] as const).filter((name) => fields[name] === NONE_32);
  if (missing.length === 0) return fields;
  const there = extraField(extra, LARGE);
  if (there === null || there.length < 8 * missing.length) throw refuse("a large member lacks its large sizes");
  const found = Object.fromEntries(missing.map((name, i) => [name, Number(there.readBigUInt64LE(8 * i))]));
  if (!Object.values(found).every(Number.isSafeInteger)) throw refuse("a member is larger than any file");
  return { ...fields, ...found };
}
