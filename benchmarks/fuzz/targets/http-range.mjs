import { byteCount, contentRange, unsatisfiedSize } from "../../../dist/src/bytes/http/content-range.js";
import { PassingFailure } from "../../../dist/src/bytes/http/failure.js";
import { openHttpSource } from "../../../dist/src/bytes/http/http-source.js";
import { readRateLimit } from "../../../dist/src/bytes/http/rate-limit.js";
import { redirectTarget } from "../../../dist/src/bytes/http/redirect.js";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { utf8 } from "../bytes.mjs";
import { hostileText, NUMBERS } from "../hostile.mjs";
import { must, Skipped } from "../invariant.mjs";

const ADDRESS = new URL("https://models.test/a.safetensors");
const FILE = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) & 255);
const NOW = Date.UTC(2026, 0, 1);
const TRIES = 3;
const MAX_READ = 1 << 20;

function someRange(random) {
  const number = () => random.pick([...NUMBERS, "0", "99", "2999", "3000"]);
  const range = `${random.pick(["bytes ", "bytes=", "", "items "])}${number()}-${number()}/${random.pick([number(), "*", "3000"])}`;
  return random.chance(0.2) ? `bytes */${number()}` : range;
}

const HEADERS = [
  "content-range",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "etag",
  "last-modified",
  "x-linked-size",
  "x-linked-etag",
  "x-repo-commit",
];

function headerOf(random, name) {
  if (random.chance(0.15)) return null;
  if (name === "content-range") return someRange(random);
  if (random.chance(0.3)) return hostileText(random);
  return random.pick([
    ...NUMBERS,
    '"one"',
    'W/"one"',
    '""',
    "gzip",
    "identity",
    "chunked",
    "Thu, 01 Jan 2026 00:00:00 GMT",
    `"${"a".repeat(64)}"`,
  ]);
}

/** How a server that has ranges answers, and what it does wrong, request by request, as JSON: no bytes are read that are not there. */
export const target = {
  name: "http-range",
  extension: "json",
  make(random) {
    const faults = Array.from({ length: random.small(5) }, () => {
      const names = Array.from({ length: random.small(4) }, () => random.pick(HEADERS));
      return {
        status: random.chance(0.8) ? null : random.pick([200, 206, 304, 400, 401, 403, 404, 410, 416, 418]),
        headers: Object.fromEntries(names.map((name) => [name, headerOf(random, name)])),
        missing: random.chance(0.2) ? random.below(300) : 0,
        more: random.chance(0.1) ? random.below(300) : 0,
      };
    });
    const number = () =>
      random.pick(random.chance(0.9) ? [0, 1, 99, 1500, 2999, 3000] : [3001, 300_000, 2 ** 31, 2 ** 53, -1, 0.5]);
    const expected = random.chance(0.7)
      ? null
      : { size: random.pick([0, 3000, 2999, 2 ** 40]), sha256: random.chance(0.5) ? null : "a".repeat(64) };
    const reads = Array.from({ length: random.small(4) }, () => {
      const pair = [number(), number()];
      return random.chance(0.9) ? pair.sort((a, b) => a - b) : pair;
    });
    return utf8(
      JSON.stringify({
        faults,
        expected,
        reads,
        header: random.chance(0.6) ? "bytes 0-99/3000" : someRange(random),
        later: someWait(random),
      }),
    );
  },
  async check(bytes) {
    const { faults, expected, reads, header, later } = scenarioOf(bytes);
    checkLater(new Map(Object.entries(later)));
    const refusals = [];
    const tried = (read) => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof WeightmarkError)) throw error;
        refusals.push(error);
        return null;
      }
    };
    const headers = new Map([["content-range", header]]);
    const range = tried(() => contentRange(headers, "a"));
    if (range !== null) {
      const { start, end, total } = range;
      must(Number.isSafeInteger(end) && 0 <= start && start < end, "a range that cannot be");
      must(total === null || (Number.isSafeInteger(total) && end <= total), "a range behind the end");
    }
    const [, number] = /(\S*)$/.exec(header) ?? [];
    for (const count of [
      tried(() => unsatisfiedSize(headers, "a")),
      tried(() => byteCount(number.replace(/^.*\//, ""), "a")),
    ]) {
      must(count === null || (Number.isSafeInteger(count) && count >= 0), "a count that is none");
    }
    const source = await openHttpSource(clientOf(faults), ADDRESS, { location: "a", expected, pinned: false });
    try {
      must(Number.isSafeInteger(source.size) && source.size >= 0, "a size that is none");
      for (const [start, end] of reads) {
        // A server may say that there is more than fits into memory; nobody reads that at once.
        if (end - start > MAX_READ) continue;
        const read = await source.read(start, end);
        must(read.length === end - start, "another number of bytes than was asked for");
        await source.prefetch([{ start, end }]);
      }
      await source.verifyUnchanged();
    } finally {
      await source.close();
    }
    if (refusals.length > 0) throw refusals[0];
  },
};

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

/** Headers that say when to come again, or where to go. */
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
  try {
    const next = redirectTarget(ADDRESS, headers.get("location"), 0, "a");
    must(next.protocol === "https:" && next.username === "" && next.hash === "", "a redirect to where none may lead");
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
  }
}

/** A client of a server that serves the file, with the faults that were thought out for it. */
function clientOf(faults) {
  let next = 0;
  return {
    connections: 2,
    async exchange(request, take) {
      for (let tries = 0; ; tries++) {
        try {
          return await take(replyTo(request(), faults[next++]));
        } catch (error) {
          if (!(error instanceof PassingFailure)) throw error;
          if (tries === TRIES) throw new WeightmarkError("HTTP_CONNECTION_FAILED", "the body broke off");
        }
      }
    },
  };
}

function replyTo({ url, headers: asked }, fault = {}) {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(asked.range) ?? [];
  must(from !== undefined && Number(from) <= Number(to), `a request for no range: ${asked.range}`);
  const [start, end] = [Number(from), Math.min(FILE.length, Number(to) + 1)];
  const isThere = start < FILE.length;
  const body = isThere ? FILE.subarray(start, end) : new Uint8Array(0);
  const right = {
    "content-range": isThere ? `bytes ${start}-${end - 1}/${FILE.length}` : `bytes */${FILE.length}`,
    "content-length": String(body.length),
    etag: '"one"',
    ...fault.headers,
  };
  const headers = new Map(Object.entries(right).filter(([, value]) => value !== null));
  const sent = Buffer.concat([
    body.subarray(0, Math.max(0, body.length - (fault.missing ?? 0))),
    Buffer.alloc(fault.more ?? 0),
  ]);
  return {
    status: fault.status ?? (isThere ? 206 : 416),
    headers,
    firstHeaders: headers,
    url,
    async *chunks() {
      for (let at = 0; at < sent.length; at += 1000) yield sent.subarray(at, at + 1000);
    },
  };
}

function scenarioOf(bytes) {
  try {
    const scenario = JSON.parse(new TextDecoder().decode(bytes));
    const { faults, reads, header, expected, later } = scenario;
    const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;
    const sound =
      faults.every(
        ({ headers, missing, more }) => typeof headers === "object" && isNumber(missing) && isNumber(more),
      ) &&
      reads.every((pair) => pair.length === 2) &&
      typeof header === "string" &&
      Object.values(later).every((value) => typeof value === "string") &&
      (expected === null || isNumber(expected.size));
    if (sound) return scenario;
  } catch {
    // Skipped below.
  }
  throw new Skipped();
}
