/** What the headers of a reply say of requests to come. Times in milliseconds since 1970. */
export interface RateLimit {
  /** When to ask again, as the server put it, or null. */
  readonly retryAt: number | null;
  /** Requests left in a window, and when it ends, or null. */
  readonly window: { readonly remaining: number; readonly resetAt: number } | null;
}

/** Headers longer than this are not looked at: no limit needs as much to be said. */
const MAX_HEADER_LENGTH = 1024;

/** Numbers above this are points in time (seconds since 1970), smaller ones seconds from now: 30 years. */
const EPOCH_FROM = 1e9;

type Headers = ReadonlyMap<string, string>;

function header(headers: Headers, name: string): string | null {
  const value = headers.get(name)?.trim() ?? "";
  return value === "" || value.length > MAX_HEADER_LENGTH ? null : value;
}

function number(text: string | null | undefined): number | null {
  return text !== null && text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/** Retry-After (RFC 9110, 10.2.3): seconds, or a date, held against the server's own clock where it tells the time. */
function retryAfter(headers: Headers, now: number): number | null {
  const text = header(headers, "retry-after");
  if (text === null) return null;
  const seconds = number(text);
  if (seconds !== null) return now + seconds * 1000;
  // Every HTTP date names a day; Date.parse takes much else for a date ("-1" too).
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) return null;
  const serverNow = Date.parse(header(headers, "date") ?? "");
  return Math.max(now, Number.isNaN(serverNow) ? date : now + date - serverNow);
}

/**
 * The window with the fewest requests left of a `RateLimit` header: `"api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers
 * since 08, and the Hub), or `limit=500, remaining=0, reset=55` (up to 07).
 */
function rateLimit(text: string | null): { remaining: number; seconds: number } | null {
  let least: { remaining: number; seconds: number } | null = null;
  const older = /(?:^|[,\s])remaining\s*=\s*\d/.test(text ?? "");
  for (const item of older ? [text ?? ""] : (text ?? "").split(",")) {
    const [r, t] = older ? ["remaining", "reset"] : ["r", "t"];
    const value = (name: string) => number(new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*(\\d+)`).exec(item)?.[1]);
    const [remaining, seconds] = [value(r), value(t)];
    if (remaining === null || seconds === null) continue;
    if (least === null || remaining < least.remaining) least = { remaining, seconds };
  }
  return least;
}

function separate(headers: Headers, prefix: string, now: number): { remaining: number; seconds: number } | null {
  const remaining = number(header(headers, `${prefix}ratelimit-remaining`));
  const reset = number(header(headers, `${prefix}ratelimit-reset`));
  if (remaining === null || reset === null) return null;
  return { remaining, seconds: reset < EPOCH_FROM ? reset : Math.max(0, reset - now / 1000) };
}

/** @param headers names in lower case */
export function readRateLimit(headers: Headers, now: number): RateLimit {
  const window =
    rateLimit(header(headers, "ratelimit")) ?? separate(headers, "", now) ?? separate(headers, "x-", now) ?? null;
  return {
    retryAt: retryAfter(headers, now),
    window: window === null ? null : { remaining: window.remaining, resetAt: now + window.seconds * 1000 },
  };
}
