import { HUB_PREFIX } from "./hub/parse-location.ts";

/** Whether a location is an address, not a path. A file that is called like one can be named "./hf:...". */
export function isRemoteLocation(location: string): boolean {
  return location.startsWith(HUB_PREFIX) || isWebLocation(location);
}

export function isWebLocation(location: string): boolean {
  return /^https?:\/\//i.test(location);
}
