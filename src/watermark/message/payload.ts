import { WeightmarkError } from "../../errors.ts";
import { PAYLOAD_CLASSES, type PayloadClass } from "./payload-class.ts";

/** What a mark says: as many bytes as its class has, zero bytes at the end where the input was shorter. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly bits: 32 | 64 | 128;
}

/** A payload as results print it. */
export interface ShownPayload {
  readonly hex: string;
  /** The payload as text when it is printable, else null. */
  readonly text: string | null;
  readonly bits: number;
}

const MOST_BYTES = 16;
const HEX = /^(?:[0-9a-f]{2})+$/i;
/** Controls, format characters, lone surrogates, private use and what Unicode has not assigned. */
const UNPRINTABLE = /\p{C}/u;

/**
 * A payload from the command line: `0x` and hex digits, `text:` and a text, or either without its prefix, where an even
 * number of hex digits means hex. Texts are UTF-8 without control characters, so that the zero bytes of the padding are
 * never part of one.
 *
 * @throws PAYLOAD_TOO_LONG above 16 bytes; PAYLOAD_INVALID when empty, not hex after `0x`, or not printable.
 */
export function parsePayload(input: string): Payload {
  const hex = input.startsWith("0x") ? input.slice(2) : HEX.test(input) ? input : null;
  return payloadOf(hex === null ? textBytes(input.replace(/^text:/, "")) : hexBytes(hex));
}

/**
 * The bytes in the smallest class that holds them, padded with zero bytes.
 *
 * @throws PAYLOAD_TOO_LONG above 16 bytes; PAYLOAD_INVALID for none.
 */
export function payloadOf(bytes: Uint8Array): Payload {
  if (bytes.length === 0) {
    throw new WeightmarkError("PAYLOAD_INVALID", "the payload is empty", {
      detail: "Give 1 to 16 bytes, or leave the payload out for a mark that only says whose it is.",
    });
  }
  const payloadClass = PAYLOAD_CLASSES.find(({ payloadBits }) => payloadBits >= 8 * bytes.length);
  if (payloadClass === undefined) {
    throw new WeightmarkError("PAYLOAD_TOO_LONG", `the payload has ${bytes.length} bytes, at most ${MOST_BYTES} fit`, {
      detail: "Mark an identifier of at most 16 bytes and keep what it stands for in a register of your own.",
    });
  }
  return paddedTo(bytes, payloadClass.payloadBits as Payload["bits"]);
}

/** The class whose chips carry the payload, the zero-bit class for none. */
export function classOf(payload: Payload | null): PayloadClass {
  const bits = payload === null ? 0 : payload.bits;
  return PAYLOAD_CLASSES.find(({ payloadBits }) => payloadBits === bits) as PayloadClass;
}

/** As reports show it: all bytes of the class in hex, and the text it spells when there is one. */
export function showPayload({ bytes, bits }: Payload): ShownPayload {
  return { hex: Buffer.from(bytes).toString("hex"), text: printableText(bytes), bits };
}

export function samePayload(a: Payload, b: Payload): boolean {
  return a.bits === b.bits && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

function paddedTo(bytes: Uint8Array, bits: Payload["bits"]): Payload {
  const padded = new Uint8Array(bits / 8);
  padded.set(bytes);
  return { bytes: padded, bits };
}

function hexBytes(digits: string): Uint8Array {
  if (!HEX.test(digits)) {
    throw new WeightmarkError("PAYLOAD_INVALID", "the payload is not hex", {
      detail: "After 0x give pairs of hex digits; put text: before a text.",
    });
  }
  return Buffer.from(digits, "hex");
}

function textBytes(text: string): Uint8Array {
  if (UNPRINTABLE.test(text)) {
    throw new WeightmarkError("PAYLOAD_INVALID", "the payload has characters that cannot be printed", {
      detail: "Give such bytes in hex, with 0x before them.",
    });
  }
  return Buffer.from(text, "utf8");
}

function printableText(bytes: Uint8Array): string | null {
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
    return text === "" || UNPRINTABLE.test(text) ? null : text;
  } catch {
    return null;
  }
}
