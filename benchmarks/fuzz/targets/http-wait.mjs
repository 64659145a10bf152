import { readRateLimit } from "../../../dist/src/bytes/http/rate-limit.js";
import { redirectTarget } from "../../../dist/src/bytes/http/redirect.js";
import { utf8 } from "../bytes.mjs";
import { hostileText, NUMBERS } from "../hostile.mjs";
import { must, Skipped } from "../invariant.mjs";

const ADDRESS = new URL("https://models.test/a.safetensors");
const NOW = Date.UTC(2026, 0, 1);
const WAITS = [
  "retry-after",
  "date",
  "ratelimit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "location",
];
const WAIT_TEXTS = [
  "0",
  "5",
  "999999999999",
  "Thu, 01 Jan 2026 00:00:00 GMT",
  "Monday, 99 x",
  '"api";r=0;t=55',
  "limit=500, remaining=0, reset=55",
  '"a";r=1;t=2,"b";r=0',
  "r=".repeat(500),
  "https://models.test/b",
  "http://models.test/b",
  "//evil.test",
  "https://a:b@c/",
  "file:///etc/passwd",
  "?x",
  "\\\\host",
];

/** Headers that say when to come again, or where to go, as a JSON object. */
export const target = {
  name: "http-wait",
  extension: "json",
  make: (random) => utf8(JSON.stringify(someWait(random))),
  async check(bytes) {
    checkLater(headersIn(bytes));
  },
};

function someWait(random) {
  const names = Array.from({ length: random.small(4) }, () => random.pick(WAITS));
  return Object.fromEntries(
    names.map((name) => [name, random.chance(0.2) ? hostileText(random) : random.pick([...WAIT_TEXTS, ...NUMBERS])]),
  );
}

function checkLater(headers) {
  const { retryAt, window } = readRateLimit(headers, NOW);
  must(
    retryAt === null || (Number.isFinite(retryAt) && retryAt >= NOW),
    "a time to come again that has passed or is none",
  );
  must(window === null || (Number.isSafeInteger(window.remaining) && window.resetAt >= NOW), "a window that is none");
  if (!headers.has("location")) return;
  const next = redirectTarget(ADDRESS, headers.get("location"), 0, "a");
  must(next.protocol === "https:" && next.username === "" && next.hash === "", "a redirect to where none may lead");
}

function headersIn(bytes) {
  try {
    const headers = Object.entries(JSON.parse(new TextDecoder().decode(bytes)));
    if (headers.every(([, value]) => typeof value === "string")) return new Map(headers);
  } catch {
    // Skipped below.
  }
  throw new Skipped();
}
