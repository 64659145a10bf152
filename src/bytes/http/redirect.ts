import { WeightmarkError } from "../../errors.ts";

/** The Hub sends one on once, a renamed repository twice. */
export const MAX_REDIRECTS = 5;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

export function refusedRedirect(why: string, location: string): WeightmarkError {
  return new WeightmarkError("HTTP_REDIRECT_REFUSED", `a redirect ${why}`, { file: location });
}

/**
 * Where a redirect leads. Which addresses it may lead to is decided where they are resolved.
 *
 * @param target the Location header, which may be relative
 * @param followed redirects followed before this one
 * @throws HTTP_REDIRECT_REFUSED
 */
export function redirectTarget(url: URL, target: string | undefined, followed: number, location: string): URL {
  if (followed >= MAX_REDIRECTS) throw refusedRedirect(`after ${MAX_REDIRECTS} others`, location);
  if (target === undefined || !URL.canParse(target, url.href)) throw refusedRedirect("without a target", location);
  const next = new URL(target, url);
  if (next.protocol !== "https:" && next.protocol !== "http:")
    throw refusedRedirect("to something else than https", location);
  // Anyone who listens on the way could read and change the weights, and keep the signed address (CWE-319).
  if (url.protocol === "https:" && next.protocol === "http:") throw refusedRedirect("from https to http", location);
  if (next.username !== "" || next.password !== "") throw refusedRedirect("with a name or password", location);
  next.hash = "";
  return next;
}
