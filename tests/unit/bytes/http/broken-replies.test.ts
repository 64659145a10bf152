import { describe, expect, test } from "vitest";
import { FAULTS } from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";
import { asked, expectBytes, FILE, PREFIX, servedFile } from "../../../support/served-file.ts";

const http = servedFile();

describe("bodies that break", () => {
  test("a reset before the headers is tried again", async () => {
    http.server.faults.push(FAULTS.reset, FAULTS.reset);
    await expectBytes(await http.open(), { start: 0, end: 10 });
    expect(http.client.counters.retries).toBe(2);
    expect(http.environment.slept).toEqual([500, 1000]);
  });

  test.each(["reset", "end"] as const)("a body that breaks off (%s) goes on where it stopped", async (how) => {
    http.server.faults.push(FAULTS.broken(100_000, how));
    await expectBytes(await http.open(), { start: 0, end: PREFIX });
    const [, second] = asked(http.server);
    const from = Number(/^bytes=(\d+)-262143$/.exec(second ?? "")?.[1]);
    // Of a reset less may have arrived than was sent; never more is asked for than is missing.
    expect(from).toBeLessThanOrEqual(100_000);
    if (how === "end") expect(from).toBe(100_000);
    expect(http.server.requests).toHaveLength(2);
  });

  test("one that always breaks off is given up", async () => {
    for (let i = 0; i < 5; i += 1) http.server.faults.push(FAULTS.broken(10, "end"));
    const error = await refusal(http.open(), "HTTP_CONNECTION_FAILED");
    expect(error.message).toContain("5 times");
    expect(error.file).toBe("the file");
    expect(http.server.requests).toHaveLength(5);
  });

  test("an endless body is cut off and refused", async () => {
    http.server.faults.push(FAULTS.endless);
    await refusal(http.open(), "HTTP_BODY_WRONG");
    expect(http.client.counters.bytes).toBeLessThan(PREFIX + 2 * 65_536);
    expect(http.server.requests).toHaveLength(1);
  });

  test("a body announced as longer or shorter than its range is refused unread", async () => {
    http.server.faults.push(FAULTS.headers({ "content-length": String(PREFIX + 1) }));
    await refusal(http.open(), "HTTP_BODY_WRONG");
    http.server.faults.push(
      FAULTS.raw("HTTP/1.1 206 OK\r\ncontent-range: bytes 0-262143/2097152\r\ncontent-length: 3\r\n\r\nabc"),
    );
    await refusal(http.open(), "HTTP_BODY_WRONG");
  });

  test("a length that is no number is refused", async () => {
    http.server.faults.push(
      FAULTS.headers({ "content-length": null, "content-range": "bytes 0-262143/99999999999999999999" }),
    );
    await refusal(http.open(), "HTTP_RANGE_WRONG");
  });

  test("a body without a length is as good", async () => {
    http.server.faults.push(FAULTS.headers({ "content-length": null }));
    await expectBytes(await http.open(), { start: 0, end: PREFIX });
  });

  test("a compressed body is refused", async () => {
    http.server.faults.push(FAULTS.compressed);
    await refusal(http.open(), "HTTP_BODY_WRONG");
    expect(http.server.requests[0]!.headers["accept-encoding"]).toBe("identity");
  });
});

describe("servers that hold one", () => {
  test("a silent server is given up", async () => {
    await http.reconnect({ idleTimeoutMs: 30, tries: 1 });
    http.server.faults.push(FAULTS.silent);
    await refusal(http.open(), "HTTP_TIMED_OUT");
  });

  test("so is one that drips, though it never stops", async () => {
    await http.reconnect({ idleTimeoutMs: 60, tries: 1 });
    http.server.file = FILE.subarray(0, 100);
    http.server.faults.push(FAULTS.dripping(10));
    await refusal(http.open(), "HTTP_TIMED_OUT");
  });
});
