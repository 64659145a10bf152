/** What stands in a commitment; numbers are whole, so that all programs write them alike. */
export type CanonicalValue =
  | string
  | number
  | null
  | readonly CanonicalValue[]
  | { readonly [name: string]: CanonicalValue };

/**
 * The one text of a value by the JSON Canonicalization Scheme (RFC 8785), as UTF-8: members by the UTF-16 code units of their
 * names, no blanks. Texts and whole numbers are written by ECMAScript as the scheme says.
 *
 * @throws RangeError for numbers that are not whole, and for texts with half a character, which no UTF-8 can hold
 */
export function canonicalJson(value: CanonicalValue): Uint8Array {
  return Buffer.from(textOf(value), "utf8");
}

function textOf(value: CanonicalValue): string {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new RangeError("a number is not whole");
    return String(value);
  }
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw new RangeError("a text holds half a character");
    return JSON.stringify(value);
  }
  if (value === null) return "null";
  if (isList(value)) return `[${value.map(textOf).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${textOf(name)}:${textOf(item)}`).join(",")}}`;
}

function isList(value: object): value is readonly CanonicalValue[] {
  return Array.isArray(value);
}
