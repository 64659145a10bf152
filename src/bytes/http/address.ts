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

function invalid(why: string, location: string | undefined): WeightmarkError {
  return new WeightmarkError("HTTP_ADDRESS_INVALID", `the address ${why}`, {
    file: location,
    detail: "Give https://host/path, without a name and password in it; tokens go into HF_TOKEN.",
  });
}

/**
 * Reads an address that the user typed. Numeric hosts in any spelling (0x7f.1, 2130706433) come out as plain addresses.
 *
 * @throws HTTP_ADDRESS_INVALID unless it is http or https without credentials
 */
export function parseAddress(text: string, location?: string): URL {
  if (text.length > MAX_ADDRESS_LENGTH) throw invalid(`is longer than ${MAX_ADDRESS_LENGTH} characters`, location);
  if (!URL.canParse(text)) throw invalid("cannot be read", location);
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw invalid("is neither https nor http", location);
  if (url.username !== "" || url.password !== "") throw invalid("holds a name or password", location);
  url.hash = "";
  return url;
}
