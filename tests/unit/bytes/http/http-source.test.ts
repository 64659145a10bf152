import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ByteRange, PrefetchingSource } from "../../../../src/bytes/byte-source.ts";
import { createHttpClient } from "../../../../src/bytes/http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../../../src/bytes/http/http-client.ts";
import { type HttpSourceOptions, openHttpSource } from "../../../../src/bytes/http/http-source.ts";
import {
  FAULTS,
  type FaultServer,
  PATIENT_MS,
  patterned,
  startFaultServer,
  type TestEnvironment,
  testEnvironment,
} from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";

const MIB = 1024 * 1024;
const PREFIX = 256 * 1024;
const FILE = patterned(2 * MIB);

let server: FaultServer;
let storage: FaultServer;
let client: HttpClient;
let environment: TestEnvironment;

function newClient(options: HttpClientOptions = {}): HttpClient {
  environment = testEnvironment();
  return createHttpClient({ idleTimeoutMs: PATIENT_MS, ...options }, environment);
}

beforeEach(async () => {
  server = await startFaultServer({ file: FILE });
  storage = await startFaultServer({ file: FILE });
  client = newClient();
});

afterEach(async () => {
  await client.close();
  await Promise.all([server.close(), storage.close()]);
});

function open(options: Partial<HttpSourceOptions> = {}, address = server.at()): Promise<PrefetchingSource> {
  return openHttpSource(client, address, { location: "the file", expected: null, pinned: false, ...options });
}

async function expectBytes(source: PrefetchingSource, range: ByteRange, file = FILE): Promise<void> {
  const bytes = await source.read(range.start, range.end);
  expect(Buffer.from(bytes).equals(file.subarray(range.start, range.end))).toBe(true);
}

const asked = (from: FaultServer) => from.requests.map(({ headers }) => headers.range);

describe("reading", () => {
  test("opens with one request, whose bytes are read from memory", async () => {
    const source = await open();
    expect(source.size).toBe(FILE.length);
    expect(source.location).toBe("the file");
    await expectBytes(source, { start: 0, end: PREFIX });
    await expectBytes(source, { start: 5, end: 5 });
    expect(asked(server)).toEqual([`bytes=0-${PREFIX - 1}`]);
    expect(client.counters).toMatchObject({ storage: 1, api: 0, resolve: 0, retries: 0, bytes: PREFIX });
    await expectBytes(source, { start: PREFIX - 1, end: PREFIX + 1 });
    expect(asked(server)).toHaveLength(2);
    await refusal(source.read(0, FILE.length + 1), "READ_OUT_OF_RANGE");
    await refusal(source.prefetch([{ start: 0, end: FILE.length + 1 }]), "READ_OUT_OF_RANGE");
  });

  test("a small file whose size is known is read as a whole at once", async () => {
    server.file = FILE.subarray(0, 700_000);
    const source = await open({ expected: { size: 700_000, sha256: null } });
    await source.prefetch([{ start: 600_000, end: 700_000 }]);
    await expectBytes(source, { start: 0, end: 700_000 });
    expect(server.requests).toHaveLength(1);
  });

  test("prefetches neighbours in one request and reads them from memory", async () => {
    const source = await open();
    const ranges = [
      { start: 1_500_000, end: 1_500_100 },
      { start: 1_000_000, end: 1_000_100 },
      { start: 1_050_000, end: 1_060_000 },
    ];
    await source.prefetch(ranges);
    expect(asked(server).slice(1).sort()).toEqual(["bytes=1000000-1059999", "bytes=1500000-1500099"]);
    for (const range of ranges) await expectBytes(source, range);
    expect(server.requests).toHaveLength(3);
    // The next call drops them, and the prefix.
    await source.prefetch([{ start: 1_000_000, end: 1_000_100 }]);
    await expectBytes(source, { start: 1_000_000, end: 1_000_100 });
    expect(server.requests).toHaveLength(3);
    await expectBytes(source, { start: 0, end: 8 });
    expect(server.requests).toHaveLength(4);
  });

  test("what is read is a copy", async () => {
    const source = await open();
    (await source.read(0, 100)).fill(0);
    await expectBytes(source, { start: 0, end: 100 });
  });

  test("an empty file has size 0, listed or found out", async () => {
    server.file = Buffer.alloc(0);
    expect((await open({ expected: { size: 0, sha256: null } })).size).toBe(0);
    expect(server.requests).toHaveLength(0);
    const found = await open();
    expect(found.size).toBe(0);
    await found.prefetch([]);
    await found.verifyUnchanged();
  });

  test("reads fail after close, and those under way end", async () => {
    const source = await open();
    server.faults.push(FAULTS.silent);
    const read = source.read(MIB, MIB + 1);
    const ended = refusal(read, "INTERNAL");
    await source.close();
    await ended;
    await refusal(source.read(0, 1), "INTERNAL");
  });

  test("a signal ends a prefetch with its reason", async () => {
    const source = await open();
    server.faults.push(FAULTS.silent, FAULTS.silent);
    const stop = new AbortController();
    const prefetch = source.prefetch(
      [
        { start: MIB, end: MIB + 1 },
        { start: 0, end: FILE.length },
      ],
      stop.signal,
    );
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(prefetch).rejects.toThrow("enough");
  });

  test("the first failure of a prefetch ends the rest of it, and what was held before is gone", async () => {
    const source = await open();
    await source.prefetch([{ start: MIB, end: MIB + 10 }]);
    server.faults.push(FAULTS.silent, FAULTS.status(404));
    const failing = source.prefetch([
      { start: 500_000, end: 500_010 },
      { start: 1_500_000, end: 1_500_010 },
    ]);
    await refusal(failing, "HTTP_NOT_FOUND");
    // The silent one was not waited for until its time was up.
    expect(client.counters.retries).toBe(0);
    const before = server.requests.length;
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    expect(server.requests).toHaveLength(before + 1);
  });

  test("a scope's signal ends what it reads", async () => {
    const stop = new AbortController();
    const scope = client.scope(stop.signal);
    const options = { location: "the file", expected: null, pinned: false };
    const source = await openHttpSource(scope, server.at(), options);
    expect([scope.counters.storage, client.counters.storage]).toEqual([1, 0]);
    server.faults.push(FAULTS.silent);
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(source.read(MIB, MIB + 1)).rejects.toThrow("enough");
    await scope.close();
    // Which does not concern others.
    expect((await open()).size).toBe(FILE.length);
  });
});

