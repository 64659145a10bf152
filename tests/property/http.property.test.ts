import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { classifyAddress, classifyHost } from "../../src/bytes/http/address-policy.ts";
import { createHttpClient } from "../../src/bytes/http/client.ts";
import { coalesce, GAP } from "../../src/bytes/http/coalesce.ts";
import type { HttpClient } from "../../src/bytes/http/http-client.ts";
import { openHttpSource } from "../../src/bytes/http/http-source.ts";
import { readRateLimit } from "../../src/bytes/http/rate-limit.ts";
import { createGateMemory, hostGate } from "../../src/bytes/http/shared-gate.ts";
import {
  FAULTS,
  type FaultServer,
  PATIENT_MS,
  patterned,
  startFaultServer,
  testEnvironment,
} from "../support/fault-server.ts";

const SIZE = 3_000_000;

function rangesOf(size: number, longest: number) {
  const range = fc
    .tuple(fc.nat({ max: size }), fc.nat({ max: longest }))
    .map(([start, length]) => ({ start, end: Math.min(size, start + length) }));
  return fc.array(range, { maxLength: 20 });
}

describe("any ranges of a file", () => {
  const file = patterned(SIZE);
  let server: FaultServer;
  let client: HttpClient;

  beforeAll(async () => {
    server = await startFaultServer({ file });
    client = createHttpClient({ idleTimeoutMs: PATIENT_MS, tries: 20, connections: 4 }, testEnvironment());
  });
  afterAll(async () => {
    await client.close();
    await server.close();
  });

  test.prop([fc.array(rangesOf(SIZE, 300_000), { minLength: 1, maxLength: 3 }), fc.array(fc.nat({ max: 5 }))], {
    numRuns: 40,
  })(
    "prefetched and read are the file's bytes, in no more requests than ranges, whatever breaks on the way",
    async (calls, breaks) => {
      const faults = [FAULTS.reset, FAULTS.broken(7), FAULTS.broken(70_000, "end"), FAULTS.status(503)];
      const source = await openHttpSource(client, server.at(), { location: "file", expected: null, pinned: true });
      for (const ranges of calls) {
        server.faults.splice(0, server.faults.length, ...breaks.map((each) => faults[each] ?? null));
        const before = server.requests.length - client.counters.retries;
        await source.prefetch(ranges);
        const fetched = server.requests.length - client.counters.retries;
        expect(fetched - before).toBeLessThanOrEqual(ranges.filter(({ start, end }) => start < end).length);
        for (const { start, end } of ranges) {
          expect(Buffer.compare(await source.read(start, end), file.subarray(start, end))).toBe(0);
        }
        // All from memory.
        expect(server.requests.length - client.counters.retries).toBe(fetched);
      }
      await source.close();
    },
  );
});

describe("coalescing", () => {
  test.prop([rangesOf(100_000_000, 3_000_000)])(
    "keeps every range whole, in order, and wastes no more than gaps",
    (ranges) => {
      const merged = coalesce(ranges);
      const wanted = ranges.filter(({ start, end }) => start < end);
      expect(merged.length).toBeLessThanOrEqual(wanted.length);
      for (const { start, end } of wanted) {
        expect(merged.some((each) => each.start <= start && end <= each.end)).toBe(true);
      }
      for (const [i, each] of merged.entries()) {
        if (i > 0) expect(each.start).toBeGreaterThanOrEqual(merged[i - 1]!.end);
        const inside = wanted.filter(({ start, end }) => each.start <= start && end <= each.end);
        expect(Math.min(...inside.map(({ start }) => start))).toBe(each.start);
        expect(Math.max(...inside.map(({ end }) => end))).toBe(each.end);
        let reached = each.start;
        for (const { start, end } of inside.sort((a, b) => a.start - b.start)) {
          expect(start - reached).toBeLessThanOrEqual(GAP);
          reached = Math.max(reached, end);
        }
      }
    },
  );
});

describe("addresses", () => {
  const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));

  test.prop([ipv4])("an IPv4 address is of one class in every dress", ([a, b, c, d]) => {
    const is = classifyAddress(`${a}.${b}.${c}.${d}`);
    const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    for (const dress of [`::ffff:${a}.${b}.${c}.${d}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
      expect(classifyAddress(dress)).toBe(is);
    }
    const number = ((a * 256 + b) * 256 + c) * 256 + d;
    for (const spelt of [`0x${number.toString(16)}`, `${number}`, `0${a.toString(8)}.${b}.${c * 256 + d}`]) {
      expect(classifyHost(new URL(`http://${spelt}/`).hostname)).toBe(is);
    }
  });

  test.prop([fc.ipV6()])("every IPv6 address has a class", (address) => {
    expect(["public", "private", "loopback", "forbidden"]).toContain(classifyAddress(address));
  });
});

test.prop([
  fc.dictionary(
    fc.constantFrom("ratelimit", "retry-after", "date", "ratelimit-reset", "ratelimit-remaining"),
    fc.string(),
  ),
])("headers of any content give times that can be waited for, or none", (headers) => {
  const { retryAt, window } = readRateLimit(new Map(Object.entries(headers)), 1e12);
  if (retryAt !== null) expect(retryAt).toBeGreaterThanOrEqual(1e12);
  if (window !== null) expect(Number.isFinite(window.resetAt) && window.resetAt >= 1e12).toBe(true);
  const gate = hostGate(createGateMemory(), { now: () => 1e12, sleep: async () => undefined });
  if (retryAt !== null) gate.close("a", retryAt);
  if (window !== null) gate.observe("a", window.remaining, window.resetAt);
  expect(gate.opensAt("a")).toBeLessThanOrEqual(1e12 + 24 * 3_600_000);
});
