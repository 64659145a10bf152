import { TAG } from "./der.ts";

/** A value with its tag and its length in the shortest form. */
export function derOf(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const size: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = content.length < 0x80 ? [content.length] : [0x80 | size.length, ...size];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derOf(TAG.sequence, ...parts);
}

/** A whole number of zero or more. */
export function derInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return derOf(TAG.integer, bytes[0]! >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), bytes);
}

/** An object identifier of two numbers or more; null where the text is none. */
export function derOid(text: string): Uint8Array | null {
  if (text.length > 128 || !/^[012](?:\.(?:0|[1-9]\d{0,17})){2,}$/.test(text)) return null;
  const [top, second, ...rest] = text.split(".").map(BigInt);
  if (top! < 2n && second! >= 40n) return null;
  const arcs = [40n * top! + second!, ...rest];
  return derOf(TAG.oid, ...arcs.map(base128));
}

function base128(value: bigint): Uint8Array {
  const bytes = [Number(value & 0x7fn)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(0x80 | Number(rest & 0x7fn));
  return Uint8Array.from(bytes);
}
