/**
 * DER (ITU-T X.690) as far as time stamps and certificates need it: definite lengths, shortest form, one-byte tags. Nothing
 * recurses: who reads goes down one level at a time, and all values are views of the bytes that were given.
 */

/** What is wrong with bytes that are no DER, or none of the structure that was expected. Never leaves the folder. */
export class DerError extends Error {}

/** One value. */
export interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The value with its tag and length, as it was given. */
  readonly whole: Uint8Array;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** Tag of a constructed value of the context's own, [n]. */
export function contextTag(n: number): number {
  return 0xa0 | n;
}

/** Longest lengths that are looked at; files and replies have bounds of their own, far below. */
const MAX_LENGTH_BYTES = 4;
/** More values than this stand in no structure that is read here. */
const MAX_VALUES = 4096;

/** The one value that the bytes are. */
export function readDer(bytes: Uint8Array): Der {
  const der = valueAt(bytes, 0);
  if (der.whole.length !== bytes.length) throw new DerError("there are bytes behind the value");
  return der;
}

function valueAt(bytes: Uint8Array, at: number): Der {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new DerError("a value is cut off");
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag is longer than a byte");
  const { length, begin } = first < 0x80 ? { length: first, begin: at + 2 } : longLength(bytes, at + 2, first & 0x7f);
  const end = begin + length;
  if (end > bytes.length) throw new DerError("a value is longer than what it lies in");
  return { tag, content: bytes.subarray(begin, end), whole: bytes.subarray(at, end) };
}

function longLength(bytes: Uint8Array, at: number, count: number): { length: number; begin: number } {
  if (count === 0 || count > MAX_LENGTH_BYTES) throw new DerError("a length is indefinite or too large");
  if (at + count > bytes.length) throw new DerError("a value is cut off");
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + bytes[at + i]!;
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("a length is longer than it needs to be");
  return { length, begin: at + count };
}

/** Reads the values in a constructed one, in order. */
export class DerReader {
  readonly #values: readonly Der[];
  #next = 0;

  constructor(of: Der, tag: number) {
    if (of.tag !== tag) throw new DerError(`tag ${of.tag} stands where ${tag} should`);
    const values: Der[] = [];
    for (let at = 0; at < of.content.length; at += values.at(-1)!.whole.length) {
      if (values.length === MAX_VALUES) throw new DerError("there are too many values");
      values.push(valueAt(of.content, at));
    }
    this.#values = values;
  }

  /** The next value, of this tag if one is given. */
  next(tag?: number): Der {
    const value = this.#values[this.#next];
    if (value === undefined) throw new DerError("a value is missing");
    if (tag !== undefined && value.tag !== tag) throw new DerError(`tag ${value.tag} stands where ${tag} should`);
    this.#next += 1;
    return value;
  }

  /** The next value where it has this tag, else null. */
  optional(tag: number): Der | null {
    return this.#values[this.#next]?.tag === tag ? this.next(tag) : null;
  }

  rest(): readonly Der[] {
    const rest = this.#values.slice(this.#next);
    this.#next = this.#values.length;
    return rest;
  }

  /** There must be nothing more. */
  end(): void {
    if (this.#next < this.#values.length) throw new DerError("there is a value too many");
  }
}

export function sequenceOf(der: Der): DerReader {
  return new DerReader(der, TAG.sequence);
}

/** The value in an explicit [n]. */
export function inside(der: Der, tag: number): Der {
  const reader = new DerReader(der, tag);
  const value = reader.next();
  reader.end();
  return value;
}
