import { isAbsolute, relative, resolve, sep } from "node:path";
import { shownLocation } from "../../checkpoint/location.ts";

/**
 * A location as a URI reference (RFC 3986) that no hostile name can break out of: what is not unreserved is
 * percent-encoded. Absolute paths become file URIs; of addresses, credentials and the query are left out, which may be a
 * secret.
 */
export function locationUri(given: string): string {
  const location = withoutSecrets(given);
  if (isHub(location)) return `hf:${encodePath(location.slice(3)).replaceAll("%40", "@")}`;
  if (isWeb(location)) return addressUri(location) ?? encodePath(location);
  const path = slashed(location);
  if (/^[a-z]:\//i.test(path) && sep === "\\") return `file:///${path.slice(0, 2)}${encodePath(path.slice(2))}`;
  if (path.startsWith("/")) return `file://${encodePath(path)}`;
  return encodePath(path.replace(/^(?:\.\/+)+/, "")) || ".";
}

/** What turns locations into artifacts. */
export interface ArtifactBase {
  /** Address of the Hub that `hf:` locations mean. */
  readonly endpoint: string;
  /** Directory that relative artifacts are below; null to leave paths as they are. */
  readonly root: string | null;
}

/**
 * The artifact that a location is for those who hold results against a checkout: a reference without a scheme wherever
 * there is one, for the path of the artifact. GitHub refuses a whole upload for one scheme that is not the checkout's,
 * `file:`. Models elsewhere begin with their host: "huggingface.co/org/name/<commit>".
 */
export function artifactUri(given: string, { endpoint, root }: ArtifactBase): string {
  const location = withoutSecrets(given);
  if (isHub(location)) {
    const hub = addressUri(endpoint) ?? endpoint;
    return underHost(`${hub}/`, location.slice(3).replace("@", "/"));
  }
  const address = isWeb(location) ? addressUri(location) : null;
  if (address !== null) return underHost(address, "");
  if (isWeb(location)) return withoutParents(encodePath(location));
  if (root === null) {
    const uri = locationUri(location);
    return uri.startsWith("file:") ? uri : withoutParents(uri);
  }
  const path = relative(root, resolve(root, location));
  const isInside = path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
  return isInside ? encodePath(slashed(path)) || "." : locationUri(resolve(root, location));
}

/** An address of any scheme without its credentials and its query, should one come here with them; anything else as it is. */
const withoutSecrets = (location: string): string => (isHub(location) ? location : shownLocation(location));

const isHub = (location: string): boolean => location.startsWith("hf:");
const isWeb = (location: string): boolean => /^https?:\/\//i.test(location);
const slashed = (path: string): string => (sep === "\\" ? path.replaceAll("\\", "/") : path);

/** The address without its scheme, and a path below it; a port has a colon, which no first segment may have. */
function underHost(address: string, path: string): string {
  const [host = "", ...segments] = address.replace(/^https?:\/\//i, "").split("/");
  // Hostile names may lead upwards; anyone who follows the reference must not.
  const below = path.split("/").filter((segment) => !/^\.{0,2}$/.test(segment));
  const reference = [encodePath(host), ...segments.filter((segment) => segment !== ""), ...below.map(encodePath)];
  // To a browser a host may be called "..".
  return withoutParents(reference.join("/"));
}

/**
 * A relative reference that stays below its base: parents are gone to as far as there are any, and it does not begin with a
 * slash.
 */
function withoutParents(uri: string): string {
  const below: string[] = [];
  for (const segment of uri.split("/")) {
    if (segment === "..") below.pop();
    else if (segment !== "." && (segment !== "" || below.length > 0)) below.push(segment);
  }
  return below.join("/") || ".";
}

function addressUri(location: string): string | null {
  if (!URL.canParse(location)) return null;
  const { origin, pathname } = new URL(location);
  // What browsers leave in a path is more than what a URI may hold; what is encoded stays so, if it is text at all.
  const unfit = isText(pathname) ? /%(?![0-9a-f]{2})|[^%\w.~!$&'()*+,;=:@/-]/gi : /[^\w.~!$&'()*+,;=:@/-]/gi;
  return origin + pathname.replaceAll(unfit, encodeURIComponent);
}

function isText(encoded: string): boolean {
  try {
    decodeURIComponent(encoded.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
    return true;
  } catch {
    return false;
  }
}

/** Slashes stay. Bytes that are no UTF-8 are told as such (see `pathText`), other halves of surrogate pairs as U+FFFD. */
function encodePath(path: string): string {
  const encode = (text: string) => text.split("/").map(encodeURIComponent).join("/");
  return path
    .split(/([\udc80-\udcff])/u)
    .map((part, i) => (i % 2 === 1 ? byteOf(part) : encode(part.replaceAll(/\p{Surrogate}/gu, "\ufffd"))))
    .join("");
}

function byteOf(escaped: string): string {
  return `%${(escaped.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`;
}