describe("bodies that break", () => {
  test("a reset before the headers is tried again", async () => {
    server.faults.push(FAULTS.reset, FAULTS.reset);
    await expectBytes(await open(), { start: 0, end: 10 });
    expect(client.counters.retries).toBe(2);
    expect(environment.slept).toEqual([500, 1000]);
  });

  test.each(["reset", "end"] as const)("a body that breaks off (%s) goes on where it stopped", async (how) => {
    server.faults.push(FAULTS.broken(100_000, how));
    await expectBytes(await open(), { start: 0, end: PREFIX });
    const [, second] = asked(server);
    const from = Number(/^bytes=(\d+)-262143$/.exec(second ?? "")?.[1]);
    // Of a reset less may have arrived than was sent; never more is asked for than is missing.
    expect(from).toBeLessThanOrEqual(100_000);
    if (how === "end") expect(from).toBe(100_000);
    expect(server.requests).toHaveLength(2);
  });

  test("one that always breaks off is given up", async () => {
    for (let i = 0; i < 5; i += 1) server.faults.push(FAULTS.broken(10, "end"));
    const error = await refusal(open(), "HTTP_CONNECTION_FAILED");
    expect(error.message).toContain("5 times");
    expect(error.file).toBe("the file");
    expect(server.requests).toHaveLength(5);
  });

  test("an endless body is cut off and refused", async () => {
    server.faults.push(FAULTS.endless);
    await refusal(open(), "HTTP_BODY_WRONG");
    expect(client.counters.bytes).toBeLessThan(PREFIX + 2 * 65_536);
    expect(server.requests).toHaveLength(1);
  });

  test("a body announced as longer or shorter than its range is refused unread", async () => {
    server.faults.push(FAULTS.headers({ "content-length": String(PREFIX + 1) }));
    await refusal(open(), "HTTP_BODY_WRONG");
    server.faults.push(
      FAULTS.raw("HTTP/1.1 206 OK\r\ncontent-range: bytes 0-262143/2097152\r\ncontent-length: 3\r\n\r\nabc"),
    );
    await refusal(open(), "HTTP_BODY_WRONG");
  });

  test("a length that is no number is refused", async () => {
    server.faults.push(
      FAULTS.headers({ "content-length": null, "content-range": "bytes 0-262143/99999999999999999999" }),
    );
    await refusal(open(), "HTTP_RANGE_WRONG");
  });

  test("a body without a length is as good", async () => {
    server.faults.push(FAULTS.headers({ "content-length": null }));
    await expectBytes(await open(), { start: 0, end: PREFIX });
  });

  test("a compressed body is refused", async () => {
    server.faults.push(FAULTS.compressed);
    await refusal(open(), "HTTP_BODY_WRONG");
    expect(server.requests[0]!.headers["accept-encoding"]).toBe("identity");
  });
});

