import { WeightmarkError } from "../errors.ts";

/** Long enough for "org/name@revision" many times over, short enough to print. */
const MAX_NAME_LENGTH = 512;

export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Throws REGISTRY_NAME_INVALID for what could not be told apart, printed or stored again. */
export function requireName(name: string): void {
  const refuse = (why: string) => {
    throw new WeightmarkError("REGISTRY_NAME_INVALID", `the name ${why}`, { detail: "Give another one with `name`." });
  };
  if (name.trim() === "") refuse("is empty");
  if (name.length > MAX_NAME_LENGTH) refuse(`is longer than ${MAX_NAME_LENGTH} characters`);
  if (/\p{Surrogate}/u.test(name)) refuse("is not valid Unicode");
  // Else `remove NAME` could be meant for another entry's digest.
  if (isDigest(name)) refuse("looks like a digest");
}

/** Order of UTF-16 code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
