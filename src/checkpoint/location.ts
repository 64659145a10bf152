import { HUB_PREFIX } from "./hub/parse-location.ts";

/** Whether a location is an address, not a path. A file that is called like one can be named "./hf:...". */
export function isRemoteLocation(location: string): boolean {
  return location.startsWith(HUB_PREFIX) || isWebLocation(location);
}

export function isWebLocation(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/**
 * What may be kept of a location: of an address no query, which may be a signature, and no name and password (CWE-522).
 * What is cut from one that cannot be read is rather too much than too little.
 */
export function shownLocation(location: string): string {
  if (!isWebLocation(location)) return location;
  const address = location.replace(/[?#].*$/s, "");
  if (!URL.canParse(address)) return address.replace(/^(https?:\/\/).*@/is, "$1");
  const { username, password, origin, pathname } = new URL(address);
  return username === "" && password === "" ? address : origin + pathname;
}
