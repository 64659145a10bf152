import { createHash } from "node:crypto";

/**
 * SHA-256 of a value's one text by the JSON Canonicalization Scheme (RFC 8785), hex: members by the UTF-16 code units of their
 * names, no blanks, numbers as ECMAScript writes them. Members that are undefined are left out.
 */
export function canonicalDigest(value: unknown): string {
  return createHash("sha256").update(canonicalText(value), "utf8").digest("hex");
}

/** Results are plain JSON: texts, numbers, booleans, null, lists and objects. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${canonicalText(item)}`).join(",")}}`;
}
