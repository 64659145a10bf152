import { fileURLToPath } from "node:url";
import { WeightmarkError } from "../errors.ts";
import { HUB_PREFIX } from "./hub/parse-location.ts";

/** Whether a location is an address, not a path. A file that is called like one can be named "./hf:...". */
export function isRemoteLocation(location: string): boolean {
  return location.startsWith(HUB_PREFIX) || isWebLocation(location);
}

/** Whether anything of a location lies far away: of `adapter+base` either may. */
export function reachesFar(location: string): boolean {
  return isRemoteLocation(location) || /\+(?:hf:|https?:\/\/)/i.test(location);
}

export function isWebLocation(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

function isFileUrl(location: string): boolean {
  return /^file:\/\//i.test(location);
}

/**
 * The path that a `file:` URL names; any other location as it is.
 *
 * @throws HTTP_ADDRESS_INVALID for a URL that names no path of this machine
 */
export function localPath(location: string): string {
  if (!isFileUrl(location)) return location;
  try {
    return fileURLToPath(location);
  } catch (cause) {
    throw new WeightmarkError("HTTP_ADDRESS_INVALID", "the file URL names no path of this machine", {
      file: shownLocation(location),
      detail: "Write file:///path, or the path itself.",
      cause,
    });
  }
}

const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;
/** How what lies elsewhere gets here, by the scheme of its address. */
const COPIED: ReadonlyMap<string, string> = new Map([
  ["s3", " (aws s3 cp --recursive)"],
  ["gs", " (gcloud storage cp -r)"],
]);

/** The refusal for an address that nobody reads here, or null for what is none: a path. */
export function foreignAddress(location: string, cause: unknown): WeightmarkError | null {
  const [, scheme] = SCHEME.exec(location) ?? [];
  if (scheme === undefined) return null;
  return new WeightmarkError("HTTP_ADDRESS_INVALID", `addresses of ${scheme.toLowerCase()}:// are not read`, {
    file: shownLocation(location),
    detail: `Copy the model to this machine first${COPIED.get(scheme.toLowerCase()) ?? ""}, or name an https:// address of it.`,
    cause,
  });
}

const NEXT_ADDRESS = /\+(?=(?:https?|file):\/\/)/i;

/**
 * What may be kept of a location: of an address no query, which may be a signature, and no name and password (CWE-522).
 * What is cut from one that cannot be read is rather too much than too little.
 */
export function shownLocation(location: string): string {
  // Either side of "adapter+base" may hold what has to be cut.
  const [first, ...others] = location.split(NEXT_ADDRESS);
  if (others.length > 0) return [first!, ...others].map(shownLocation).join("+");
  if (!isWebLocation(location)) {
    // In a path an @ means nothing; before a host, which no file URL needs, stands what stands there in other addresses.
    if (isFileUrl(location)) return location.replace(/^(file:\/\/)[^/\\]*@/i, "$1");
    const isForeign = SCHEME.test(location);
    return isForeign ? location.replace(/[?#].*$/s, "").replace(/^([^:]+:\/\/).*@/s, "$1") : location;
  }
  const address = location.replace(/[?#].*$/s, "");
  if (!URL.canParse(address)) return address.replace(/^(https?:\/\/).*@/is, "$1");
  const { username, password, origin, pathname } = new URL(address);
  return username === "" && password === "" ? address : origin + pathname;
}