describe("servers that hold one", () => {
  test("a silent server is given up", async () => {
    await client.close();
    client = newClient({ idleTimeoutMs: 30, tries: 1 });
    server.faults.push(FAULTS.silent);
    await refusal(open(), "HTTP_TIMED_OUT");
  });

  test("so is one that drips, though it never stops", async () => {
    await client.close();
    client = newClient({ idleTimeoutMs: 60, tries: 1 });
    server.file = FILE.subarray(0, 100);
    server.faults.push(FAULTS.dripping(10));
    await refusal(open(), "HTTP_TIMED_OUT");
  });
});

describe("ranges", () => {
  test.each([
    ["shifted", "bytes 1-262144/2097152"],
    ["shorter", "bytes 0-99/2097152"],
    ["impossible", "bytes 9-3/2097152"],
    ["beyond the end", "bytes 0-262143/100"],
    ["in another unit", "items 0-262143/2097152"],
    ["absent", null],
    ["without a size", "bytes 0-262143/*"],
  ])("a Content-Range that is %s is refused", async (_, value) => {
    server.faults.push(FAULTS.headers({ "content-range": value }));
    const error = await refusal(open(), "HTTP_RANGE_WRONG");
    expect(error.file).toBe("the file");
  });

  test("a size that is known needs no repeating", async () => {
    server.faults.push(FAULTS.headers({ "content-range": "bytes 0-262143/*" }));
    expect((await open({ expected: { size: FILE.length, sha256: null } })).size).toBe(FILE.length);
  });

  test("a server that sends whole files is refused, unless that is what was asked for", async () => {
    server.faults.push(FAULTS.whole());
    await refusal(open(), "HTTP_RANGE_UNSUPPORTED");
    expect(client.counters.bytes).toBe(0);
    server.file = FILE.subarray(0, 1000);
    server.faults.push(FAULTS.whole());
    await expectBytes(await open(), { start: 0, end: 1000 });
    server.faults.push(FAULTS.whole(false));
    await refusal(open(), "HTTP_RANGE_UNSUPPORTED");
    server.faults.push(FAULTS.whole(false));
    await expectBytes(await open({ expected: { size: 1000, sha256: null } }), { start: 0, end: 1000 });
  });

  test("one that begins to send whole files later is refused then", async () => {
    const source = await open();
    server.faults.push(FAULTS.whole());
    await refusal(source.read(MIB, MIB + 10), "HTTP_RANGE_UNSUPPORTED");
  });

  test("416 for a range that the file has, and for one that it had", async () => {
    server.faults.push(FAULTS.status(416, { "content-range": "bytes */2097152" }));
    await refusal(open(), "HTTP_RANGE_WRONG");
    const source = await open();
    server.file = FILE.subarray(0, 500_000);
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });
});

