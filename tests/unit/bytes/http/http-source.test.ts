import { describe, expect, test } from "vitest";
import { openHttpSource } from "../../../../src/bytes/http/http-source.ts";
import { FAULTS } from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";
import { asked, expectBytes, FILE, MIB, PREFIX, servedFile } from "../../../support/served-file.ts";

const http = servedFile();

describe("reading", () => {
  test("opens with one request, whose bytes are read from memory", async () => {
    const source = await http.open();
    expect(source.size).toBe(FILE.length);
    expect(source.location).toBe("the file");
    await expectBytes(source, { start: 0, end: PREFIX });
    await expectBytes(source, { start: 5, end: 5 });
    expect(asked(http.server)).toEqual([`bytes=0-${PREFIX - 1}`]);
    expect(http.client.counters).toMatchObject({ storage: 1, api: 0, resolve: 0, retries: 0, bytes: PREFIX });
    await expectBytes(source, { start: PREFIX - 1, end: PREFIX + 1 });
    expect(asked(http.server)).toHaveLength(2);
    await refusal(source.read(0, FILE.length + 1), "READ_OUT_OF_RANGE");
    await refusal(source.prefetch([{ start: 0, end: FILE.length + 1 }]), "READ_OUT_OF_RANGE");
  });

  test("a small file whose size is known is read as a whole at once", async () => {
    http.server.file = FILE.subarray(0, 700_000);
    const source = await http.open({ expected: { size: 700_000, sha256: null } });
    await source.prefetch([{ start: 600_000, end: 700_000 }]);
    await expectBytes(source, { start: 0, end: 700_000 });
    expect(http.server.requests).toHaveLength(1);
  });

  test("prefetches neighbours in one request and reads them from memory", async () => {
    const source = await http.open();
    const ranges = [
      { start: 1_500_000, end: 1_500_100 },
      { start: 1_000_000, end: 1_000_100 },
      { start: 1_050_000, end: 1_060_000 },
    ];
    await source.prefetch(ranges);
    expect(asked(http.server).slice(1).sort()).toEqual(["bytes=1000000-1059999", "bytes=1500000-1500099"]);
    for (const range of ranges) await expectBytes(source, range);
    expect(http.server.requests).toHaveLength(3);
    // The next call drops them, and the prefix.
    await source.prefetch([{ start: 1_000_000, end: 1_000_100 }]);
    await expectBytes(source, { start: 1_000_000, end: 1_000_100 });
    expect(http.server.requests).toHaveLength(3);
    await expectBytes(source, { start: 0, end: 8 });
    expect(http.server.requests).toHaveLength(4);
  });

  test("what is read is a copy", async () => {
    const source = await http.open();
    (await source.read(0, 100)).fill(0);
    await expectBytes(source, { start: 0, end: 100 });
  });

  test("an empty file has size 0, listed or found out", async () => {
    http.server.file = Buffer.alloc(0);
    expect((await http.open({ expected: { size: 0, sha256: null } })).size).toBe(0);
    expect(http.server.requests).toHaveLength(0);
    const found = await http.open();
    expect(found.size).toBe(0);
    await found.prefetch([]);
    await found.verifyUnchanged();
  });

  test("reads fail after close, and those under way end", async () => {
    const source = await http.open();
    http.server.faults.push(FAULTS.silent);
    const read = source.read(MIB, MIB + 1);
    const ended = refusal(read, "INTERNAL");
    await source.close();
    await ended;
    await refusal(source.read(0, 1), "INTERNAL");
  });

  test("a signal ends a prefetch with its reason", async () => {
    const source = await http.open();
    http.server.faults.push(FAULTS.silent, FAULTS.silent);
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
    const source = await http.open();
    await source.prefetch([{ start: MIB, end: MIB + 10 }]);
    http.server.faults.push(FAULTS.silent, FAULTS.status(404));
    const failing = source.prefetch([
      { start: 500_000, end: 500_010 },
      { start: 1_500_000, end: 1_500_010 },
    ]);
    await refusal(failing, "HTTP_NOT_FOUND");
    // The silent one was not waited for until its time was up.
    expect(http.client.counters.retries).toBe(0);
    const before = http.server.requests.length;
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    expect(http.server.requests).toHaveLength(before + 1);
  });

  test("a scope's signal ends what it reads", async () => {
    const stop = new AbortController();
    const scope = http.client.scope(stop.signal);
    const options = { location: "the file", expected: null, pinned: false };
    const source = await openHttpSource(scope, http.server.at(), options);
    expect([scope.counters.storage, http.client.counters.storage]).toEqual([1, 0]);
    http.server.faults.push(FAULTS.silent);
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(source.read(MIB, MIB + 1)).rejects.toThrow("enough");
    await scope.close();
    // Which does not concern others.
    expect((await http.open()).size).toBe(FILE.length);
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
    http.server.faults.push(FAULTS.headers({ "content-range": value }));
    const error = await refusal(http.open(), "HTTP_RANGE_WRONG");
    expect(error.file).toBe("the file");
  });

  test("a size that is known needs no repeating", async () => {
    http.server.faults.push(FAULTS.headers({ "content-range": "bytes 0-262143/*" }));
    expect((await http.open({ expected: { size: FILE.length, sha256: null } })).size).toBe(FILE.length);
  });

  test("a server that sends whole files is refused, unless that is what was asked for", async () => {
    http.server.faults.push(FAULTS.whole());
    await refusal(http.open(), "HTTP_RANGE_UNSUPPORTED");
    expect(http.client.counters.bytes).toBe(0);
    http.server.file = FILE.subarray(0, 1000);
    http.server.faults.push(FAULTS.whole());
    await expectBytes(await http.open(), { start: 0, end: 1000 });
    http.server.faults.push(FAULTS.whole(false));
    await refusal(http.open(), "HTTP_RANGE_UNSUPPORTED");
    http.server.faults.push(FAULTS.whole(false));
    await expectBytes(await http.open({ expected: { size: 1000, sha256: null } }), { start: 0, end: 1000 });
  });

  test("one that begins to send whole files later is refused then", async () => {
    const source = await http.open();
    http.server.faults.push(FAULTS.whole());
    await refusal(source.read(MIB, MIB + 10), "HTTP_RANGE_UNSUPPORTED");
  });

  test("416 for a range that the file has, and for one that it had", async () => {
    http.server.faults.push(FAULTS.status(416, { "content-range": "bytes */2097152" }));
    await refusal(http.open(), "HTTP_RANGE_WRONG");
    const source = await http.open();
    http.server.file = FILE.subarray(0, 500_000);
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
  http.server.faults.push(FAULTS.raw(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`));
  const error = await refusal(http.open(), code);
  expect(error.file).toBe("the file");
  // A token is sent to the Hub alone: to ask for one would not help with another server.
  if (status === 401) expect(error.detail).toMatch(/For the Hub set HF_TOKEN; .*download/);
  expect(http.server.requests).toHaveLength(1);
});
