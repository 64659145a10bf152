import { sep } from "node:path";

/**
 * A location as a URI reference (RFC 3986) that no hostile name can break out of: what is not unreserved is
 * percent-encoded. Absolute paths become file URIs; of addresses, credentials and the query are left out, which may be a
 * secret.
 */
export function locationUri(location: string): string {
  if (location.startsWith("hf:")) return `hf:${encodePath(location.slice(3)).replaceAll("%40", "@")}`;
  if (/^https?:\/\//i.test(location)) return addressUri(location) ?? encodePath(location);
  const path = sep === "\\" ? location.replaceAll("\\", "/") : location;
  if (/^[a-z]:\//i.test(path) && sep === "\\") return `file:///${path.slice(0, 2)}${encodePath(path.slice(2))}`;
  if (path.startsWith("/")) return `file://${encodePath(path)}`;
  return encodePath(path.replace(/^(?:\.\/+)+/, "")) || ".";
}

function addressUri(location: string): string | null {
  if (!URL.canParse(location)) return null;
  const { origin, pathname } = new URL(location);
  return origin + pathname;
}

/** Slashes stay; half a surrogate pair, which has no UTF-8, becomes U+FFFD. */
function encodePath(path: string): string {
  return path
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .split("/")
    .map(encodeURIComponent)
    .join("/");
}
