import { describe, expect, test } from "vitest";
import { readRateLimit } from "../../../../src/bytes/http/rate-limit.ts";

const NOW = Date.UTC(2026, 0, 1, 12);

function read(headers: Record<string, string>) {
  return readRateLimit(new Map(Object.entries(headers)), NOW);
}

describe("Retry-After", () => {
  test.each([
    ["55", 55],
    [" 0 ", 0],
    ["Thu, 01 Jan 2026 12:01:00 GMT", 60],
    ["Thursday, 01-Jan-26 12:01:00 GMT", 60],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
  ])("%s is %i seconds from now", (value, seconds) => {
    expect(read({ "retry-after": value }).retryAt).toBe(NOW + seconds * 1000);
  });

  test.each(["", "-1", "soon", "1.5", "1e3", "2026-01-01", `${"9".repeat(2000)}`])("%s is nothing", (value) => {
    expect(read({ "retry-after": value }).retryAt).toBeNull();
  });

  test("a date is held against the clock of the server that sent it", () => {
    const headers = { "retry-after": "Thu, 01 Jan 2026 15:00:30 GMT", date: "Thu, 01 Jan 2026 15:00:00 GMT" };
    expect(read(headers).retryAt).toBe(NOW + 30_000);
  });
});

describe("RateLimit", () => {
  test.each([
    [{ ratelimit: '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300' }, 0, 55],
    [{ ratelimit: '"resolvers"; r=2989; t=109' }, 2989, 109],
    [{ ratelimit: '"api";t=55;r=3' }, 3, 55],
    [{ ratelimit: '"day";r=90;t=8000, "minute";r=2;t=20' }, 2, 20],
    [{ ratelimit: "limit=500, remaining=7, reset=55" }, 7, 55],
    [{ "ratelimit-limit": "10", "ratelimit-remaining": "4", "ratelimit-reset": "9" }, 4, 9],
    [{ "x-ratelimit-remaining": "4", "x-ratelimit-reset": String(NOW / 1000 + 30) }, 4, 30],
  ])("%j leaves %i requests for %i seconds", (headers, remaining, seconds) => {
    expect(read(headers).window).toEqual({ remaining, resetAt: NOW + seconds * 1000 });
  });

  test.each([
    {},
    { ratelimit: '"api";r=0' },
    { ratelimit: '"api";q=5;t=3' },
    { ratelimit: '"api";r=-1;t=3' },
    { ratelimit: "a".repeat(2000) },
    { "ratelimit-remaining": "4" },
    { "ratelimit-remaining": "many", "ratelimit-reset": "9" },
  ])("%j says nothing", (headers) => {
    expect(read(headers as Record<string, string>).window).toBeNull();
  });
});
