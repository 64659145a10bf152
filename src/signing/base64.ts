const DIGITS = /^[A-Za-z0-9+/]*={0,2}$/;

/** Bytes in base64 as protobuf has it in JSON: the alphabet of URLs will do, and no padding. Null for anything else. */
export function decodeBase64(text: string): Buffer | null {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Buffer.from(standard, "base64");
  // Node's decoder skips what it does not know: what it made must be all that stands there.
  const digits = standard.replace(/=+$/, "");
  const isWhole = DIGITS.test(standard) && (digits === standard || standard.length % 4 === 0);
  return isWhole && bytes.toString("base64").replace(/=+$/, "") === digits ? bytes : null;
}
