import { WeightmarkError } from "../../errors.ts";
import type { ListedMember } from "./directory.ts";

/** What the header before a member's bytes says. */
export interface LocalHeader {
  /** Where its bytes begin, from the start of the file. */
  readonly start: number;
  /** Whether sizes may follow the bytes. */
  readonly descriptor: boolean;
}

export const LOCAL_BYTES = 30;
const LOCAL = 0x04034b50;
const ENCRYPTED = 1;
const DESCRIPTOR = 8;
const NONE_32 = 0xffffffff;

/**
 * Reads the header of a member and holds it against the list: readers that go by the one must see what readers see that go by
 * the other.
 *
 * @param bytes from the first of the header on, its name included
 * @throws ZIP_MALFORMED
 * @see APPNOTE.TXT 4.3.7
 */
export function readLocalHeader(bytes: Uint8Array, member: ListedMember, file: string): LocalHeader {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shown = JSON.stringify(member.name.slice(0, 80));
  const refuse = (message: string) => new WeightmarkError("ZIP_MALFORMED", `${shown}: ${message}`, { file });
  if (header.length < LOCAL_BYTES || header.readUInt32LE(0) !== LOCAL) throw refuse("no header where the list says");
  const flags = header.readUInt16LE(6);
  const [nameBytes, extraBytes] = [header.readUInt16LE(26), header.readUInt16LE(28)];
  const name = header.subarray(LOCAL_BYTES, LOCAL_BYTES + nameBytes);
  if (!name.equals(Buffer.from(member.name))) throw refuse("its own header has another name");
  const isSame = header.readUInt16LE(8) === member.method && (flags & ENCRYPTED) === (member.flags & ENCRYPTED);
  if (!isSame) throw refuse("its own header and the list disagree about how it is packed");
  const descriptor = (flags & DESCRIPTOR) !== 0;
  const [crc, packed, size] = [14, 18, 22].map((field) => header.readUInt32LE(field)) as [number, number, number];
  // What follows the bytes, or stands in an extra field, is the list's word alone; where the header has one, it counts.
  const isEqual =
    (crc === member.crc || (descriptor && crc === 0)) &&
    [
      [packed, member.packed],
      [size, member.size],
    ].every(([own, listed]) => own === listed || own === NONE_32 || (descriptor && own === 0));
  if (!isEqual) throw refuse("its own header and the list disagree about its size or checksum");
  return { start: member.header + LOCAL_BYTES + nameBytes + extraBytes, descriptor };
}
