import { type Der, DerError, TAG } from "./der.ts";

/** Longest object identifier and integer that are looked at, in bytes. Serial numbers have 20 at most (RFC 5280, 4.1.2.2). */
const MAX_OID_BYTES = 64;
const MAX_INTEGER_BYTES = 64;

/** An object identifier in words: "1.2.840.113549.1.7.2". */
export function oidOf({ tag, content }: Der): string {
  if (tag !== TAG.oid || content.length === 0 || content.length > MAX_OID_BYTES || content.at(-1)! >= 0x80) {
    throw new DerError("an object identifier is none");
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let isFirst = true;
  for (const byte of content) {
    if (isFirst && byte === 0x80) throw new DerError("an object identifier has a number that begins with zero");
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    isFirst = byte < 0x80;
    if (!isFirst) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [head = 0n, ...rest] = arcs;
  const top = head < 80n ? head / 40n : 2n;
  return [top, head - 40n * top, ...rest].join(".");
}

/** A whole number of any sign, in its shortest form. */
export function integerOf({ tag, content }: Der, expected: number = TAG.integer): bigint {
  const [first, second] = content;
  if (tag !== expected || first === undefined || content.length > MAX_INTEGER_BYTES)
    throw new DerError("a number is none");
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError("a number is longer than it needs to be");
  }
  return BigInt.asIntN(8 * content.length, BigInt(`0x${Buffer.from(content).toString("hex")}`));
}

export function booleanOf({ tag, content }: Der): boolean {
  if (tag !== TAG.boolean || content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new DerError("a truth value is none");
  }
  return content[0] === 0xff;
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime in Greenwich, with fractions where the type has them. */
export function timeOf({ tag, content }: Der): number {
  const text = Buffer.from(content).toString("latin1");
  const [, year, month, day, hour, minute, second, fraction = ""] =
    (tag === TAG.generalizedTime
      ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/
      : tag === TAG.utcTime
        ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
        : /^(?!)/
    ).exec(text) ?? [];
  if (year === undefined) throw new DerError("a time is none");
  // RFC 5280, 4.1.2.5.1.
  const full = year.length === 4 ? year : `${Number(year) < 50 ? 20 : 19}${year}`;
  const iso = `${full}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  // The thirty-first of February is another day to whoever parses it.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso) throw new DerError("a time is none");
  return at + Math.floor(Number(`0.${fraction}0`) * 1000);
}

/** The bits of a BIT STRING, most significant first, as a reader of bit n. */
export function bitsOf({ tag, content }: Der): (n: number) => boolean {
  const unused = content[0];
  if (tag !== TAG.bitString || unused === undefined || unused > 7 || (content.length === 1 && unused > 0)) {
    throw new DerError("a bit string is none");
  }
  return (n) => ((content[1 + (n >> 3)] ?? 0) & (0x80 >> (n & 7))) !== 0;
}