describe("change", () => {
  test("another ETag between two ranges", async () => {
    const source = await open();
    server.etag = '"two"';
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    await refusal(source.prefetch([{ start: MIB, end: MIB + 10 }]), "CHANGED_DURING_READ");
  });

  test("another ETag within a range that broke off", async () => {
    server.faults.push(FAULTS.broken(1000, "end"), FAULTS.headers({ etag: '"two"' }));
    await refusal(open(), "CHANGED_DURING_READ");
  });

  test("another size", async () => {
    const source = await open();
    server.file = patterned(FILE.length + 1);
    const error = await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    expect(error.message).toContain("had 2097152 bytes and now has 2097153");
  });

  test("without a strong ETag the time of the last change counts", async () => {
    server.etag = 'W/"one"';
    server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    const source = await open();
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:01 GMT" };
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    server.headers = {};
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });

  test("a file that is not what was listed", async () => {
    const sha256 = "ab".repeat(32);
    await refusal(open({ expected: { size: 5, sha256: null } }), "CHANGED_DURING_READ");
    server.headers = { "x-linked-etag": `"${"cd".repeat(32)}"` };
    await refusal(open({ expected: { size: FILE.length, sha256 } }), "CHANGED_DURING_READ");
    server.headers = { "x-linked-etag": `"${sha256}"` };
    expect((await open({ expected: { size: FILE.length, sha256 } })).size).toBe(FILE.length);
  });

  test("verifyUnchanged asks once, and not at all of what is pinned", async () => {
    const pinned = await open({ pinned: true });
    await pinned.verifyUnchanged();
    expect(server.requests).toHaveLength(1);
    const source = await open();
    await source.verifyUnchanged();
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]!.headers["if-none-match"]).toBe('"one"');
    server.etag = '"two"';
    await refusal(source.verifyUnchanged(), "CHANGED_DURING_READ");
    server.faults.push(FAULTS.status(404));
    await refusal(source.verifyUnchanged(), "CHANGED_DURING_READ");
    server.faults.push(FAULTS.status(403));
    await refusal(source.verifyUnchanged(), "HTTP_FORBIDDEN");
  });

  test("verifyUnchanged by date, by size, and against a server that knows no conditions", async () => {
    server.etag = null;
    server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    const dated = await open();
    server.faults.push(FAULTS.status(304));
    await dated.verifyUnchanged();
    expect(server.requests[1]!.headers["if-modified-since"]).toBe("Thu, 01 Jan 2026 00:00:00 GMT");
    server.headers = {};
    await refusal(dated.verifyUnchanged(), "CHANGED_DURING_READ");
    const nameless = await open();
    await nameless.verifyUnchanged();
    server.file = patterned(FILE.length - 1);
    await refusal(nameless.verifyUnchanged(), "CHANGED_DURING_READ");
    server.faults.push(FAULTS.whole());
    await refusal(nameless.verifyUnchanged(), "CHANGED_DURING_READ");
  });
});

