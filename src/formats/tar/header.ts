/** What a block of 512 bytes before a member says. */
export interface TarHeader {
  /** As the fields of the header have it, without what pax or GNU say elsewhere. Null where it is not UTF-8. */
  readonly name: string | null;
  readonly size: number;
  /** One character: "0" or NUL is a file, "5" a directory, "1" and "2" are links, "x", "g", "L" and "K" say more of the next. */
  readonly type: string;
}

export const BLOCK_BYTES = 512;
const CHECKSUM = 148;

/** Whether a block is all zeros, as two of them end an archive. */
export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header of the POSIX ("ustar\0") and the GNU form ("ustar "); null for anything else, and for one whose checksum is
 * wrong. The form from before 1988, which has no signature, is not read: anything would pass for it.
 *
 * @param block 512 bytes
 * @see IEEE Std 1003.1, pax, ustar interchange format
 */
export function readTarHeader(block: Uint8Array): TarHeader | null {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  if (bytes.toString("latin1", 257, 262) !== "ustar") return null;
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += at >= CHECKSUM && at < CHECKSUM + 8 ? 0x20 : bytes[at]!;
  if (numberIn(bytes.subarray(CHECKSUM, CHECKSUM + 8)) !== sum) return null;
  const size = numberIn(bytes.subarray(124, 136));
  if (size === null) return null;
  const isPosix = bytes[262] === 0;
  const [prefix, name] = [isPosix ? textIn(bytes.subarray(345, 500)) : "", textIn(bytes.subarray(0, 100))];
  const whole = name === null || prefix === null ? null : prefix === "" ? name : `${prefix}/${name}`;
  return { name: whole, size, type: bytes.toString("latin1", 156, 157) };
}

/** An octal number with blanks or NULs around it, or GNU's binary one for sizes from 8 GiB on; null for anything else. */
function numberIn(field: Buffer): number | null {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : null;
  }
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(field.toString("latin1")) ?? [];
  return digits === undefined ? null : Number.parseInt(digits, 8);
}

/** The bytes before the first NUL as UTF-8, or null. */
export function textIn(field: Uint8Array): string | null {
  const end = field.indexOf(0);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(end < 0 ? field : field.subarray(0, end));
  } catch {
    return null;
  }
}
