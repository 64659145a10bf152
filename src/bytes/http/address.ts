import { WeightmarkError } from "../../errors.ts";

/** Longer addresses than this exist only to be a nuisance. */
const MAX_ADDRESS_LENGTH = 8192;

/**
 * What may be shown of an address: no name and password, no query and fragment, where signatures and tokens stand
 * (CWE-598, CWE-532).
 */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * Reads an address that the user typed. Numeric hosts in any spelling (0x7f.1, 2130706433) come out as plain addresses.
 *
 * @param named what messages call it: the variable that holds it, for one that was not typed as a model
 * @throws HTTP_ADDRESS_INVALID unless it is http or https without credentials
 */
export function parseAddress(text: string, named = "the address"): URL {
  const invalid = (why: string, detail?: string) =>
    new WeightmarkError("HTTP_ADDRESS_INVALID", `${named} ${why}`, { detail });
  if (text.length > MAX_ADDRESS_LENGTH) throw invalid(`is longer than ${MAX_ADDRESS_LENGTH} characters`);
  const url = URL.canParse(text) ? new URL(text) : null;
  // Of "host:8080" the host is taken for a scheme.
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
    const why =
      scheme === undefined
        ? "does not begin with https://"
        : /^https?$/i.test(scheme)
          ? "cannot be read: its host or port is none"
          : "is no address of https or http";
    throw invalid(why, "Write it as https://host/path.");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(
      "holds a name or password",
      "Leave them out: no server is sent a password that stands in an address.",
    );
  }
  url.hash = "";
  return url;
}