describe("redirects to storage", () => {
  const sha256 = "ab".repeat(32);
  const linked = { "x-linked-etag": `"${sha256}"`, "x-repo-commit": "c".repeat(40) };
  const resolve = (signature: string) =>
    FAULTS.redirect(storage.at(`/blob?Signature=${signature}`, "storage.test").href, 302, linked);
  const address = () => server.at("/org/name/resolve/main/model.safetensors", "public.test");

  test("one resolve request a file, everything else from storage", async () => {
    server.faults.push(resolve("first"));
    const source = await open({ expected: { size: FILE.length, sha256 } }, address());
    await source.prefetch([
      { start: MIB, end: MIB + 10 },
      { start: 0, end: 10 },
      { start: 1_500_000, end: 1_600_000 },
    ]);
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    expect(server.requests).toHaveLength(1);
    expect(storage.requests.map(({ path }) => path)).toEqual(Array(3).fill("/blob?Signature=first"));
    expect(client.counters).toMatchObject({ api: 0, resolve: 1, storage: 3 });
  });

  test("the token goes to the Hub alone, with remembered addresses too", async () => {
    await client.close();
    client = newClient({ token: { value: "hf_secret", origin: address().origin } });
    server.faults.push(resolve("first"), resolve("second"));
    const source = await open({}, address());
    storage.faults.push(null, FAULTS.status(403));
    await source.read(MIB, MIB + 10);
    await source.read(MIB, MIB + 10);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(2).fill("Bearer hf_secret"));
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill(undefined));
  });

  test.each([401, 403, 404])("storage that says %i is resolved again, once for all that wait", async (status) => {
    server.faults.push(resolve("first"), resolve("second"));
    const source = await open({}, address());
    storage.faults.push(...Array(3).fill(FAULTS.status(status)));
    const ranges = [500_000, MIB, 1_500_000].map((start) => ({ start, end: start + 10 }));
    await source.prefetch(ranges);
    for (const range of ranges) await expectBytes(source, range);
    expect(server.requests).toHaveLength(2);
    expect(storage.requests.filter(({ path }) => path.endsWith("second"))).toHaveLength(3);
  });

  test.each([400, 401, 403, 404])("storage that says %i to the first request is resolved again", async (status) => {
    server.faults.push(resolve("first"), resolve("second"));
    storage.faults.push(FAULTS.status(status));
    await expectBytes(await open({}, address()), { start: MIB, end: MIB + 10 });
    expect(storage.requests.map(({ path }) => path.slice(-6))).toEqual(["=first", "second", "second"]);
  });

  test.each([400, 401, 403])(
    "storage that says %i to new addresses too refuses, and not the server",
    async (status) => {
      const refused = async (promise: Promise<unknown>) => {
        const error = await refusal(promise, "HTTP_STORAGE_REFUSED");
        expect(error).toMatchObject({ file: "the file", kind: "passing" });
        expect(error.message).toBe(
          `storage.test:${storage.port}, to which the server sends one on, refuses access (${status})`,
        );
        expect(JSON.stringify([error.message, error.file, error.detail])).not.toContain("Signature");
      };
      server.faults.push(resolve("a"), resolve("b"));
      storage.faults.push(FAULTS.status(status), FAULTS.status(status));
      await refused(open({}, address()));
      server.faults.push(...["c", "d", "e", "f", "g"].map(resolve));
      const source = await open({}, address());
      storage.faults.push(...Array(3).fill(FAULTS.status(status)));
      await refused(source.read(MIB, MIB + 10));
      storage.faults.push(...Array(2).fill(FAULTS.status(status)));
      await refused(source.verifyUnchanged());
      expect(server.requests).toHaveLength(7);
    },
  );

  test("what storage has not got is not found, and a refusal of the server is its own", async () => {
    server.faults.push(resolve("first"), resolve("second"));
    storage.faults.push(FAULTS.status(404), FAULTS.status(404));
    const error = await refusal(open({}, address()), "HTTP_NOT_FOUND");
    expect(error.message).toContain(`storage.test:${storage.port}`);
    server.faults.push(resolve("third"), FAULTS.status(403));
    storage.faults.push(FAULTS.status(403));
    expect((await refusal(open({}, address()), "HTTP_FORBIDDEN")).message).toBe("the server refuses access (403)");
  });

  test("verifyUnchanged asks for a new address as well", async () => {
    server.faults.push(resolve("first"), resolve("second"), resolve("third"));
    const source = await open({}, address());
    storage.faults.push(FAULTS.status(403));
    await source.verifyUnchanged();
    expect(server.requests).toHaveLength(3);
  });

  test("another storage may call the same content otherwise, but not when the Hub says it changed", async () => {
    const again = { ...linked, "x-linked-etag": `"${"cd".repeat(32)}"` };
    server.faults.push(resolve("first"), resolve("second"));
    const source = await open({}, address());
    storage.faults.push(FAULTS.status(403));
    storage.etag = '"another name"';
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    storage.faults.push(FAULTS.status(403));
    server.faults.push(FAULTS.redirect(storage.at("/blob?Signature=third", "storage.test").href, 302, again));
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });

  test("without the Hub's word another ETag is a change", async () => {
    const plain = () => FAULTS.redirect(storage.at("/blob", "storage.test").href);
    server.faults.push(plain(), plain());
    const source = await open({}, address());
    storage.faults.push(FAULTS.status(403));
    storage.etag = '"two"';
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });
});

test.each([
  [400, "HTTP_STATUS"],
  [401, "HTTP_UNAUTHORIZED"],
  [403, "HTTP_FORBIDDEN"],
  [404, "HTTP_NOT_FOUND"],
  [410, "HTTP_NOT_FOUND"],
  [451, "HTTP_STATUS"],
  [501, "HTTP_SERVER_FAILED"],
  [600, "HTTP_STATUS"],
] as const)("status %i is %s at once", async (status, code) => {
  server.faults.push(FAULTS.raw(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`));
  const error = await refusal(open(), code);
  expect(error.file).toBe("the file");
  // A token is sent to the Hub alone: to ask for one would not help with another server.
  if (status === 401) expect(error.detail).toMatch(/For the Hub set HF_TOKEN; .*download/);
  expect(server.requests).toHaveLength(1);
});
